"""Converts a study's small live tables to samples in event time. Pure."""

from collections.abc import Iterator
from math import nan

from livelift import calendar
from livelift.metrics import Sample
from livelift.metrics import tables as declared
from livelift.study import Study
from livelift.table_plan import Shown, decode_key
from livelift.table_rows import groups_needed, rows_of
from stats.edges.redis_tables import KeptTables

ONE_ROW = "all"
"""What the only row of a table without keys is called."""

OF_A_WINDOW = ""
"""The row of a table by time: a value a window, which stays as it is."""


def exported_tables(study: Study) -> list[str]:
    """Tables that are exported as long as they have few rows."""
    return [*declared.by_time(study), *declared.of_all_time(study), *study.user_tables]


def table_samples(study: Study, kept: KeptTables) -> Iterator[tuple[int, Sample]]:
    """(event time in ms, sample) of every number: of windows that are over at the tick at their ends, else at the tick."""
    if kept.tick < 0:
        return
    known = [name for name in exported_tables(study) if all(one in kept.groups for one in groups_needed(study, [name]))]
    for name, rows in rows_of(study, known, kept.groups, kept.tick).items():
        window, keys = study.table_window(name), study.table_keys(name)
        if window != "all":
            starts = sorted(int(decode_key(key)[0]) for key in kept.groups[name])
            for start, row in zip(starts, rows, strict=True):
                if (end := calendar.window_end(window, start)) <= kept.tick:
                    yield from ((end, sample) for sample in _row(name, OF_A_WINDOW, row, keys))
            continue
        if len(rows) <= declared.MOST_ROWS:
            for row in rows:
                title = " · ".join(str(row[key]).replace("·", "··") for key in keys) or ONE_ROW
                yield from ((kept.tick, sample) for sample in _row(name, title, row, keys))


def _row(table: str, row_name: str, row: dict[str, Shown], keys: list[str]) -> Iterator[Sample]:
    for column, value in row.items():
        if column not in keys and isinstance(value, int | float):
            yield declared.VALUE, {"table": table, "row": row_name, "column": column}, float(value)


class Closing:
    """Ends the series of numbers that are not there any more: a segment that everybody has left, a row that fell out of the first ones.

    Its last value would be read as today's for ever.
    """

    def __init__(self) -> None:
        self._open: set[tuple[tuple[str, str], ...]] = set()

    def closed(self, points: list[tuple[int, Sample]], tick: int) -> Iterator[tuple[int, Sample]]:
        """`points` are all of a tick; (tick, NaN) of each number that the one before had and this one has not."""
        now = {tuple(labels.items()) for _, (_, labels, _) in points if labels["row"] != OF_A_WINDOW}
        for labels in sorted(self._open - now):
            yield tick, (declared.VALUE, dict(labels), nan)
        self._open = now
