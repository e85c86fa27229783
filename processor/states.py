"""Where a partition's users are kept: in memory, or with `processor.states_on_disk` on disk."""

from collections.abc import Callable
from typing import Protocol

from livelift.sessions import SessionMeasures
from processor.changelog import ByteMap, Records, decode_user
from processor.user_state import Users, UserState


class States(Protocol):
    """What recovery collects of a partition, and what becomes of it. Empty at first; for one assignment.

    best
        User → the record with the greatest as-of.
    tokens
        User → the tokens with a live record, one after the other.
    in_memory
        All users are in memory anyway, so that those who changed may wait there to be written.
    """

    in_memory: bool

    @property
    def best(self) -> ByteMap: ...

    @property
    def tokens(self) -> ByteMap: ...

    def users(self, measures: SessionMeasures) -> Users:
        """The users that `best` holds; it is not needed after that."""

    def written(self, records: Records, touched: list[UserState]) -> None:
        """These records are being written to the changelog, with all users `touched` since the last time."""

    def close(self) -> None:
        """Leave nothing behind."""


NewStates = Callable[[int], States]
"""Partition number → a new place for its users."""


class StatesInMemory:
    """Every user in memory: the fastest, some 1.1 KB a user."""

    in_memory = True

    def __init__(self) -> None:
        self.best: dict[bytes, bytes] = {}
        self.tokens: dict[bytes, bytes] = {}

    def users(self, measures: SessionMeasures) -> dict[bytes, UserState]:
        users = {user: decode_user(user, value, measures) for user, value in self.best.items()}
        self.best.clear()
        return users

    def written(self, records: Records, touched: list[UserState]) -> None:
        """They are in memory."""

    def close(self) -> None:
        """Memory leaves by itself."""
