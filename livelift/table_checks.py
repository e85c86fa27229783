"""What can be wrong with a study's declared tables, beyond what types say."""

from livelift.checked import Check, is_name
from livelift.measures import condition_checks
from livelift.source import Fields, one_of
from livelift.tables import AGGREGATES, DAY_FIELD, MOST_KEYS, TIME_KEYS, USER, Table, Tables, TableValue

MOST_FACTOR = 10**9
"""Of `divide_by` and `times`."""

AT_DECIMALS = 6
"""Of a quantile's `at`."""


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
    known = [*fields, *TIME_KEYS, USER]
    ranked = [name for name, value in table.values.items() if not value.is_day]
    rows: list[Check] = [
        (key, not is_name(name), "call it by lower-case letters, digits and _"),
        (f"{key}.by", not set(table.by) <= set(known), one_of(known)),
        (f"{key}.by", len(set(keys)) < len(keys), "name each key once, and none with the window's name"),
        (f"{key}.by", len(table.by) > MOST_KEYS, f"use at most {MOST_KEYS} keys"),
        (f"{key}.values", not table.values, 'declare a column: views = {count = "event"}'),
        (
            f"{key}.values",
            bool(table.values) and all(value.hidden for value in table.values.values()),
            "let a column be shown",
        ),
        (f"{key}.values", bool(set(keys) & set(table.values)), "give no column the name of a key"),
        (f"{key}.rank_by", bool(table.rank_by) and table.rank_by not in ranked, one_of(ranked)),
        (f"{key}.top", table.top < 0, "use 0 (all rows) or more"),
        (f"{key}.top", table.top > 0 and not table.rank_by, f"say by which column: rank_by = one of {', '.join(ranked)}"),
    ]  # fmt: skip
    by_user = USER in table.by and USER not in fields
    return [*rows, *value_checks(f"{key}.values", table.values, fields, by_user=by_user)]


def value_checks(key: str, values: dict[str, TableValue], fields: Fields, *, by_user: bool) -> list[Check]:
    """Of a table's columns; `by_user`: a row is of one user."""
    rows: list[Check] = []
    earlier: dict[str, TableValue] = {}
    for column, value in values.items():
        rows += _value_checks(f"{key}.{column}", column, value, fields, earlier, by_user)
        earlier[column] = value
    return rows


def _value_checks(
    key: str, name: str, value: TableValue, fields: Fields, earlier: dict[str, TableValue], by_user: bool
) -> list[Check]:
    given = [one for one in AGGREGATES if getattr(value, one) is not None]
    rows: list[Check] = [
        (key, not is_name(name), "call it by lower-case letters, digits and _"),
        (key, len(given) != 1, f"give one of: {', '.join(AGGREGATES)}"),
        (f"{key}.divide_by", not 1 <= value.divide_by <= MOST_FACTOR, f"use 1 to {MOST_FACTOR:,}"),
        (f"{key}.times", not 1 <= value.times <= MOST_FACTOR, f"use 1 to {MOST_FACTOR:,}"),
    ]
    if len(given) != 1:
        return rows
    aggregate = given[0]
    whole = [one for one, declared in fields.items() if declared.type == "integer"]
    if aggregate in ("sum", "mean", "min", "max", "quantile"):
        known = [*whole, *([DAY_FIELD] if aggregate in ("min", "max") else [])]
        wrong = not value.fields or not set(value.fields) <= set(known)
        rows.append((f"{key}.{aggregate}", wrong, one_of(known) if known else "declare an integer field"))
    shown_as_it_is = value.divide_by == 1 and value.times == 1
    rows += [
        (f"{key}.divide_by", value.is_day and not shown_as_it_is, "leave it out: a day is shown as a date"),
        (f"{key}.{aggregate}", value.is_day and DAY_FIELD in fields, f"call the field '{DAY_FIELD}' otherwise: here it is an event's day"),
        *_quotient_checks(key, value, fields),
        *_distinct_checks(key, value, fields, by_user),
        *_quantile_checks(key, value, fields),
        *_earlier_checks(key, value, earlier),
        *_condition_checks(key, value, whole),
        (f"{key}.returned", value.returned is not None and not by_user, "use it in [users.values], or a table by user"),
        (f"{key}.returned", value.returned is not None and not 1 <= value.returned <= 3660, "use 1 or more days: 1 for the next day, 7, 30"),
    ]  # fmt: skip
    return [*rows, *condition_checks(key, value.where, fields)]


