"""Encodes and decodes state records of the changelog, and decides which of them count after a crash (promise P2.4).

Key = writer token + user (or nothing, for the partition's own record). Value = MessagePack [schema, as-of offset, …]. A
token is drawn for each assignment, so that a worker which wakes after its partitions were given away writes under keys
of its own: compaction can't let its old value replace a newer one. Recovery takes the greatest as-of, never the last
written.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Protocol

import msgspec

from livelift.errors import NEW_RUN, StateError, VersionError
from livelift.events import UNREADABLE
from livelift.output_log import Row, too_large
from livelift.sessions import SessionMeasures
from processor.partition import Partition
from processor.partition_state import PartitionState
from processor.table_changes import encode_shard
from processor.user_state import SCHEMA, UserState

TOKEN_BYTES = 8
PARTITION_KEY = b""

SHARD = b"\xff"
"""Begins the key of a shard of the tables; no UTF-8 does."""


def shard_key(number: int) -> bytes:
    return SHARD + number.to_bytes(2, "big")


def shard_number(key: bytes) -> int:
    """What `shard_key` was given."""
    return int.from_bytes(key[len(SHARD) :], "big")


KeyValue = tuple[bytes | None, bytes | None]
"""A record for a topic."""

_encode = msgspec.msgpack.Encoder().encode
_decode_partition = msgspec.msgpack.Decoder(PartitionState).decode


class ByteMap(Protocol):
    """The part of a dict from bytes to bytes that recovery needs; may lie on disk."""

    def get(self, key: bytes, /) -> bytes | None: ...

    def __setitem__(self, key: bytes, value: bytes, /) -> None: ...

    def __delitem__(self, key: bytes, /) -> None: ...

    def items(self) -> Iterable[tuple[bytes, bytes]]: ...


def each_token(tokens: bytes) -> list[bytes]:
    """Tokens that stand one after the other."""
    return [tokens[start : start + TOKEN_BYTES] for start in range(0, len(tokens), TOKEN_BYTES)]


def new_token() -> bytes:
    """A writer's token for one assignment, never drawn twice."""
    return os.urandom(TOKEN_BYTES)


class UserForm:
    """Users as records of state, and back. The study's part of an open session goes through `measures.freeze` and `thaw`."""

    def __init__(self, measures: SessionMeasures) -> None:
        self._encode = msgspec.msgpack.Encoder(enc_hook=measures.freeze).encode
        self._decode = msgspec.msgpack.Decoder(UserState).decode
        self._thaw = measures.thaw

    def encode(self, user: UserState, as_of: int) -> bytes:
        """The user's record as of offset `as_of`, or a later one that it was restored as of: nothing of the user is left to be written.

        Raises
        ------
        StateError
            If a total has left the integers that a record can hold.
        """
        user.as_of = max(
            user.as_of, as_of
        )  # its own may be newer after a crash: what it holds is not to be taken again
        user.touched = False
        try:
            return self._encode(user)
        except OverflowError:
            raise too_large(user.user.decode()) from None

    def decode(self, value: bytes) -> UserState:
        """The user that `encode` wrote."""
        user = self._decode(value)
        if user.accumulator is not None:
            user.accumulator = self._thaw(user.accumulator)
        if not any(user.totals):
            user.totals = _zero(len(user.totals))
        return user


@lru_cache
def _zero(columns: int) -> Row:
    """One object for all users without anything: many of a million are."""
    return (0,) * columns


def decode_partition(value: bytes) -> PartitionState:
    """A partition's own record, as `StateWriter` wrote it after the users of its batch."""
    return _decode_partition(value)


class StateWriter:
    """Turns a batch's effects into changelog records, under this assignment's token.

    Parameters
    ----------
    older
        User (or `PARTITION_KEY`) → the tokens, one after the other, under which other writers left a record: tombstoned
        when it is rewritten.
    """

    def __init__(self, form: UserForm, token: bytes, older: ByteMap) -> None:
        self._encode = form.encode
        self._token = token
        self._older = older

    def records(self, partition: Partition, touched: Iterable[UserState]) -> Iterator[KeyValue]:
        """(key, value) in the order of writing; the partition's record comes last. None is a tombstone.

        The tables come first, so that no user is newer than they: whom a group has counted stands in the user.
        """
        as_of, encode, token, older = partition.as_of, self._encode, self._token, self._older
        if partition.tables is not None:
            for number, shard in partition.tables.records(as_of, partition.watermark):
                key = shard_key(number)
                yield token + key, encode_shard(shard)
                yield from self._tombstones(key, older.get(key) or b"")
        for user in touched:
            yield token + user.user, encode(user, as_of)
            tokens = older.get(user.user)
            if tokens is not None:
                yield from self._tombstones(user.user, tokens)
        yield token + PARTITION_KEY, _encode(partition.state())
        yield from self._tombstones(PARTITION_KEY, older.get(PARTITION_KEY) or b"")

    def _tombstones(self, user: bytes, tokens: bytes) -> Iterator[KeyValue]:
        if tokens:
            del self._older[user]
        for token in each_token(tokens):
            yield token + user, None


class _Head(msgspec.Struct, array_like=True, gc=False):
    """The beginning of every record of state."""

    schema: int
    as_of: int


_head = msgspec.msgpack.Decoder(_Head).decode


def as_of(value: bytes) -> int:
    """The as-of offset of a record, without decoding the rest of it.

    Raises
    ------
    VersionError
        If it was written by another schema.
    """
    head = _head(value)
    if head.schema != SCHEMA:
        raise VersionError(
            f"a record of state has schema {head.schema}, this program reads {SCHEMA}",
            NEW_RUN,
        )
    return head.as_of


@contextmanager
def readable(what: Callable[[], str]) -> Iterator[None]:
    """Say of what `what` names that it cannot be read, in place of what a decoder says.

    Raises
    ------
    StateError
        If it is no record of state.
    """
    try:
        yield
    except UNREADABLE as error:
        raise StateError(
            f"{what()} is no record of state: {error}",
            "somebody else has written to the topic, or it is damaged; start a new run: livelift reset, then livelift demo",
        ) from error
