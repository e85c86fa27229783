"""State of one user: the open session, unresolved days, and running totals."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from livelift.output_log import Totals

SCHEMA = 5
"""The form of a record of state."""


class HotFields(msgspec.Struct, gc=False, array_like=True, tag=SCHEMA):
    """The part of a user that nearly every event reads: the fields of a base class lie together, in one line of the cache or two.

    Attributes
    ----------
    as_of
        The offset up to which the record that was last written holds everything of the user; −1 before the first.
    touched
        Changed since its state was last written: `Partition.take_touched` will give it.
    accumulator
        Of the open session, the study's part; None where no session is open. An open session has exactly one timer.
    session_start, session_last
        First and last event of the open session in ms.
    day_end
        The end of the latest active day in ms: an event from there on is on a new active day.
    """

    as_of: int
    touched: bool
    accumulator: Any
    session_start: int
    session_last: int
    day_end: int


class UserState(HotFields, gc=False, array_like=True, tag=SCHEMA):
    """A user of one partition, and the form of its record of state: [schema, as_of, …], in the order of the fields.

    Its parts that few users have are shared until then, and tuples: a million users are many. It is never part of a cycle, so
    the garbage collector need not know it.

    Attributes
    ----------
    user
        The record key, UTF-8.
    variant
        0 control, 1 treatment.
    days
        Active days of the period (days since 1970) whose return is not resolved yet.
    exposed_at
        First event inside the period in ms; `exposure_told` once a closed session has carried it.
    waiting
        Accepted events that the watermark has not passed: (time, offset, value). Empty without allowed lateness.
    """

    user: bytes
    variant: int
    sums: tuple[int, ...]
    squares: tuple[int, ...]
    pre_sums: tuple[int, ...]
    days: tuple[int, ...] = ()
    exposed_at: int | None = None
    exposure_told: bool = False
    waiting: tuple[tuple[int, int, bytes], ...] = ()
    sessions: int = 0
    eligible: int = 0
    returned: int = 0
    pre_sessions: int = 0

    @classmethod
    def new(cls, user: bytes, variant: int, zero: tuple[int, ...]) -> "UserState":
        """A user without sessions; `zero` has a 0 for each session measure."""
        return cls(-1, False, None, 0, 0, 0, user, variant, zero, zero, zero)

    def totals(self) -> Totals:
        """The totals as an output carries them."""
        return Totals(
            self.sessions,
            self.sums,
            self.squares,
            self.eligible,
            self.returned,
            self.pre_sessions,
            self.pre_sums,
        )


class Users(Protocol):
    """The part of a dict from user to state that the operator needs."""

    def get(self, key: bytes, /) -> UserState | None: ...

    def __getitem__(self, key: bytes, /) -> UserState: ...

    def __setitem__(self, key: bytes, value: UserState, /) -> None: ...

    def __len__(self) -> int: ...

    def values(self) -> Iterable[UserState]: ...
