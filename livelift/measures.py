"""What a study declares of its sessions: measures over the fields of their events.

A measure is one aggregate over the session's events, of those that meet `where` if that is given. What has no event at
all is 0. `livelift.compiled_measures` makes a function of it for the stream; the batch oracle makes SQL of it by itself.
"""

from typing import Literal

import msgspec

from livelift.checked import Check, is_name
from livelift.source import LARGEST, Fields

SESSION, EVENT = "session", "event"

LENGTH = "seconds"
"""The measure that every session has: whole seconds from its first event to its last. It comes first."""

AGGREGATES = ("length", "count", "sum", "min", "max", "first", "last", "distinct")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the study file: unknown keys are refused."""


class Between(_Part, frozen=True):
    """Integers in [at_least, below); None is open."""

    at_least: int | None = None
    below: int | None = None


Wanted = str | int | list[str | int] | Between
"""The value that a field has to have, several of which one, or a range."""


class Measure(_Part, frozen=True):
    """One aggregate, and which events it takes.

    length
        "session": whole seconds from the first event to the last.
    count
        "event": how many.
    sum, min, max, first, last
        Of an integer field; the first and the last in the order of the replay.
    distinct
        How many values a field has. Of several text fields: of the first that is not empty.
    where
        Only events whose fields have these values.
    follows_within
        With `count`: only events that the session's next event follows in under so many seconds.
    """

    length: Literal["session"] | None = None
    count: Literal["event"] | None = None
    sum: str | None = None
    min: str | None = None
    max: str | None = None
    first: str | None = None
    last: str | None = None
    distinct: str | list[str] | None = None
    where: dict[str, Wanted] = {}
    follows_within: int | None = None

    @property
    def aggregate(self) -> str:
        """Which of `AGGREGATES` it is."""
        return next(name for name in AGGREGATES if getattr(self, name) is not None)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it aggregates, without those of its condition."""
        if self.aggregate in ("length", "count"):
            return ()
        of = getattr(self, self.aggregate)
        return (of,) if isinstance(of, str) else tuple(of)


Measures = dict[str, Measure]


def events_measure(measures: Measures) -> str | None:
    """The first measure that counts every event of a session; None where none does.

    >>> events_measure({"seconds": Measure(length="session"), "views": Measure(count="event")})
    'views'
    """
    for name, measure in measures.items():
        if measure.count and not measure.where and measure.follows_within is None:
            return name
    return None


def checks(fields: Fields, measures: Measures, *, rows: bool = False) -> list[Check]:
    """(key, is it wrong, what it has to be) for all that types alone cannot say; `rows`: the study's windows are rows."""
    if not measures:
        return []
    first, how = next(iter(measures)), _HOW_LONG[rows]
    found: list[Check] = [("measures", first != LENGTH, f"let {how} be the first: every session has a length")]
    for name, measure in measures.items():
        found += _measure_checks(f"measures.{name}", name, measure, fields, rows)
    return found


_HOW_LONG = {False: f'{LENGTH} = {{length = "session"}}', True: f'{LENGTH} = {{sum = "FIELD"}}'}
"""What says how long a session lasts: its first and last event, or where a row is a session a field of it."""


def _measure_checks(key: str, name: str, measure: Measure, fields: Fields, in_rows: bool) -> list[Check]:
    given = [one for one in AGGREGATES if getattr(measure, one) is not None]
    rows = [
        (key, not is_name(name), "call it by lower-case letters, digits and _"),
        (key, len(given) != 1, f"give one of: {', '.join(AGGREGATES)}"),
    ]
    if len(given) != 1:
        return rows
    aggregate = given[0]
    rows += [
        (
            f"{key}.{aggregate}",
            aggregate != "sum" if in_rows and name == LENGTH else (name == LENGTH) != (aggregate == "length"),
            f"write {_HOW_LONG[in_rows]}",
        ),
        (
            f"{key}.sum",
            in_rows and name == LENGTH and not _never_negative(measure, fields),
            "give the field a minimum of 0 or more: no session lasts less",
        ),
        (f"{key}.length", in_rows and aggregate == "length", "leave it out: a row has no first and last event"),
        (
            f"{key}.follows_within",
            in_rows and measure.follows_within is not None,
            "leave it out: no event follows in a row",
        ),
        (
            f"{key}.where",
            aggregate == "length" and bool(measure.where),
            "leave it out: a session's length is that of all",
        ),
        (f"{key}.follows_within", measure.follows_within is not None and aggregate != "count", "use it with count"),
        (
            f"{key}.follows_within",
            measure.follows_within is not None and measure.follows_within < 1,
            "use 1 or more seconds",
        ),
        (f"{key}.{aggregate}", aggregate == "distinct" and not measure.fields, "name a field"),
    ]
    known = f"use one of: {', '.join(fields) or 'none, as [fields] declares none'}"
    for field in measure.fields:
        rows.append((f"{key}.{aggregate}", field not in fields, known))
        if field in fields:
            kind = fields[field].type
            numbers = aggregate != "distinct"
            rows.append(
                (f"{key}.{aggregate}", numbers and kind != "integer", f"name an integer field: '{field}' is text")
            )
            several = len(measure.fields) > 1
            rows.append(
                (f"{key}.{aggregate}", several and kind != "text", f"of several, all have to be text: '{field}' is not")
            )
    return [*rows, *condition_checks(key, measure.where, fields)]


def condition_checks(key: str, where: dict[str, Wanted], fields: Fields) -> list[Check]:
    """What is wrong with a condition on fields, `where`, of what is declared at `key`."""
    known = f"use one of: {', '.join(fields) or 'none, as [fields] declares none'}"
    rows: list[Check] = []
    for field, wanted in where.items():
        rows.append((f"{key}.where.{field}", field not in fields, known))
        if field in fields:
            fits = _fits(wanted, fields[field].type)
            rows.append((f"{key}.where.{field}", not fits, _WANTED[fields[field].type]))
    return rows


def _never_negative(measure: Measure, fields: Fields) -> bool:
    least = [fields[field].minimum for field in measure.fields if field in fields]
    return all(minimum is not None and minimum >= 0 for minimum in least)


_WANTED = {
    "text": 'give a text, or several: ["web", "tv"]',
    "integer": f"give a whole number of at most {LARGEST}, several, or a range: {{at_least = 1, below = 10}}",
}


def _fits(wanted: Wanted, kind: str) -> bool:
    if isinstance(wanted, Between):
        ends = [end for end in (wanted.at_least, wanted.below) if end is not None]
        some = len(ends) < 2 or ends[0] < ends[1]
        return kind == "integer" and bool(ends) and some and all(abs(end) <= LARGEST for end in ends)
    values = wanted if isinstance(wanted, list) else [wanted]
    if kind == "text":
        return bool(values) and all(isinstance(value, str) for value in values)
    return bool(values) and all(isinstance(value, int) and abs(value) <= LARGEST for value in values)