def _quotient_checks(key: str, value: TableValue, fields: Fields) -> list[Check]:
    quotient = isinstance(value.mean, list)
    rows: list[Check] = [
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
    return rows


def _quantile_checks(key: str, value: TableValue, fields: Fields) -> list[Check]:
    field = fields.get(value.quantile or "")
    low = field is not None and (field.minimum is None or field.minimum < 0)
    fits = 0 < value.at < 1 and round(value.at, AT_DECIMALS) == value.at
    return [
        (f"{key}.at", value.quantile is not None and not fits, f"use a number between 0 and 1 of at most {AT_DECIMALS} decimals: 0.5 for the median, 0.95"),
        (f"{key}.at", value.quantile is None and value.at != 0, "use it with quantile"),
        (f"{key}.quantile", low, f"give the field '{value.quantile}' a minimum of 0 or more: the bins begin there"),
    ]  # fmt: skip


def _distinct_checks(key: str, value: TableValue, fields: Fields, by_user: bool) -> list[Check]:
    if value.distinct is None or value.distinct == USER:
        return []
    return [
        (f"{key}.distinct", value.distinct not in fields, one_of([USER, *fields])),
        (f"{key}.distinct", not by_user, f'use "{USER}", or name fields in [users.values] or a table by user'),
    ]


def _earlier_checks(key: str, value: TableValue, earlier: dict[str, TableValue]) -> list[Check]:
    """Of a column that is made of two earlier ones."""
    if value.aggregate not in ("ratio", "difference"):
        return []
    place = f"{key}.{value.aggregate}"
    rows: list[Check] = [
        (place, len(value.earlier) != 2, 'name two earlier columns: ["views", "users"]'),
        (place, not set(value.earlier) <= set(earlier), f"name columns above it: {', '.join(earlier) or 'there are none'}"),
        (f"{key}.where", value.has_condition, "leave it out: the columns that it is made of have conditions of their own"),
    ]  # fmt: skip
    days = any(earlier[name].is_day for name in value.earlier if name in earlier)
    rows.append((place, days and value.ratio is not None, "name no day: it has no quotient"))
    if value.aggregate == "difference":
        of = [earlier[name] for name in value.earlier if name in earlier]
        whole = all(
            one.aggregate in ("count", "sum", "min", "max", "distinct") and one.divide_by == one.times == 1
            for one in of
        )
        rows.append(
            (
                place,
                not whole,
                "name columns of whole numbers, or two days: no mean, ratio, quantile, divide_by or times",
            )
        )
        rows.append((place, len({one.is_day for one in of}) > 1, "name two days, or two numbers"))
    return rows


def _condition_checks(key: str, value: TableValue, whole: list[str]) -> list[Check]:
    """Of what says which events a column takes, but for `where`'s own fields."""
    users = value.distinct == USER or value.returned is not None
    return [
        (f"{key}.where", users and value.has_condition, "leave it out: users, and whether they return, are counted over all events"),
        (f"{key}.exceeds", bool(value.exceeds) and len(value.exceeds) != 2, 'name two integer fields: ["watched", "length"]'),
        (f"{key}.exceeds", not set(value.exceeds) <= set(whole), one_of(whole) if whole else "declare two integer fields"),
        (f"{key}.first_days", value.first_days is not None and value.first_days < 1, "use 1 or more days"),
    ]  # fmt: skip
