"""The users' rows, segments and tables over users in SQL, by the oracle's own code."""

from collections.abc import Mapping

from batch.table_sql import exact_parts, moment_of, value_shown, window_shown
from livelift.study import Study
from livelift.tables import TableValue
from livelift.user_tables import Segment, UserTable, UserValue


def person_sql(study: Study) -> str:
    """The query that makes the table `person` of the events before `$before` ms: a row a user, each value but a ratio as two integers, its
    numerator and denominator. Our own columns begin with `#`, which no declared name does."""
    values = study.users.values
    columns = ['user_id AS "#user"', 'any_value(first_day) AS "#first"']
    for name, value in values.items():
        if value.ratio is None:
            above, below = exact_parts(value, values)
            columns += [f"({above})::HUGEINT AS {_above(name)}", f"({below})::HUGEINT AS {_below(name)}"]
    return f"CREATE OR REPLACE TEMP TABLE person AS SELECT {', '.join(columns)} FROM told WHERE time < $before GROUP BY user_id"


def _above(name: str) -> str:
    return f'"#above {name}"'


def _below(name: str) -> str:
    return f'"#below {name}"'


def users_sql(study: Study) -> str:
    """The query of the users' rows with their segments, over `person`."""
    values = study.users.values
    shown = [f'{value_shown(name, values, _parts)} AS "{name}"' for name in values]
    shown += [f'{_segment(one, values)} AS "{name}"' for name, one in study.segments.items()]
    return f"""SELECT {", ".join(['"#user" AS user', *shown])} FROM person ORDER BY "#user" """


def _parts(name: str) -> tuple[str, str]:
    return _above(name), _below(name)


def _segment(segment: Segment, values: Mapping[str, TableValue]) -> str:
    above, below = _above(segment.of), _below(segment.of)
    if segment.window:
        return f"coalesce({window_shown(segment.window, moment_of(above))}, 'other')"
    cases = []
    for name, within in segment.bins.items():
        known = [f"{above} IS NOT NULL AND {below} > 0"]
        known += [f"{above} >= {within.at_least} * {below}"] if within.at_least is not None else []
        known += [f"{above} < {within.below} * {below}"] if within.below is not None else []
        cases.append(f"WHEN {' AND '.join(known)} THEN {_text(name)}")
    return f"CASE {' '.join(cases)} ELSE 'other' END"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _order(segment: Segment, column: str) -> str:
    """Bins in their declared order, windows by time; who is in none comes last."""
    if segment.window:
        return f"{column} = 'other', {column}"
    return f"list_position([{', '.join([*map(_text, segment.bins), _text('other')])}], {column})"


def user_table_sql(study: Study, table: UserTable) -> str:
    """The query of a table over users as of `$tick` ms, over `person`."""
    values = study.users.values
    segments = [study.segments[by] for by in table.by]
    keys = [f'"#{number}"' for number in range(len(segments))]
    keyed = "".join(f", {_segment(one, values)} AS {key}" for key, one in zip(keys, segments, strict=True))
    shown = [f'{key} AS "{one.key_column}"' for key, one in zip(keys, segments, strict=True)]
    order = [_order(one, key) for key, one in zip(keys, segments, strict=True)]
    person = f"SELECT *{keyed} FROM person"
    if table.retention:
        return _retention(table, values, person, keys, shown, order)
    columns = [f'{_value(value, values)} AS "{name}"' for name, value in table.values.items()]
    group = f"GROUP BY {', '.join(keys)} ORDER BY {', '.join(order)}" if keys else "HAVING count(*) > 0"
    return f"SELECT {', '.join([*shown, *columns])} FROM ({person}) WHERE $tick IS NOT NULL {group}"


def _over(days: int | None) -> str:
    """Is the user's later day over?"""
    return f'("#first" + {days} + 1) * 86400000 <= $tick'


def _share(name: str, days: int | None) -> str:
    return f"sum({_above(name)}) FILTER ({_over(days)})::DOUBLE / nullif(count(*) FILTER ({_over(days)}), 0)"


def _value(value: UserValue, values: Mapping[str, TableValue]) -> str:
    if value.count is not None:
        return "count(*)"
    if value.share is not None:
        return _share(value.share, values[value.share].returned)
    name = value.of
    assert name is not None, "the study's checks leave no other"
    of = values[name]
    if of.aggregate == "mean":
        return f"sum({_above(name)})::DOUBLE / nullif(sum({_below(name)}), 0)::DOUBLE"
    if value.mean is not None:
        return f"sum({_above(name)})::DOUBLE / (count(*) * {of.divide_by})::DOUBLE"
    return f"sum({_above(name)})::HUGEINT" if of.divide_by == 1 else f"sum({_above(name)})::DOUBLE / {of.divide_by}"


def _retention(
    table: UserTable, values: Mapping[str, TableValue], person: str, keys: list[str], shown: list[str], order: list[str]
) -> str:
    parts = []
    for number, name in enumerate(table.retention):
        days = values[name].returned
        columns = [
            *keys, f'{number} AS "#part"', f"{days} AS day", f"count(*) FILTER ({_over(days)}) AS users",
            f"coalesce(sum({_above(name)}) FILTER ({_over(days)}), 0)::HUGEINT AS retained", f"{_share(name, days)} AS share",
        ]  # fmt: skip
        group = f"GROUP BY {', '.join(keys)}" if keys else "HAVING count(*) > 0"
        parts.append(f"SELECT {', '.join(columns)} FROM ({person}) {group}")
    both = " UNION ALL ".join(parts)
    together, order = ", ".join([*shown, "day", "users", "retained", "share"]), [*order, '"#part"']
    return f"SELECT {together} FROM ({both}) ORDER BY {', '.join(order)}"
