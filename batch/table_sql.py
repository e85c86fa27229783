"""Declared tables in SQL, by the oracle's own code: it shares the parsed declaration with the stream and nothing else."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from batch.measure_sql import condition
from livelift.source import Fields
from livelift.study import Study
from livelift.tables import Table, TableValue

MOMENT = "make_timestamp(time * 1000)"

FORMS = {"hour": "%Y-%m-%dT%H:%M:%SZ", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}
"""Of a window as it is shown; sorted as texts windows are sorted by time."""

TIME_KEYS = {"hour": f"hour({MOMENT})", "weekday": f"isodow({MOMENT})"}


def window_shown(window: str, moment: str) -> str:
    """The window that holds the timestamp `moment`."""
    return f"strftime(date_trunc('{window}', {moment}), '{FORMS[window]}')"


def moment_of(day: str) -> str:
    """The timestamp at which a day since 1970 begins."""
    return f"make_timestamp(({day})::BIGINT * 86400000000)"


def event_columns(study: Study, at: Mapping[str, str]) -> tuple[str, str]:
    """The columns that tables need of `line`, over the fields `at`, and of `event`."""
    fields = _fields(study)
    return "".join(f", {at[name]} AS t_{name}" for name in fields), "".join(f", t_{name}" for name in fields)


def _fields(study: Study) -> list[str]:
    wanted: set[str | None] = set()
    tables = [(table.by, table.values) for table in study.tables.values()]
    for by, values in [*tables, ([], study.users.values)]:
        wanted.update(by)
        for value in values.values():
            means = value.mean if isinstance(value.mean, list) else [value.mean]
            wanted |= {
                value.sum,
                *means,
                value.min,
                value.max,
                value.distinct,
                value.quantile,
                *value.where,
                *value.exceeds,
            }
    return [name for name in study.fields if name in wanted]


def table_sql(table: Table, fields: Fields) -> str:
    """The query of a table's rows over the events before `$before` ms, in their order."""
    window = [] if table.window == "all" else [f'{window_shown(table.window, MOMENT)} AS "{table.window}"']
    keys = [f'{_key(by, fields)} AS "{by}"' for by in table.by]
    parts = partial(_parts, table.values)
    values = [f'{value_shown(name, table.values, parts)} AS "{name}"' for name in table.values]
    key_names = [f'"{by}"' for by in table.by]
    window_names = [f'"{table.window}"'] if window else []
    ranked = [f'"{table.rank_by}" DESC NULLS LAST'] if table.rank_by else []
    order = ", ".join([*window_names, *ranked, *key_names]) or "1"
    first = f"PARTITION BY {', '.join(window_names)} " if window_names else ""
    within = ", ".join([*ranked, *key_names]) or "1"
    top = f"QUALIFY row_number() OVER ({first}ORDER BY {within}) <= {table.top}" if table.top else ""
    kept_back = [f'"{name}"' for name, value in table.values.items() if value.hidden]
    hidden = f"EXCLUDE ({', '.join(kept_back)})" if kept_back else ""
    group = "GROUP BY ALL" if window or keys else "HAVING count(*) > 0"  # by name, a column of `event` would come first
    return f"""
        WITH grouped AS (
            SELECT {", ".join([*window, *keys, *values])} FROM told WHERE time < $before {group}
        )
        SELECT * {hidden} FROM grouped {top} ORDER BY {order}
    """


def _key(by: str, fields: Fields) -> str:
    if by not in fields:
        return "user_id" if by == "user" else TIME_KEYS[by]
    return f"left(t_{by}, 200)" if fields[by].type == "text" else f"t_{by}"


NANO = 1_000_000_000
"""Units of a quotient."""


def _parts(values: Mapping[str, TableValue], name: str) -> tuple[str, str]:
    return exact_parts(values[name], values)


def value_shown(name: str, values: Mapping[str, TableValue], parts: Callable[[str], tuple[str, str]]) -> str:
    """A column as a person reads it; `parts` gives the numerator and denominator of all but a ratio."""
    value = values[name]
    if value.ratio is not None:
        above, below = (value_shown(one, values, parts) for one in value.ratio)
        return f"({above} * {value.times})::DOUBLE / nullif(({below} * {value.divide_by})::DOUBLE, 0)"
    above, below = parts(name)
    if value.is_day:
        return window_shown("day", moment_of(above))
    if value.aggregate != "mean" and value.divide_by == 1:
        return f"({above})::HUGEINT"
    return f"({above})::DOUBLE / nullif({below}, 0)::DOUBLE"


def _quantile(field: str, only: str, at: float) -> str:
    """The middle of the bin that holds the ⌈at · n⌉th smallest: a bin has the same eight first binary digits."""
    share = Decimal(str(at))
    above, below = share.as_integer_ratio()
    rank = f"(({above}::HUGEINT * count(*){only} + {below - 1}) // {below})::BIGINT"
    value = f"list_sort(list({field}){only})[{rank}]"
    digits = f"(length(bin({value}::BIGINT)) - 8)"
    width = f"(1::BIGINT << {digits})"
    return f"CASE WHEN {value} < 256 THEN {value} ELSE {value} // {width} * {width} + {width} // 2 END"


def exact_parts(value: TableValue, values: Mapping[str, TableValue]) -> tuple[str, str]:
    """Numerator and denominator, in integers, of a column over the events of a group; `values` are the table's."""
    if value.difference is not None:
        one, other = (exact_parts(values[name], values)[0] for name in value.difference)
        return f"({one} - {other}) * {value.times}", str(value.divide_by)
    met = [condition(value.where, {name: f"t_{name}" for name in value.where})] if value.where else []
    met += [f"t_{value.exceeds[0]} > t_{value.exceeds[1]}"] if value.exceeds else []
    met += [f"day - first_day < {value.first_days}"] if value.first_days is not None else []
    met += ["begins"] if value.count == "session" else []
    only = f" FILTER ({' AND '.join(met)})" if met else ""
    if value.mean is not None:
        number, units = f"t_{value.mean}", 1
        if isinstance(value.mean, list):
            above, below = value.mean
            units = NANO
            number = f"(t_{above}::HUGEINT * {2 * NANO} + t_{below}) // (2 * t_{below})"
            number = number if value.at_most is None else f"least({number}, {value.at_most * NANO})"
        return f"sum({number}){only} * {value.times}", f"(count(*){only} * {value.divide_by} * {units}::HUGEINT)"
    if value.count is not None:
        exact = f"count(*){only}"
    elif value.distinct is not None:
        exact = f"count(DISTINCT {'listener' if value.distinct == 'user' else 't_' + value.distinct}){only}"
    elif value.returned is not None:
        exact = f"coalesce(bool_or(day = first_day + {value.returned}), false)::INTEGER"
    elif value.sum is not None:
        exact = f"coalesce(sum(t_{value.sum}){only}, 0)"
    elif value.quantile is not None:
        exact = _quantile(f"t_{value.quantile}", only, value.at)
    elif value.ratio is not None:
        raise ValueError("a ratio is of two columns as they are shown, and has no exact parts")
    else:
        kind, of = ("min", value.min) if value.min is not None else ("max", value.max)
        exact = f"{kind}({'day' if of == 'day' else f't_{of}'}){only}"
    return f"({exact})::HUGEINT * {value.times}", str(value.divide_by)
