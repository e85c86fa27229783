"""Metrics exported about a study's live tables, where they have few rows; in event time only."""

from livelift.metrics.declare import gauge

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
