"""The output log of a partition: closed sessions, resolved user-days and marks, in the order (due, kind, user).

That triple is an output's identity and the fence of whoever applies it (promise P2.1): the log only rises, and an output
at or below the fence has been applied. Records are MessagePack arrays, first element the tag. One record holds one
output.
"""

from typing import Self

import msgspec

from livelift.errors import VersionError
from livelift.events import Manifest

SCHEMA = 1

USER_DAY, MARK, EVENT, SESSION, END = range(5)
"""Kinds in their order at equal due: a day that ends at midnight is in that midnight's tick, an event then is not, and
continues a session due then. EVENT is a waiting event's place among the timers; it is never in the log."""

END_DUE = 253_402_300_800_000
"""The due of the end mark: beyond every event time (year 10000)."""

Identity = tuple[int, int, str]
"""(due in ms, kind, user id); marks have user ""."""

NOTHING: Identity = (-1, 0, "")
"""Below every output."""


class Totals(msgspec.Struct, array_like=True, frozen=True):
    """A user's totals over closed in-period sessions, resolved user-days and the pre-period, all exact integers.

    sums, squares
        Per session measure of the study, in its order: Σ and Σ of squares.
    eligible, returned
        Resolved user-days; those followed by an active day.
    pre_sessions, pre_sums
        Sessions of the pre-period and Σ per measure.
    """

    sessions: int
    sums: tuple[int, ...]
    squares: tuple[int, ...]
    eligible: int
    returned: int
    pre_sessions: int
    pre_sums: tuple[int, ...]

    @classmethod
    def zero(cls, measures: int) -> Self:
        none = (0,) * measures
        return cls(0, none, none, 0, 0, 0, none)


class Counts(msgspec.Struct, array_like=True, frozen=True):
    """Cumulative counts of a partition's event records; `undecodable` ones could not be read."""

    accepted: int = 0
    late: int = 0
    undecodable: int = 0

    @property
    def total(self) -> int:
        return self.accepted + self.late + self.undecodable

    def __sub__(self, earlier: "Counts") -> "Counts":
        """What came since `earlier`."""
        return Counts(
            self.accepted - earlier.accepted, self.late - earlier.late, self.undecodable - earlier.undecodable
        )


class _Output(msgspec.Struct, array_like=True, frozen=True, tag_field="kind"):
    v: int
    due: int

    @property
    def kind(self) -> str:
        """Its tag: session, day, mark or end."""
        return str(self.__struct_config__.tag)


class ClosedSession(_Output, frozen=True, array_like=True, tag="session"):
    """`first_exposed_at` (ms) on the user's first session that holds an in-period event, else None; `variant` 0 control, 1
    treatment; `totals` after it."""

    user: str
    variant: int
    start: int
    end: int
    in_period: bool
    measures: tuple[int, ...]
    totals: Totals
    first_exposed_at: int | None

    @property
    def identity(self) -> Identity:
        return (self.due, SESSION, self.user)


class UserDay(_Output, frozen=True, array_like=True, tag="day"):
    """Was the user active again on the day after `day` (days since 1970)? `totals` after it."""

    user: str
    variant: int
    day: int
    returned: bool
    totals: Totals

    @property
    def identity(self) -> Identity:
        return (self.due, USER_DAY, self.user)


class Mark(_Output, frozen=True, array_like=True, tag="mark"):
    """The midnight `due`, with what a tick needs from the partition: nothing before it is still to come."""

    counts: Counts
    period_complete: bool
    manifest: Manifest | None

    @property
    def identity(self) -> Identity:
        return (self.due, MARK, "")


class EndMark(_Output, frozen=True, array_like=True, tag="end"):
    """The end of the stream on this partition; every session has closed."""

    watermark: int
    counts: Counts
    manifest: Manifest

    @property
    def identity(self) -> Identity:
        return (self.due, END, "")


Output = ClosedSession | UserDay | Mark | EndMark

_decode = msgspec.msgpack.Decoder(Output).decode
encode = msgspec.msgpack.Encoder().encode
"""An output as the bytes of its record."""


def decode(value: bytes) -> Output:
    """The output in a record.

    Raises
    ------
    VersionError
        If it was written by another schema.
    msgspec.MsgspecError
        If it is not an output.
    """
    output: Output = _decode(value)
    if output.v != SCHEMA:
        raise VersionError(
            f"an output record has schema {output.v}, this program reads {SCHEMA}",
            "start a new run with this program: livelift reset, then livelift demo",
        )
    return output
