"""Metrics exported about a study's live tables, where they have few rows; in event time only."""

from livelift.metrics.declare import gauge
from livelift.study import Study
from livelift.tables import Table

VALUE = gauge(
    "livelift_table_value",
    "A number of a live table's row, named by its keys: of all events, as of the tick; of a day, week or month, as of its end.",
    "table",
    "row",
    "column",
)

MOST_ROWS = 60
"""A table over all events with more rows is not exported: each row is a time series a column."""

TIME_WINDOWS = ("day", "week", "month")
"""Windows whose tables are exported where they have no keys: a value a window."""


def by_time(study: Study) -> dict[str, Table]:
    """The tables that are exported with a value a window."""
    return {name: one for name, one in study.tables.items() if one.window in TIME_WINDOWS and not one.by}


def of_all_time(study: Study) -> dict[str, Table]:
    """The tables over all events that are exported, where they have few rows; those over users are too."""
    return {name: one for name, one in study.tables.items() if one.window == "all"}
