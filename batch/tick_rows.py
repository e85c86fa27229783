"""Converts the rows of the SQL queries to `TickSums`, one a tick, without computing anything."""

import duckdb
import numpy as np
from numpy.typing import NDArray

from batch.statements import query
from livelift.study import Study
from livelift.tick_sums import SUM_COLUMNS, ExactSums, InputCounts, Moments, TickSums

PerMetric = dict[str, NDArray[np.int64]]

NO_SUMS: ExactSums = (0,) * 6


def read_ticks(connection: duckdb.DuckDBPyConnection, study: Study, counts: InputCounts) -> list[TickSums]:
    """The sums of every row of the table `tick`, in its order.

    Parameters
    ----------
    counts
        Of the whole file. Rejects and duplicates are found before the stream, so every tick has all of them; `accepted`
        grows with the stream, and `rows` with it.
    """
    heads = connection.execute(query("head")).fetchall()
    variants = connection.execute(query("variant")).fetchall()
    users = _read_users(connection, study, len(heads))
    ratios = _read_exact(connection, "ratio_sums", _names(connection, "has_ratio"), len(heads))
    exposed = _read_exact(connection, "exposed_sums", _names(connection, "over_exposed IS NOT NULL"), len(heads))
    classic = _read_classic(connection, study, len(heads))
    unheard = sum(counts.rejected.values()) + counts.duplicates
    counts_events = connection.execute("SELECT getvariable('events_measure')").fetchall() != [(None,)]
    ticks = []
    for (number, time, ended, complete, accepted, every, in_period, one_event, unfinished), arms in zip(
        heads, variants, strict=True
    ):
        _, exposed_c, exposed_t, included_c, included_t, sessions_c, sessions_t, events_c, events_t, in_both = arms
        ticks.append(
            TickSums(
                time=time,
                ended=ended,
                period_complete=complete,
                counts=InputCounts(accepted + unheard, accepted, counts.rejected, counts.duplicates, 0, counts.rows),
                sessions_all=every,
                sessions_in_period=in_period,
                sessions_one_event=one_event if counts_events and study.windows.kind == "gap" else None,
                exposed=(exposed_c, exposed_t),
                included=(included_c, included_t),
                sessions=(sessions_c, sessions_t),
                events=(events_c, events_t) if counts_events else None,
                classic=classic[number],
                users={name: sums[number] for name, sums in users.items()},
                ratios=ratios[number],
                exposed_sums=exposed[number],
                users_in_both=in_both if study.experiment.arm_field else None,
                sessions_unfinished=unfinished,
            )
        )
    return ticks


def _read_users(connection: duckdb.DuckDBPyConnection, study: Study, ticks: int) -> PerMetric:
    """Metric → (ticks, 2, buckets, 6)."""
    rows = connection.execute(query("user_sums")).fetchnumpy()
    found = {}
    for name in study.metrics:
        sums = np.zeros((ticks, 2, study.statistics.buckets, len(SUM_COLUMNS)), np.int64)
        mine = rows["metric"] == name
        place = tuple(rows[key][mine] for key in ("number", "variant", "bucket"))
        for column, key in enumerate(SUM_COLUMNS):
            sums[*place, column] = rows[key][mine]
        found[name] = sums
    return found


def _names(connection: duckdb.DuckDBPyConnection, condition: str) -> list[str]:
    """The metrics of which the condition holds, in the study's order."""
    return [
        name
        for (name,) in connection.execute(f"SELECT name FROM metric WHERE {condition} ORDER BY position").fetchall()
    ]


def _read_exact(
    connection: duckdb.DuckDBPyConnection, statement: str, names: list[str], ticks: int
) -> list[dict[str, tuple[ExactSums, ExactSums]]]:
    """Tick → metric → (control, treatment) sums, 0 where the query has no row."""
    found = {
        (number, metric, variant): tuple(int(part) for part in sums)
        for number, metric, variant, *sums in connection.execute(query(statement)).fetchall()
    }
    return [
        {name: (found.get((number, name, 0), NO_SUMS), found.get((number, name, 1), NO_SUMS)) for name in names}
        for number in range(ticks)
    ]


def _read_classic(
    connection: duckdb.DuckDBPyConnection, study: Study, ticks: int
) -> list[dict[str, tuple[Moments, Moments]]]:
    """Tick → metric → (control, treatment)."""
    found = {
        (number, metric, variant): Moments(n, mean, m2)
        for number, metric, variant, n, mean, m2 in connection.execute(query("classic")).fetchall()
    }
    return [
        {
            name: (found.get((number, name, 0), Moments()), found.get((number, name, 1), Moments()))
            for name in study.metrics
        }
        for number in range(ticks)
    ]
