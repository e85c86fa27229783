"""Converts a study's small live tables to samples in event time. Pure."""

from collections.abc import Iterator

from livelift import calendar
from livelift.metrics import Sample
from livelift.metrics import tables as declared
from livelift.study import Study
from livelift.table_plan import Shown, decode_key
from livelift.user_table_plan import shown_plans
from livelift.user_tables import USERS
from stats.edges.redis_tables import KeptTables

ONE_ROW = "all"
"""What the only row of a table without keys is called."""


def exported_tables(study: Study) -> list[str]:
    """Tables that are exported as long as they have few rows."""
    by_time = [name for name, table in study.tables.items() if table.window in declared.TIME_WINDOWS and not table.by]
    of_all = [name for name, table in study.tables.items() if table.window == "all"]
    return [*by_time, *of_all, *study.user_tables]


def table_samples(study: Study, kept: KeptTables) -> Iterator[tuple[int, Sample]]:
    """(event time in ms, sample) of every number: of windows that are over at the tick at their ends, else at the tick."""
    if kept.tick < 0:
        return
    plans = shown_plans(study)
    for name, groups in kept.groups.items():
        table = study.tables.get(name)
        if table is not None and table.window != "all":
            for key, group in groups.items():
                end = calendar.window_end(table.window, int(decode_key(key)[0]))
                if end <= kept.tick:
                    (row,) = plans[name].rows({key: group}, kept.tick)
                    yield from ((end, sample) for sample in _row(name, "", row, [table.window]))
            continue
        rows = plans[name].rows(groups, kept.tick)
        if name == USERS or len(rows) > declared.MOST_ROWS:
            continue
        keys = _keys(study, name)
        for row in rows:
            title = " · ".join(str(row[key]) for key in keys) or ONE_ROW
            yield from ((kept.tick, sample) for sample in _row(name, title, row, keys))


def _keys(study: Study, name: str) -> list[str]:
    if name in study.tables:
        return study.tables[name].key_columns
    table = study.user_tables[name]
    return [study.segments[by].key_column for by in table.by] + (["day"] if table.retention else [])


def _row(table: str, row_name: str, row: dict[str, Shown], keys: list[str]) -> Iterator[Sample]:
    for column, value in row.items():
        if column not in keys and isinstance(value, int | float):
            yield declared.VALUE, {"table": table, "row": row_name, "column": column}, float(value)
