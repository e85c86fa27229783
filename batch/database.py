"""DuckDB database in a temporary folder: bounded memory, spills to disk, the study's numbers as SQL variables.

Each file of `batch/sql/` holds one statement; it reads the study through `getvariable(…)` and the table `metric`.
"""

from importlib import resources
from pathlib import Path

import duckdb

from livelift.errors import StudyError
from livelift.event_time import DAY, from_date
from livelift.events import MOST_USER_BYTES
from livelift.study import Study

MEMORY = "1000MB"
"""What DuckDB may hold; the reader's blocks and Python come on top and stay below 200 MB."""

FOR_EVER = 2**62
"""A bound in ms that nothing reaches."""

MEASURES = ("seconds", "plays", "skips", "artists")
"""What `session.sql` knows of a session."""


def open_database(
    folder: Path, study: Study, select_from: int | None, select_to: int | None
) -> duckdb.DuckDBPyConnection:
    """An empty database in `folder` that knows the study's numbers and the selected range (ms, end exclusive).

    Raises
    ------
    StudyError
        If a metric asks for a measure that the twin does not compute.
    """
    connection = duckdb.connect(folder / "twin.duckdb")
    connection.execute("SET memory_limit = $limit", {"limit": MEMORY})
    connection.execute("SET temp_directory = $folder", {"folder": str(folder / "spill")})
    connection.execute("SET preserve_insertion_order = false")  # rows carry their numbers: order need not be bought
    for name, value in _variables(study, select_from, select_to).items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    connection.begin()
    _create_metrics(connection, study)
    connection.commit()
    return connection


def query(name: str) -> str:
    """The statement in `batch/sql/<name>.sql`."""
    return (resources.files("batch") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _variables(study: Study, select_from: int | None, select_to: int | None) -> dict[str, int | str | None]:
    experiment, statistics = study.experiment, study.statistics
    return {
        "most_user_bytes": MOST_USER_BYTES,
        "not_before": from_date(study.input.not_before),
        "before": from_date(study.input.before),
        "select_from": select_from,
        "select_to": select_to,
        "salt": experiment.salt,
        "control_percent": experiment.control_percent,
        "buckets": statistics.buckets,
        "gap_ms": study.sessions.gap_ms,
        "skip_ms": study.sessions.skip_ms,
        "pre_start": experiment.pre_start_ms,
        "period_start": experiment.start_ms,
        "period_end": experiment.end_ms,
        "wait_until": experiment.wait_until_ms,
        "minimum_sessions": experiment.minimum_sessions,
        "primary_metric": study.decision.primary,
        "prior_seconds": statistics.prior_session_seconds,
        "day_ms": DAY,
        "for_ever": FOR_EVER,
    }


def _create_metrics(connection: duckdb.DuckDBPyConnection, study: Study) -> None:
    """The table `metric`, and the macros that pick a measure, or any total of a user, by its name."""
    connection.execute(
        "CREATE TABLE declared (position INTEGER, name VARCHAR, kind VARCHAR, measure VARCHAR, per VARCHAR, divide_by BIGINT)"
    )
    for position, (name, metric) in enumerate(study.metrics.items()):
        for measure in (metric.measure, metric.per):
            if measure not in ("", *MEASURES):
                raise StudyError(
                    f"metric '{name}' of study '{study.name}' asks for the measure '{measure}'",
                    f"the batch twin knows {', '.join(MEASURES)}: use one of them",
                )
        connection.execute(
            "INSERT INTO declared VALUES ($1, $2, $3, $4, $5, $6)",
            [position, name, metric.kind, metric.measure, metric.per, metric.divide_by],
        )
    cases = " ".join(f"WHEN '{measure}' THEN {measure}" for measure in MEASURES)
    connection.execute(f"CREATE MACRO measured(name, {', '.join(MEASURES)}) AS CASE name {cases} END")
    own = "WHEN 'one' THEN 1 WHEN 'sessions' THEN sessions WHEN 'returned' THEN returned WHEN 'eligible' THEN eligible"
    connection.execute(
        f"CREATE MACRO amount_of(name, sessions, returned, eligible, {', '.join(MEASURES)}) AS CASE name {own} {cases} END"
    )
    connection.execute(query("metric"))
