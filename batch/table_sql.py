"""Declared tables in SQL, by the oracle's own code: it shares the parsed declaration with the stream and nothing else."""

from collections.abc import Mapping

from batch.measure_sql import condition
from livelift.source import Fields
from livelift.study import Study
from livelift.tables import Table, TableValue

MOMENT = "make_timestamp(time * 1000)"

WINDOWS = {
    "hour": f"strftime(date_trunc('hour', {MOMENT}), '%Y-%m-%dT%H:%M:%SZ')",
    "day": f"strftime({MOMENT}, '%Y-%m-%d')",
    "week": f"strftime(date_trunc('week', {MOMENT}), '%Y-%m-%d')",
    "month": f"strftime({MOMENT}, '%Y-%m')",
}
"""A window as it is shown; sorted as texts they are sorted by time."""

TIME_KEYS = {"hour": f"hour({MOMENT})", "weekday": f"isodow({MOMENT})"}


def event_columns(study: Study, at: Mapping[str, str]) -> tuple[str, str]:
    """The columns that tables need of `line`, over the fields `at`, and of `event`."""
    fields = _fields(study)
    return "".join(f", {at[name]} AS t_{name}" for name in fields), "".join(f", t_{name}" for name in fields)


def _fields(study: Study) -> list[str]:
    wanted: set[str | None] = set()
    for table in study.tables.values():
        wanted.update(table.by)
        for value in table.values.values():
            means = value.mean if isinstance(value.mean, list) else [value.mean]
            wanted |= {value.sum, *means, value.min, value.max, *value.where}
    return [name for name in study.fields if name in wanted]


def table_sql(table: Table, fields: Fields) -> str:
    """The query of a table's rows over the events before `$before` ms, in their order."""
    window = [] if table.window == "all" else [f'{WINDOWS[table.window]} AS "{table.window}"']
    keys = [f'{_key(by, fields)} AS "{by}"' for by in table.by]
    values = [f'{_value(name, value, table)} AS "{name}"' for name, value in table.values.items()]
    key_names = [f'"{by}"' for by in table.by]
    window_names = [f'"{table.window}"'] if window else []
    ranked = [f'"{table.rank_by}" DESC NULLS LAST'] if table.rank_by else []
    order = ", ".join([*window_names, *ranked, *key_names]) or "1"
    first = f"PARTITION BY {', '.join(window_names)} " if window_names else ""
    within = ", ".join([*ranked, *key_names]) or "1"
    top = f"QUALIFY row_number() OVER ({first}ORDER BY {within}) <= {table.top}" if table.top else ""
    group = "GROUP BY ALL" if window or keys else "HAVING count(*) > 0"  # by name, a column of `event` would come first
    return f"""
        WITH grouped AS (
            SELECT {", ".join([*window, *keys, *values])} FROM event WHERE time < $before {group}
        )
        SELECT * FROM grouped {top} ORDER BY {order}
    """


def _key(by: str, fields: Fields) -> str:
    if by not in fields:
        return TIME_KEYS[by]
    return f"left(t_{by}, 200)" if fields[by].type == "text" else f"t_{by}"


NANO = 1_000_000_000
"""Units of a quotient."""


def _value(name: str, value: TableValue, table: Table) -> str:
    if value.ratio is not None:
        above, below = (_value(one, table.values[one], table) for one in value.ratio)
        return f"({above} * {value.times})::DOUBLE / nullif(({below} * {value.divide_by})::DOUBLE, 0)"
    only = f" FILTER ({condition(value.where, {name: f't_{name}' for name in value.where})})" if value.where else ""
    if value.distinct is not None:
        exact = "count(DISTINCT listener)"
    elif value.count is not None:
        exact = f"count(*){only}"
    elif value.mean is not None:
        number, units = f"t_{value.mean}", 1
        if isinstance(value.mean, list):
            above, below = value.mean
            units = NANO
            number = f"(t_{above}::HUGEINT * {2 * NANO} + t_{below}) // (2 * t_{below})"
            number = number if value.at_most is None else f"least({number}, {value.at_most * NANO})"
        exact = f"(sum({number}){only} * {value.times})::DOUBLE"
        return f"{exact} / nullif(count(*){only} * {value.divide_by} * {units}::HUGEINT, 0)::DOUBLE"
    elif value.sum is not None:
        exact = f"coalesce(sum(t_{value.sum}){only}, 0)"
    else:
        kind = "min" if value.min is not None else "max"
        exact = f"{kind}(t_{value.min or value.max}){only}"
    if value.divide_by == 1:
        return f"(({exact}) * {value.times})::HUGEINT"
    return f"(({exact}) * {value.times})::DOUBLE / {value.divide_by}"
