"""The output log of a partition: closed sessions, users' totals at midnights and marks, in the order (due, kind, user).

That triple is an output's identity and the cursor of whoever applies it (promise P2.1): the log only rises, and an output
at or below the cursor has been applied. Records are MessagePack arrays, first element the tag. One record holds one
output.
"""

import msgspec

from livelift.errors import NEW_RUN, StateError, VersionError
from livelift.events import Manifest

SCHEMA = 5

USER, GROUP, MARK, EVENT, SESSION, END = range(6)
"""Kinds in their order at equal due: what a midnight changes of a user, or tells of a group, is in that midnight's tick, an event
then is not, and continues a session due then. EVENT is a waiting event's place among the timers; it is never in the log."""

END_DUE = 253_402_300_800_000
"""The due of the end mark: beyond every event time (year 10000)."""

Identity = tuple[int, int, str]
"""(due in ms, kind, user id or name of a group); marks have ""."""

NOTHING: Identity = (-1, 0, "")
"""Below every output."""

Row = tuple[int, ...]
"""A user's totals, in the columns of `livelift.totals`."""


class Counts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Cumulative counts of a partition's records; `refused` by reason (`livelift.refusals`), `repeated` those that were passed
    over because a producer that began again may send them twice."""

    accepted: int = 0
    late: int = 0
    refused: dict[str, int] = {}  # msgspec copies it
    repeated: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.refused, dict):  # Redis holds the counts of a run that an earlier version began
            raise VersionError(
                "the counts of this run were written by an earlier version",
                NEW_RUN,
            )

    @property
    def total(self) -> int:
        return self.accepted + self.late + sum(self.refused.values())

    def __sub__(self, earlier: "Counts") -> "Counts":
        """What came since `earlier`."""
        refused = {
            reason: number - earlier.refused.get(reason, 0)
            for reason, number in self.refused.items()
            if number != earlier.refused.get(reason, 0)
        }
        return Counts(
            self.accepted - earlier.accepted, self.late - earlier.late, refused, self.repeated - earlier.repeated
        )


class _Output(msgspec.Struct, array_like=True, frozen=True, tag_field="kind"):
    v: int
    due: int


class ClosedSession(_Output, frozen=True, array_like=True, gc=False, tag="session"):
    """A session; times in ms.

    variant
        0 control, 1 treatment, −1 a user whose arm no event has named: such a session is in no period.
    totals
        The user's (`livelift.totals`) after it.
    first_exposed_at
        The user's exposure, on the first session that holds or follows it; else None.
    in_both
        On the first output of an exposed user whose events named both arms.
    """

    user: str
    variant: int
    start: int
    end: int
    in_period: bool
    measures: tuple[int, ...]
    totals: Row
    first_exposed_at: int | None
    in_both: bool = False

    @property
    def identity(self) -> Identity:
        return (self.due, SESSION, self.user)


class UserTotals(_Output, frozen=True, array_like=True, gc=False, tag="user"):
    """A user whose totals a midnight changed, without a closed session: days were resolved, or the study's windows are rows.

    totals, added
        `livelift.totals`: after it, and what was added since the user's output before.
    windows
        Closed windows of any time among what was added: rows.
    exposed
        Has an output told of an event of the user in the period, this one included? `first_exposed_at` and `in_both` as in `ClosedSession`.
    """

    user: str
    variant: int
    totals: Row
    added: Row
    windows: int
    exposed: bool
    first_exposed_at: int | None
    in_both: bool = False

    @property
    def identity(self) -> Identity:
        return (self.due, USER, self.user)


class GroupChange(_Output, frozen=True, array_like=True, gc=False, tag="group"):
    """What the events of the day before the midnight `due` add to a group of a table, or of the last day at the end.

    group
        Its name (`livelift.table_plan.encode_key`).
    added
        In the columns of the table's plan.
    """

    group: str
    added: tuple[int, ...]

    @property
    def identity(self) -> Identity:
        return (self.due, GROUP, self.group)


class Mark(_Output, frozen=True, array_like=True, gc=False, tag="mark"):
    """The midnight `due`, with what a tick needs from the partition: nothing before it is still to come.

    `open_in_period` counts the sessions that began in the period and are still open.
    """

    counts: Counts
    open_in_period: int
    manifest: Manifest | None

    @property
    def identity(self) -> Identity:
        return (self.due, MARK, "")


class EndMark(_Output, frozen=True, array_like=True, gc=False, tag="end"):
    """The end of the stream on this partition; every session has closed."""

    watermark: int
    counts: Counts
    manifest: Manifest

    @property
    def identity(self) -> Identity:
        return (self.due, END, "")


Output = ClosedSession | UserTotals | GroupChange | Mark | EndMark

_decode = msgspec.msgpack.Decoder(Output).decode
_encode = msgspec.msgpack.Encoder().encode


def encode(output: Output) -> bytes:
    """An output as the bytes of its record.

    Raises
    ------
    StateError
        If a total of its user, or a sum of its group, has left the integers that a record can hold.
    """
    try:
        return _encode(output)
    except OverflowError:
        if isinstance(output, GroupChange):
            raise sum_too_large(f"of the group {output.group}") from None
        raise too_large(output.identity[2]) from None


def too_large(user: str) -> StateError:
    """What is said of a user whose totals, or squares of a measure among them, leave 64 bits."""
    return StateError(
        f"a total of user {user!r} is too large to be kept exactly",
        "look in the input for the user's largest values; a field's maximum rejects such rows, fewer decimals make them smaller",
    )


def sum_too_large(of: str) -> StateError:
    """What is said of a group of a table whose sum of a day leaves 64 bits."""
    return StateError(
        f"a sum {of} is too large to be kept exactly",
        "look in the input for the largest values; a field's maximum rejects such rows, fewer decimals make them smaller",
    )


class _Head(msgspec.Struct, array_like=True):
    """The beginning of every output."""

    kind: str
    v: int


_decode_head = msgspec.msgpack.Decoder(_Head).decode


def decode(value: bytes) -> Output:
    """The output in a record.

    Raises
    ------
    VersionError
        If it was written by another schema.
    msgspec.MsgspecError
        If it is not an output.
    """
    try:
        output: Output = _decode(value)
    except msgspec.ValidationError:
        _require_schema(_decode_head(value).v)  # another schema is a reason, and the better one to name
        raise
    if output.v != SCHEMA:
        _require_schema(output.v)
    return output


def _require_schema(schema: int) -> None:
    if schema != SCHEMA:
        raise VersionError(
            f"an output record has schema {schema}, this program reads {SCHEMA}",
            NEW_RUN,
        )
