"""Stores a partition's users: in memory, or on disk with `processor.states_on_disk`."""

from collections.abc import Callable, Iterator
from typing import Protocol

from processor.changelog import ByteMap, KeyValue, UserForm
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

    def users(self, form: UserForm) -> Users:
        """The users that `best` holds; it is not needed after that."""

    def written(self, records: Iterator[KeyValue], touched: list[UserState]) -> Iterator[KeyValue]:
        """Passes on the records that are being written to the changelog, of all users `touched` since the last time."""

    def close(self) -> None:
        """Leave nothing behind."""


NewStates = Callable[[int], States]
"""Partition number → a new place for its users."""


class StatesInMemory:
    """Every user in memory: the fastest, some 0.9 KB a user."""

    in_memory = True

    def __init__(self) -> None:
        self.best: dict[bytes, bytes] = {}
        self.tokens: dict[bytes, bytes] = {}

    def users(self, form: UserForm) -> dict[bytes, UserState]:
        users = {user.user: user for user in map(form.decode, self.best.values())}
        self.best.clear()
        return users

    def written(self, records: Iterator[KeyValue], touched: list[UserState]) -> Iterator[KeyValue]:
        return records  # all users are in memory

    def close(self) -> None:
        """Memory leaves by itself."""
