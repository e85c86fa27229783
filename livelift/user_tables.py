"""What a study declares of its users: a row a user, segments of the users by what their rows say, and tables over users.

A user's row is of all of the user's events, in the experiment or not. Segments and tables follow it: at each midnight a user whose row
has changed leaves the groups it was in and enters those it is in now.
"""

from typing import Literal

import msgspec

from livelift.measures import Between
from livelift.tables import USER, Table, TableValue

USERS = "users"
"""The name of the table of users, beside those of `[tables]`."""

OTHER = "other"
"""The segment of the users whose value is in no bin, or not known."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the study file: unknown keys are refused."""


class Users(_Part, frozen=True):
    """A row a user: `values` as in a table. Without values there is none."""

    values: dict[str, TableValue] = {}

    @property
    def table(self) -> Table:
        return Table(self.values, title="Users", by=[USER])


class Segment(_Part, frozen=True):
    """A division of the users by one value of their rows.

    of
        The value.
    bins
        Name → the values in [at_least, below): half-open, so that each value is in one. Who is in none is in `OTHER`.
    window
        In place of bins, where the value is a day: its *day*, *week* or *month*.
    column
        What its column is called; default: *segment*, or the window's name.
    """

    of: str
    bins: dict[str, Between] = {}
    window: Literal["", "day", "week", "month"] = ""
    column: str = ""

    @property
    def key_column(self) -> str:
        return self.column or self.window or "segment"


Segments = dict[str, Segment]


class UserValue(_Part, frozen=True):
    """One column of a table over users; one of these.

    count
        "user": how many users are in the row.
    sum, mean
        Of a value of the users' rows: its sum, of a count, sum or distinct; its mean over the users. A value that is a mean itself is the
        mean over all of the users' events.
    share
        Of a value that is `returned`: which share of the users whose later day is over had an event on it; empty without any.
    """

    count: Literal["user"] | None = None
    sum: str | None = None
    mean: str | None = None
    share: str | None = None

    @property
    def of(self) -> str | None:
        """The value of the users' rows."""
        return next((name for name in (self.sum, self.mean, self.share) if name is not None), None)


class UserTable(_Part, frozen=True):
    """A table over users: a row for each segment, or for each combination of several.

    retention
        In place of `values`: values of the users' rows that are `returned`. Each is a row, by its *day*, with *users* whose later day is
        over, *retained* of them, and their *share*.
    """

    by: list[str] = []
    values: dict[str, UserValue] = {}
    retention: list[str] = []
    title: str = ""


UserTables = dict[str, UserTable]

RETENTION_COLUMNS = ("day", "users", "retained", "share")
