"""DuckDB database in a temporary folder: bounded memory, spills to disk, the study's numbers as SQL variables.

Each file of `batch/sql/` holds one statement; it reads the study through `getvariable(…)` and the table `metric`.
"""

from pathlib import Path

import duckdb

from batch.row_sql import FOR_EVER, zone_macros
from batch.statements import query
from livelift.errors import StudyError
from livelift.event_time import DAY, from_date
from livelift.events import MOST_USER_BYTES
from livelift.study import Study

MEMORY = "1000MB"
"""What DuckDB may hold; the reader's blocks and Python come on top and stay below 200 MB."""


def open_database(
    folder: Path, study: Study, select_from: int | None, select_to: int | None
) -> duckdb.DuckDBPyConnection:
    """An empty database in `folder` that knows the study's numbers and the selected range (ms, end exclusive).

    Raises
    ------
    StudyError
        If the study does not declare its measures, or a metric asks for one that it does not declare.
    """
    connection = duckdb.connect(folder / "oracle.duckdb")
    connection.execute("SET memory_limit = $limit", {"limit": MEMORY})
    connection.execute("SET temp_directory = $folder", {"folder": str(folder / "spill")})
    connection.execute("SET preserve_insertion_order = false")  # rows carry their numbers: order need not be bought
    for name, value in _variables(study, select_from, select_to).items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    connection.begin()
    _create_metrics(connection, study)
    connection.commit()
    return connection


def _variables(study: Study, select_from: int | None, select_to: int | None) -> dict[str, int | str | None]:
    experiment, statistics = study.experiment, study.statistics
    return {
        "most_user_bytes": MOST_USER_BYTES,
        "not_before": from_date(study.source.not_before),
        "before": from_date(study.source.before),
        "select_from": select_from,
        "select_to": select_to,
        "salt": experiment.salt,
        "control_percent": experiment.control_percent,
        "buckets": statistics.buckets,
        "gap_ms": study.windows.gap_ms if study.windows.kind == "gap" else None,
        "pre_start": experiment.pre_start_ms,
        "period_start": experiment.start_ms,
        "period_end": experiment.end_ms,
        "wait_until": experiment.wait_until_ms,
        "minimum_sessions": experiment.minimum_sessions,
        "primary_metric": study.decision.primary,
        "prior_seconds": statistics.prior_session_seconds,
        "events_measure": _counts_all(study),
        "day_ms": DAY,
        "for_ever": FOR_EVER,
    }


def _counts_all(study: Study) -> str | None:
    """The first measure that counts all events of a session."""
    counting = [name for name, measure in study.measures.items() if measure.count == "event"]
    return next(
        (n for n in counting if (study.measures[n].where, study.measures[n].follows_within) == ({}, None)), None
    )


def _create_metrics(connection: duckdb.DuckDBPyConnection, study: Study) -> None:
    """The table `metric`, and the macros over the list of a session's measures, or of their sums."""
    if not study.measures:
        raise StudyError(
            f"study '{study.name}' has no [measures]",
            "declare them: the batch oracle does not know those of a study.py",
        )
    for name, metric in study.metrics.items():
        for total in (metric.numerator, metric.denominator):
            if total and total not in ("users", "sessions", *study.measures):
                raise StudyError(
                    f"metric '{name}' of study '{study.name}' asks for the measure '{total}'",
                    f"use one of: {', '.join(study.measures)}",
                )
    connection.execute(
        "CREATE TABLE declared (position INTEGER, name VARCHAR, numerator VARCHAR, denominator VARCHAR, divide_by BIGINT, resolution BIGINT, retention INTEGER, counts_sessions BOOLEAN)"
    )
    connection.execute(
        "CREATE TABLE retention (retention INTEGER, anchor VARCHAR, days BIGINT, counts_sessions BOOLEAN)"
    )
    anchors: list[tuple[str, int, bool]] = []
    for position, (name, metric) in enumerate(study.metrics.items()):
        retention = None
        anchor = None
        if metric.retention is not None:
            anchor = (metric.retention.anchor, metric.retention.days, False)
        elif metric.first_days is not None:
            anchor = (metric.first_days.anchor, metric.first_days.days - 1, True)
        if anchor is not None:
            if anchor not in anchors:
                anchors.append(anchor)
                connection.execute("INSERT INTO retention VALUES ($1, $2, $3, $4)", [len(anchors), *anchor])
            retention = 1 + anchors.index(anchor)
        connection.execute(
            "INSERT INTO declared VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                position,
                name,
                metric.numerator,
                metric.denominator,
                metric.divide_by,
                metric.resolution,
                retention,
                metric.first_days is not None,
            ],
        )
    names = ", ".join(f"'{name}'" for name in study.measures)
    each = [f"m[{number}]" for number in range(1, len(study.measures) + 1)]
    for macro in (
        *zone_macros(study.source),
        f"measured(name, m) AS m[list_position([{names}], name)]",
        f"added(m) AS [{', '.join(f'sum({one})' for one in each)}]",
        f"squared(m) AS [{', '.join(f'sum({one}::HUGEINT * {one})' for one in each)}]",
        "floored(a, b) AS (a // b - (a % b < 0)::INTEGER)",  # of b above 0; DuckDB's // rounds toward 0
        "amount_of(name, sessions, returned, eligible, m) AS CASE name WHEN 'one' THEN 1 WHEN 'sessions' THEN sessions "
        "WHEN 'returned' THEN coalesce(returned, 0) WHEN 'eligible' THEN coalesce(eligible, 0) ELSE measured(name, m) END",
    ):
        connection.execute(f"CREATE MACRO {macro}")
    connection.execute(query("metric"))
