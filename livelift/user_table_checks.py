"""What can be wrong with a study's users, segments and tables over users, beyond what types say."""

from itertools import pairwise
from typing import TYPE_CHECKING

from livelift.checked import Check, is_name
from livelift.churn import is_always_there
from livelift.measures import Between
from livelift.source import one_of
from livelift.table_checks import value_checks
from livelift.tables import MOST_KEYS, USER, TableValue
from livelift.user_tables import OTHER, RETENTION_COLUMNS, USERS, Segment, UserTable, UserValue

if TYPE_CHECKING:
    from livelift.study import Study

NAME = "call it by lower-case letters, digits and _"


def checks(study: "Study") -> list[Check]:
    """(key, is it wrong, what it has to be) for all that types alone cannot say."""
    values = study.users.values
    declared = study.segments or study.user_tables
    rows: list[Check] = [
        ("users", bool(declared) and not values, "declare what is kept of each user: [users.values]"),
        ("users", bool(values) and not study.measures, "declare [measures] too: a study.py decodes no fields for users"),
        ("users.values", "user" in values, "give no column the name of the key"),
        ("users.values", any(value.quantile is not None for value in values.values()), "ask for quantiles in [tables]: a user's events are too few for bins"),
        ("users.values", any(value.hidden for value in values.values()), "leave out hidden: all of a user is shown"),
        (f"tables.{USERS}", bool(values) and USERS in study.tables, "call it otherwise: the users' own rows are called so"),
        *value_checks("users.values", values, study.fields, by_user="user" not in study.fields),
        ("users", bool(values) and "user" in study.fields, "call the field 'user' otherwise: the users' rows have that column"),
    ]  # fmt: skip
    for name, segment in study.segments.items():
        rows += _segment_checks(f"segments.{name}", name, segment, values)
        taken = name in values or name == USER
        rows.append(
            (
                f"segments.{name}",
                taken,
                "call it otherwise: it is a column of a user, as the values and the user's name are",
            )
        )
    for name, table in study.user_tables.items():
        key = f"user_tables.{name}"
        rows.append((key, name in study.tables or name == USERS, "call it otherwise: there is a table of this name"))
        rows += _table_checks(key, name, table, study)
    return rows


def _segment_checks(key: str, name: str, segment: Segment, values: dict[str, TableValue]) -> list[Check]:
    rows: list[Check] = [
        (key, not is_name(name), NAME),
        (f"{key}.of", segment.of not in values, one_of(list(values))),
        (f"{key}.column", bool(segment.column) and not is_name(segment.column), NAME),
        (key, bool(segment.bins) == bool(segment.window), "give it bins, or a window where the value is a day"),
        (f"{key}.bins", OTHER in segment.bins, f"call it otherwise than '{OTHER}', which is who is in no bin"),
        (f"{key}.bins", "" in segment.bins, "give each bin a name"),
        (
            f"{key}.bins",
            not _are_apart(list(segment.bins.values())),
            "let each bin be a range with a bound, and no two overlap",
        ),
    ]
    value = values.get(segment.of)
    if value is not None:
        rows += [
            (f"{key}.of", value.aggregate == "ratio", "name no ratio: a mean of two fields can be one's own value"),
            (f"{key}.window", bool(segment.window) and not value.is_day, 'name a value that is a day: {min = "day"}'),
            (f"{key}.bins", bool(segment.bins) and value.is_day, 'use a window, such as "month": the value is a day'),
        ]
    return rows


def _are_apart(bins: list[Between]) -> bool:
    """Is each a range that is not empty, and has no two a value in common?"""
    least, most = float("-inf"), float("inf")
    ends = [(least if one.at_least is None else one.at_least, most if one.below is None else one.below) for one in bins]
    ends.sort()
    each = all(start < end and (start, end) != (least, most) for start, end in ends)
    return each and all(one[1] <= other[0] for one, other in pairwise(ends))


def _table_checks(key: str, name: str, table: UserTable, study: "Study") -> list[Check]:
    values, segments = study.users.values, study.segments
    keys = [segments[by].key_column for by in table.by if by in segments]
    columns = [*RETENTION_COLUMNS] if table.retention else [*table.values]
    known = one_of([*segments]) if segments else "declare a segment: [segments.NAME]"
    rows: list[Check] = [
        (key, not is_name(name), NAME),
        (f"{key}.by", not set(table.by) <= set(segments), known),
        (f"{key}.by", len(table.by) > MOST_KEYS, f"use at most {MOST_KEYS} segments"),
        (f"{key}.by", len(set(keys)) < len(keys), 'give the segments columns of their own: column = "NAME"'),
        (key, bool(table.values) == bool(table.retention), 'declare a column: users = {count = "user"}, or retention'),
        (f"{key}.by", bool(set(keys) & set(columns)), "give no column the name of a key"),
    ]
    returned = [one for one, value in values.items() if value.returned is not None]
    fix = one_of(returned) if returned else "declare one in [users.values]: d7 = {returned = 7}"
    rows.append((f"{key}.retention", not set(table.retention) <= set(returned), fix))
    rows.append((f"{key}.retention", len(set(table.retention)) < len(table.retention), "name each once"))
    shares = table.retention or any(value.share is not None for value in table.values.values())
    first = any(value.is_first_day for value in values.values())
    rows.append(
        (
            key,
            bool(shares) and not first,
            'declare users.values.first_day = {min = "day"}: a later day is counted from it',
        )
    )
    for column, value in table.values.items():
        rows += _value_checks(f"{key}.values.{column}", column, value, values, (returned, fix))
    return rows


def _value_checks(
    key: str, name: str, value: UserValue, values: dict[str, TableValue], returned: tuple[list[str], str]
) -> list[Check]:
    given = [one for one in ("count", "sum", "mean", "share") if getattr(value, one) is not None]
    rows: list[Check] = [
        (key, not is_name(name), NAME),
        (key, len(given) != 1, "give one of: count, sum, mean, share"),
    ]
    if len(given) != 1 or value.count is not None:
        return rows
    place = f"{key}.{given[0]}"
    if value.share is not None:
        return [*rows, (place, value.share not in returned[0], returned[1])]
    summed = [one for one, of in values.items() if of.aggregate in ("count", "sum", "distinct")]
    meant = [
        *summed,
        *(
            one
            for one, of in values.items()
            if of.aggregate == "mean" or (of.difference is not None and is_always_there(of, values))
        ),
    ]
    of = summed if value.sum is not None else meant
    return [*rows, (place, value.of not in of, one_of(of) if of else "declare such a value in [users.values]")]
