"""Records of state: what the changelog holds, and which of them count after a crash (promise P2.4).

Key = writer token + user (or nothing, for the partition's own record). Value = MessagePack [schema, as-of offset, …]. A
token is drawn for each assignment, so that a worker which wakes after its partitions were given away writes under keys
of its own: compaction can't let its old value replace a newer one. Recovery takes the greatest as-of, never the last
written.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from livelift.errors import VersionError
from livelift.events import Manifest
from livelift.output_log import Counts
from livelift.sessions import SessionMeasures
from livelift.study import Study
from processor.partition import Partition
from processor.user_state import OpenSession, UserState

SCHEMA = 2
TOKEN_BYTES = 8
PARTITION_KEY = b""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list).decode
_convert_manifest = msgspec.json.Decoder(Manifest).decode
_encode_manifest = msgspec.json.Encoder().encode


def new_token() -> bytes:
    """A writer's token for one assignment, never drawn twice."""
    return os.urandom(TOKEN_BYTES)


def encode_user(user: UserState, as_of: int, measures: SessionMeasures) -> bytes:
    """The user's record as of offset `as_of`."""
    session = user.session
    return _encode(
        [
            SCHEMA,
            as_of,
            user.variant,
            None if session is None else [session.start, session.last, measures.freeze(session.accumulator)],
            user.day_end,
            user.days,
            user.exposed_at,
            user.exposure_told,
            user.waiting,
            user.sessions,
            user.sums,
            user.squares,
            user.eligible,
            user.returned,
            user.pre_sessions,
            user.pre_sums,
        ]
    )


def decode_user(key: bytes, value: bytes, measures: SessionMeasures) -> UserState:
    """The user that `encode_user` wrote."""
    fields = _decode(value)
    user = UserState(key, fields[2], (0,) * len(measures.names))
    user.as_of = fields[1]
    if fields[3] is not None:
        start, last, frozen = fields[3]
        user.session = OpenSession(start, last, measures.thaw(frozen))
    user.day_end, user.exposed_at, user.exposure_told = fields[4], fields[6], fields[7]
    user.days = tuple(fields[5])
    user.waiting = tuple([(time, offset, event) for time, offset, event in fields[8]])
    user.sessions, user.eligible, user.returned, user.pre_sessions = fields[9], fields[12], fields[13], fields[14]
    user.sums, user.squares, user.pre_sums = tuple(fields[10]), tuple(fields[11]), tuple(fields[15])
    return user


def encode_partition(partition: Partition) -> bytes:
    """The partition's own record, written after the users of its batch."""
    manifest = partition.manifest
    return _encode(
        [
            SCHEMA,
            partition.as_of,
            partition.watermark,
            partition.row,
            [partition.accepted, partition.late, partition.undecodable],
            None if manifest is None else _encode_manifest(manifest),
            partition.ended,
        ]
    )


class StateWriter:
    """Turns a batch's effects into changelog records, under this assignment's token.

    Parameters
    ----------
    older
        User (or `PARTITION_KEY`) → the keys under which other writers left a record: tombstoned when it is rewritten.
    """

    def __init__(self, measures: SessionMeasures, token: bytes, older: dict[bytes, list[bytes]]) -> None:
        self._measures = measures
        self._token = token
        self._older = older

    def records(self, partition: Partition, touched: Iterable[UserState]) -> Iterator[tuple[bytes, bytes | None]]:
        """(key, value) in the order of writing; the partition's record comes last. None is a tombstone."""
        as_of, measures, token, older = partition.as_of, self._measures, self._token, self._older
        for user in touched:
            yield token + user.user, encode_user(user, as_of, measures)
            if older and user.user in older:
                for key in older.pop(user.user):
                    yield key, None
        yield token + PARTITION_KEY, encode_partition(partition)
        for key in older.pop(PARTITION_KEY, ()):
            yield key, None


class _Head(msgspec.Struct, array_like=True, gc=False):
    """The beginning of every record of state."""

    schema: int
    as_of: int


_head = msgspec.msgpack.Decoder(_Head).decode


class StateReader:
    """Collects a partition's changelog and keeps, of every user, the record with the greatest as-of."""

    def __init__(self) -> None:
        self._best: dict[bytes, tuple[int, bytes]] = {}  # user → (as-of, value)
        self._keys: dict[bytes, bytes | set[bytes]] = {}  # user → the key with a live record, or the keys

    def add(self, key: bytes, value: bytes | None) -> None:
        """Take the next record of the changelog.

        Raises
        ------
        VersionError
            If it was written by another schema.
        """
        user = key[TOKEN_BYTES:]
        if value is None:
            self._drop(user, key)
            return
        as_of = _as_of(value)
        keys = self._keys.get(user)
        if keys is None:
            self._keys[user] = key
        elif isinstance(keys, set):
            keys.add(key)
        elif keys != key:
            self._keys[user] = {keys, key}
        best = self._best.get(user)
        if best is None or as_of >= best[0]:
            self._best[user] = (as_of, value)

    def _drop(self, user: bytes, key: bytes) -> None:
        """The record under `key` is there no more."""
        keys = self._keys.get(user)
        if isinstance(keys, set):
            keys.discard(key)
        elif keys == key:
            del self._keys[user]

    def partition(self, study: Study, measures: SessionMeasures) -> Partition:
        """The partition as its records say; a new one where there are none."""
        own = self._best.get(PARTITION_KEY)
        fields: list[Any] = _decode(own[1]) if own else [SCHEMA, -1, -1, -1, [], None, False]
        as_of, watermark, row, counts, manifest, ended = fields[1:7]
        return Partition.recovered(
            study,
            measures,
            as_of=as_of,
            watermark=watermark,
            row=row,
            counts=Counts(*counts),
            manifest=None if manifest is None else _convert_manifest(manifest),
            ended=ended,
            users=(
                decode_user(user, value, measures) for user, (_, value) in self._best.items() if user != PARTITION_KEY
            ),
        )

    def older_keys(self) -> dict[bytes, list[bytes]]:
        """User → the keys that hold a record, for the next writer to tombstone."""
        return {user: sorted(keys) if isinstance(keys, set) else [keys] for user, keys in self._keys.items() if keys}


def _as_of(value: bytes) -> int:
    """The as-of offset of a record, without decoding the rest of it."""
    head = _head(value)
    if head.schema != SCHEMA:
        raise VersionError(
            f"a record of state has schema {head.schema}, this program reads {SCHEMA}",
            "start a new run with this program: livelift reset, then livelift demo",
        )
    return head.as_of
