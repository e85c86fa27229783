"""Polars: the event tables of the study `shows` as one batch over Parquet on one thread, without a stream or durable state.

`python polars_tables.py INPUT OUTPUT TABLES`; the input has the columns user, time (ms) and the fields, `TABLES` is a JSON object: table →
[window, keys]. Writes a JSON line a group.
"""

import json
import sys

import polars as pl

WINDOWS = {"day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}


def main(source, target, tables):
    moment = pl.from_epoch("time", time_unit="ms")
    watched, length = pl.col("user_watch_duration_seconds"), pl.col("show_duration_seconds")
    views = pl.scan_parquet(source).with_columns(
        hour=moment.dt.hour(),
        weekday=moment.dt.weekday(),
        day=moment.dt.strftime("%Y-%m-%d"),
        week=moment.dt.truncate("1w").dt.strftime("%Y-%m-%d"),
        month=moment.dt.strftime("%Y-%m"),
        all=pl.lit(""),
        completion=pl.min_horizontal(watched / length, 1.0),
        longer=watched > length,
    )
    found = pl.collect_all(
        [
            views.group_by(window, *keys).agg(
                views=pl.len(),
                users=pl.col("user").n_unique(),
                watched=watched.sum(),
                completion=pl.col("completion").sum(),
                longer=pl.col("longer").sum(),
            )
            for window, keys in tables.values()
        ]
    )
    with open(target, "w", encoding="utf-8") as file:
        for (name, (window, keys)), table in zip(tables.items(), found, strict=True):
            for row in table.to_dicts():
                group = [name, row.pop(window), *(row.pop(key) for key in keys)]
                file.write(json.dumps([group, row]) + "\n")


main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
