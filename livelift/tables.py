"""What a study declares of its live tables: aggregates over the events of a window of event time, by up to a few keys.

A table's rows stay exact while the stream runs: the processor adds each event to the groups it belongs to and tells what a
midnight changed (`processor.table_changes`), stats adds that up. The batch oracle makes SQL of the same declaration by itself.
"""

from typing import Literal

import msgspec

from livelift.checked import Check, is_name
from livelift.measures import Wanted, condition_checks
from livelift.source import Fields, one_of

HOUR_OF_DAY, WEEKDAY = "hour", "weekday"

TIME_KEYS = (HOUR_OF_DAY, WEEKDAY)
"""Keys that come from an event's time, UTC, unless the study has fields with these names: the hour of the day, 0 to 23, and the day of
the week, 1 = Monday."""

AGGREGATES = ("count", "sum", "mean", "min", "max", "distinct", "ratio")

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
        "event": how many.
    sum, mean, min, max
        Of an integer field; `mean`, `min` and `max` are empty where no event meets `where`. `mean` takes two fields too: the mean over
        the events of the first over the second, each rounded to `QUOTIENT_UNITS`.
    at_most
        With the mean of two fields: an event's quotient counts as this where it is greater.
    distinct
        "user": how many users have an event.
    ratio
        Two earlier columns of the table, the first over the second; empty where that is 0.
    where
        Only events whose fields have these values.
    divide_by, times
        The shown value is the exact one over `divide_by`, 3600 for seconds shown as hours, and times `times`, 100 for percent.
    """

    count: Literal["event"] | None = None
    sum: str | None = None
    mean: str | list[str] | None = None
    at_most: int | None = None
    min: str | None = None
    max: str | None = None
    distinct: Literal["user"] | None = None
    ratio: list[str] | None = None
    where: dict[str, Wanted] = {}
    divide_by: int = 1
    times: int = 1

    @property
    def aggregate(self) -> str:
        """Which of `AGGREGATES` it is."""
        return next(name for name in AGGREGATES if getattr(self, name) is not None)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it aggregates: one, two of a quotient, or none."""
        if self.aggregate in ("count", "distinct", "ratio"):
            return ()
        of = getattr(self, self.aggregate)
        return (of,) if isinstance(of, str) else tuple(of)


class Table(_Part, frozen=True):
    """A table.

    window
        Tumbling, in UTC: *hour*, *day*, *week* (from Monday), *month*, or *all* for one window that never ends. Its column has its
        name.
    by
        Fields, or `TIME_KEYS`: an event belongs to the row of its window that has its values.
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
    return found


def checks(fields: Fields, tables: Tables, *, declares_measures: bool) -> list[Check]:
    """(key, is it wrong, what it has to be) for all that types alone cannot say."""
    found: list[Check] = [
        ("tables", bool(tables) and not declares_measures, "declare [measures] too: a study.py decodes no fields for tables")
    ]  # fmt: skip
    for name, table in tables.items():
        found += _table_checks(f"tables.{name}", name, table, fields)
    return found


def _table_checks(key: str, name: str, table: Table, fields: Fields) -> list[Check]:
    keys = table.key_columns
    known = one_of([*fields, *TIME_KEYS])
    rows: list[Check] = [
        (key, not is_name(name), "call it by lower-case letters, digits and _"),
        (f"{key}.by", any(by not in fields and by not in TIME_KEYS for by in table.by), known),
        (f"{key}.by", len(set(keys)) < len(keys), "name each key once, and none with the window's name"),
        (f"{key}.by", len(table.by) > MOST_KEYS, f"use at most {MOST_KEYS} keys"),
        (f"{key}.values", not table.values, 'declare a column: views = {count = "event"}'),
        (f"{key}.values", bool(set(keys) & set(table.values)), "give no column the name of a key"),
        (f"{key}.rank_by", bool(table.rank_by) and table.rank_by not in table.values, one_of(list(table.values))),
        (f"{key}.top", table.top < 0, "use 0 (all rows) or more"),
        (f"{key}.top", table.top > 0 and not table.rank_by, f"say by which column: rank_by = one of {', '.join(table.values)}"),
    ]  # fmt: skip
    earlier: list[str] = []
    for column, value in table.values.items():
        rows += _value_checks(f"{key}.values.{column}", column, value, fields, earlier)
        earlier.append(column)
    return rows


def _value_checks(key: str, name: str, value: TableValue, fields: Fields, earlier: list[str]) -> list[Check]:
    given = [one for one in AGGREGATES if getattr(value, one) is not None]
    rows: list[Check] = [
        (key, not is_name(name), "call it by lower-case letters, digits and _"),
        (key, len(given) != 1, f"give one of: {', '.join(AGGREGATES)}"),
        (f"{key}.divide_by", value.divide_by < 1, "use 1 or more"),
        (f"{key}.times", value.times < 1, "use 1 or more"),
    ]
    if len(given) != 1:
        return rows
    aggregate = given[0]
    if aggregate in ("sum", "mean", "min", "max"):
        whole = [one for one, declared in fields.items() if declared.type == "integer"]
        wrong = not value.fields or not set(value.fields) <= set(whole)
        rows.append((f"{key}.{aggregate}", wrong, one_of(whole) if whole else "declare an integer field"))
    quotient = isinstance(value.mean, list)
    rows += [
        (f"{key}.at_most", value.at_most is not None and not quotient, "use it with the mean of two fields"),
        (f"{key}.at_most", value.at_most is not None and value.at_most < 1, "use 1 or more"),
        (f"{key}.mean", quotient and len(value.fields) != 2, 'name two integer fields: ["watched", "length"]'),
    ]
    for field, least in zip(value.fields, (0, 1), strict=False) if quotient else ():
        minimum = fields[field].minimum if field in fields else least
        low = minimum is None or minimum < least
        rows.append(
            (f"{key}.mean", low, f"give the field '{field}' a minimum of {least} or more: no other row has a quotient")
        )
    if value.ratio is not None:
        rows += [
            (f"{key}.ratio", len(value.ratio) != 2, 'name two earlier columns: ["views", "users"]'),
            (f"{key}.ratio", not set(value.ratio) <= set(earlier), f"name columns above it: {', '.join(earlier) or 'there are none'}"),
            (f"{key}.where", bool(value.where), "leave it out: the columns that it divides have conditions of their own"),
        ]  # fmt: skip
    rows.append(
        (
            f"{key}.where",
            value.distinct is not None and bool(value.where),
            "leave it out: users are counted over all events",
        )
    )
    return [*rows, *condition_checks(key, value.where, fields)]
