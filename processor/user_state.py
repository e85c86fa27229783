"""State of one user: the open session, unresolved days, and running totals."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import msgspec

from livelift.output_log import Row

SCHEMA = 8
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
        Of the open session, the study's part; None where no session is open.
    session_start, session_last
        First and last event of the open session in ms.
    day_end
        The end of the latest active day in ms: an event from there on is on a new active day.
    place
        Of the open session among the partition's (`processor.open_sessions`); −1 where none is open.
    """

    as_of: int
    touched: bool
    accumulator: Any
    session_start: int
    session_last: int
    day_end: int
    place: int


class UserState(HotFields, gc=False, array_like=True, tag=SCHEMA):
    """A user of one partition, and the form of its record of state: [schema, as_of, …], in the order of the fields.

    Its parts that few users have are shared until then, and tuples: a million users are many. It is never part of a cycle, so
    the garbage collector need not know it.

    Attributes
    ----------
    user
        The record key, UTF-8.
    variant
        0 control, 1 treatment; −1 while no event has named the user's arm.
    totals
        A row of `livelift.totals`.
    days
        Active days of the period (days since 1970) that a retention still needs.
    exposed_at
        First event inside the period in ms; `exposure_told` once an output has carried it.
    waiting
        Accepted events that the watermark has not passed: (time, offset, value). Empty without allowed lateness.
    resolved_until
        The latest midnight (ms) at which days of the user were resolved.
    first_day
        The day of the first event of all; −1 before it.
    in_both, both_told
        Events named both arms; an output has said so.
    active_day_end
        As `day_end`, where events name the arm: `day_end` stays 0, so that each event is asked for it.
    told, told_due, windows
        Where windows are rows: the totals as they were last told, the midnight (ms) that will tell them, and how many
        windows closed since. () and 0 if nothing changed.
    counted
        End of a table's window in ms (0: it never ends) → the hashes of the groups that have counted the user.
    counted_last
        Number of a table whose windows are one group each → the end of the last window that has counted the user.
    """

    user: bytes
    variant: int
    totals: Row
    days: tuple[int, ...] = ()
    exposed_at: int | None = None
    exposure_told: bool = False
    waiting: tuple[tuple[int, int, bytes], ...] = ()
    resolved_until: int = -1
    first_day: int = -1
    in_both: bool = False
    both_told: bool = False
    active_day_end: int = 0
    told: Row = ()
    told_due: int = 0
    windows: int = 0
    counted: dict[int, set[int]] | None = None
    counted_last: dict[int, int] | None = None

    @classmethod
    def new(cls, user: bytes, variant: int, zero: Row) -> "UserState":
        """A user without sessions; `zero` is the row of one."""
        return cls(-1, False, None, 0, 0, 0, -1, user, variant, zero)


class Users(Protocol):
    """The part of a dict from user to state that the operator needs."""

    def get(self, key: bytes, /) -> UserState | None: ...

    def __getitem__(self, key: bytes, /) -> UserState: ...

    def __setitem__(self, key: bytes, value: UserState, /) -> None: ...

    def __len__(self) -> int: ...

    def values(self) -> Iterable[UserState]: ...


@runtime_checkable
class UsersElsewhere(Users, Protocol):
    """Users that do not stay in memory."""

    def hold(self, user: UserState, /) -> None:
        """Keep a user that `values` gave and that was changed in memory, until its state is written."""
