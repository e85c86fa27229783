"""Restores a partition from its changelog: of each user, the record with the greatest as-of offset (promise P2.4)."""

from collections.abc import Callable

from livelift.sessions import SessionMeasures
from livelift.study import Study
from processor.admission import belongs_here
from processor.changelog import (
    PARTITION_KEY,
    SHARD,
    TOKEN_BYTES,
    UserForm,
    as_of,
    decode_partition,
    each_token,
    shard_number,
)
from processor.partition import Partition
from processor.partition_state import PartitionState
from processor.states import States
from processor.table_changes import decode_shard
from processor.windows import recovered_partition


class StateReader:
    """Collects a partition's changelog into `states`, which are empty and belong to it."""

    def __init__(self, states: States) -> None:
        self.states = states
        self._own: tuple[int, bytes] | None = None
        self._shards: dict[bytes, tuple[int, bytes]] = {}  # key → as-of offset, record

    def add(self, key: bytes | None, value: bytes | None) -> None:
        """Take the next record of the changelog.

        Raises
        ------
        VersionError
            If it was written by another schema.
        ValueError, TypeError
            If it is no record of state (`processor.changelog.readable`).
        """
        if key is None or len(key) < TOKEN_BYTES:
            raise ValueError("its key holds no writer's token")
        token, user = key[:TOKEN_BYTES], key[TOKEN_BYTES:]
        tokens = self.states.tokens
        known = tokens.get(user) or b""
        if value is None:
            left = b"".join(other for other in each_token(known) if other != token)
            if left != known:
                tokens[user] = left
            return
        if known != token and token not in each_token(known):
            tokens[user] = known + token
        offset = as_of(value)
        if user == PARTITION_KEY:
            if self._own is None or offset >= self._own[0]:
                self._own = offset, value
            return
        if user.startswith(SHARD):
            newest = self._shards.get(user)
            if newest is None or offset >= newest[0]:
                self._shards[user] = offset, value
            return
        best = self.states.best.get(user)
        if best is None or offset >= as_of(best):
            self.states.best[user] = value

    def partition(
        self, study: Study, measures: SessionMeasures, belongs: Callable[[bytes], bool] = belongs_here
    ) -> Partition:
        """The partition as its records say; a new one where there are none."""
        own = PartitionState() if self._own is None else decode_partition(self._own[1])
        shards = {shard_number(key): decode_shard(value) for key, (_, value) in self._shards.items()}
        return recovered_partition(study, measures, own, self.states.users(UserForm(measures)), belongs, shards)
