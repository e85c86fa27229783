"""What a study declares of its live tables: aggregates over the events of a window of event time, by up to a few keys.

A table's rows stay exact while the stream runs: the processor adds each event to the groups it belongs to and tells what a
midnight changed (`processor.table_changes`), stats adds that up. The batch oracle makes SQL of the same declaration by itself.
"""

from typing import Literal

import msgspec

from livelift.measures import Wanted

HOUR_OF_DAY, WEEKDAY = "hour", "weekday"

TIME_KEYS = (HOUR_OF_DAY, WEEKDAY)
"""Keys that come from an event's time, UTC, unless the study has fields with these names: the hour of the day, 0 to 23, and the day of
the week, 1 = Monday."""

USER = "user"
"""The key of a row a user, unless the study has a field with this name."""

DAY_FIELD = "day"
"""What `min` and `max` take for an event's UTC day."""

AGGREGATES = ("count", "sum", "mean", "min", "max", "distinct", "ratio", "difference", "returned", "quantile")

MOST_KEYS = 4

MOST_KEY_CHARACTERS = 200
"""Of a text that is a key, so many count: a group's name is in several records."""

QUOTIENT_UNITS = 10**9
"""A quotient of two fields is kept as a whole number of so many units, halves rounded up: sums of them are exact."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the study file: unknown keys are refused."""


class TableValue(_Part, frozen=True):
    """One column of a table, over the events of a group; one of these aggregates.

    count
        "event": how many. "session": how many begin a session; each event does where the study's windows are rows.
    sum, mean, min, max
        Of an integer field; `mean`, `min` and `max` are empty where no event meets `where`. `mean` takes two fields too: the mean over
        the events of the first over the second, each rounded to `QUOTIENT_UNITS`. `min` and `max` take `DAY_FIELD` too.
    at_most
        With the mean of two fields: an event's quotient counts as this where it is greater.
    distinct
        "user": how many users have an event. A field: how many values it has, in a table by user.
    ratio, difference
        Two earlier columns of the table: the first over the second, empty where that is 0; the first minus the second, in days of two days.
    quantile, at
        Of an integer field that is 0 or more: the value that the share `at` of the events does not exceed, by fixed bins
        (`livelift.quantiles`); 0.5 for the median.
    returned
        1 where the user has an event on the UTC day so many days after the first one, else 0; in a table by user.
    where
        Only events whose fields have these values.
    exceeds
        Only events in which the first of two integer fields is greater than the second.
    first_days
        Only events of so many UTC days from the user's first event on.
    divide_by, times
        The shown value is the exact one over `divide_by`, 3600 for seconds shown as hours, and times `times`, 100 for percent.
    hidden
        It is not shown: only other columns are made of it.
    """

    count: Literal["event", "session"] | None = None
    sum: str | None = None
    mean: str | list[str] | None = None
    at_most: int | None = None
    min: str | None = None
    max: str | None = None
    distinct: str | None = None
    ratio: list[str] | None = None
    difference: list[str] | None = None
    returned: int | None = None
    quantile: str | None = None
    at: float = 0.0
    where: dict[str, Wanted] = {}
    exceeds: list[str] = []
    first_days: int | None = None
    divide_by: int = 1
    times: int = 1
    hidden: bool = False

    @property
    def aggregate(self) -> str:
        """Which of `AGGREGATES` it is."""
        return next(name for name in AGGREGATES if getattr(self, name) is not None)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it aggregates: one, two of a quotient, or none."""
        if self.aggregate in ("count", "ratio", "difference", "returned") or self.distinct == USER:
            return ()
        of = getattr(self, self.aggregate)
        return (of,) if isinstance(of, str) else tuple(of)

    @property
    def has_condition(self) -> bool:
        """Does it take only some events?"""
        return bool(self.where or self.exceeds or self.first_days is not None)

    @property
    def is_day(self) -> bool:
        """Is it a day, shown as a date?"""
        return DAY_FIELD in (self.min, self.max)

    @property
    def is_first_day(self) -> bool:
        """Of a user, is it the day of the first event of all?"""
        return self.is_day and self.min is not None and not self.has_condition

    @property
    def earlier(self) -> list[str]:
        """The earlier columns that it is made of."""
        return [*(self.ratio or ()), *(self.difference or ())]


class Table(_Part, frozen=True):
    """A table.

    window
        Tumbling, in UTC: *hour*, *day*, *week* (from Monday), *month*, or *all* for one window that never ends. Its column has its
        name.
    by
        Fields, `TIME_KEYS` or `USER`: an event belongs to the row of its window that has its values.
    values
        Columns by name, in their order.
    rank_by, top
        The rows of a window are shown by this column, the greatest first, and only so many of them; 0: all.
    """

    values: dict[str, TableValue]
    title: str = ""
    window: Literal["hour", "day", "week", "month", "all"] = "all"
    by: list[str] = []
    rank_by: str = ""
    top: int = 0

    @property
    def columns(self) -> list[str]:
        """What is shown of a row."""
        return [*self.key_columns, *(name for name, value in self.values.items() if not value.hidden)]

    @property
    def key_columns(self) -> list[str]:
        """The columns that tell a row from others: its window, where there are several, and its keys."""
        return [*([] if self.window == "all" else [self.window]), *self.by]


Tables = dict[str, Table]


def fields_read(tables: Tables) -> set[str]:
    """What an event needs for the tables: fields, and keys of its time."""
    found = set()
    for table in tables.values():
        found.update(table.by)
        for value in table.values.values():
            found.update(value.where)
            found.update(value.fields)
            found.update(value.exceeds)
    return found
