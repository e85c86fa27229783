"""`python -m bench.nexmark_q11`: the processor on Nexmark's query 11, which counts a bidder's bids in each session.

A session ends after ten seconds without a bid. The result is compared with SQL by DuckDB over the same bids. `--flink`
measures Flink SQL beside it.
"""

from functools import cached_property, partial
from pathlib import Path
from typing import Any

import duckdb

from bench.bench import Measure
from bench.command import arguments_of, measure_and_report
from bench.machine import machine
from bench.measured import Measured
from bench.nexmark_bids import make_bids
from bench.peer_programs import flink, required
from bench.peer_runs import measure_peer
from bench.processor_stage import measure_processor
from bench.report import row_of
from bench.stage import bench_folder, bench_servers
from bench.subject import Say, Subject
from livelift.study import load_study

STUDY = Path(__file__).parent / "nexmark"
RESULTS = Path("bench/results/nexmark_q11.json")
EVENTS = 2_200_000

COUNTS = """
COPY (
    WITH gaps AS (
        SELECT bidder, epoch_ms(time) AS time, time - lag(time) OVER (PARTITION BY bidder ORDER BY time) AS gap
        FROM '{bids}'
    ), numbered AS (
        SELECT *, count(*) FILTER (gap IS NULL OR gap > INTERVAL {gap_seconds} SECONDS) OVER (
            PARTITION BY bidder ORDER BY time ROWS UNBOUNDED PRECEDING
        ) AS session
        FROM gaps
    )
    SELECT
        bidder::VARCHAR AS "user", min(time) AS "start", max(time) AS "end",
        (max(time) - min(time)) // 1000 AS seconds, count(*) AS bids
    FROM numbered
    GROUP BY bidder, session
) TO '{target}' (FORMAT parquet)
"""


class Bids(Subject):
    """Bids instead of plays, with DuckDB's counts instead of the oracle's sessions."""

    @cached_property
    def sessions(self) -> Path:
        target = self.data.with_name(f"{self.data.stem}-counts.parquet")
        count_by_sql(self.data, target, self.study.windows.gap_seconds)
        return target


def count_by_sql(bids: Path, target: Path, gap_seconds: int) -> None:
    """Write the sessions of `bids`."""
    with duckdb.connect() as database:
        database.execute(COUNTS.format(bids=bids, target=target, gap_seconds=gap_seconds))


def run(events: int, runs: int, say: Say, *, beside_flink: bool = False) -> dict[str, Any]:
    """Start servers, measure in turn, stop."""
    engines: dict[str, Measure] = {"livelift": measure_processor}
    if beside_flink:
        engines["flink"] = partial(measure_peer, required(flink("flink_q11.py")))
    root, study = bench_folder(), load_study(str(STUDY))
    subject = Bids(root, study, make_bids(root, events), say)
    measured: dict[str, list[Measured]] = {engine: [] for engine in engines}
    with bench_servers(say) as bench:
        for number in range(runs):
            for engine, measure in engines.items():
                measured[engine].append(measure(bench, subject, number))
    with duckdb.connect() as database:
        counted = database.execute(f"SELECT count(*), sum(bids), max(bids) FROM '{subject.sessions}'").fetchone()
    assert counted is not None
    sessions, bids, longest = counted
    return {
        "machine": machine(),
        "rows": [row_of(engine, "processor, q11", found) for engine, found in measured.items()],
        "sessions": sessions,
        "bids": int(bids),
        "longest": longest,
    }


def main() -> None:
    parser = arguments_of("nexmark_q11", __doc__, EVENTS, RESULTS, of_events=f"46 of 50 are bids (default {EVENTS:,})")
    parser.add_argument("--flink", action="store_true", help="measure Flink SQL in turn with it, over the same topic")
    arguments = parser.parse_args()
    measure_and_report(
        arguments,
        lambda say: run(arguments.events, arguments.runs, say, beside_flink=arguments.flink),
        lambda report: f"{report['bids']:,} bids, {report['sessions']:,} sessions, {report['longest']:,} bids in one at most",
    )  # fmt: skip


if __name__ == "__main__":
    main()
