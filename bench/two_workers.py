"""`python -m bench.two_workers`: throughput of two processor workers beside one, in turn; the results have to be equal.

The ratio is that of the steady rates. Both start at once on a full topic, so that the rebalance at which the second one
gets its partitions, some seconds, lies in the steady part: the more events, the less it counts. On a machine of two cores
the broker needs a part of one of them.
"""

from pathlib import Path
from typing import Any

from bench.command import arguments_of, measure_and_report
from bench.machine import machine
from bench.measured import Measured
from bench.processor_stage import filled_run, process
from bench.report import row_of
from bench.stage import bench_folder, bench_servers
from bench.subject import Say, Subject, generated
from livelift.study import load_study

RESULTS = Path("bench/results/two_workers.json")
WORKERS = (1, 2)
EVENTS = 8_000_000


def run(events: int, runs: int, say: Say) -> dict[str, Any]:
    """Start servers, measure in turn, stop."""
    root, study = bench_folder(), load_study("lastfm")
    subject = Subject(root, study, generated(root, study, events, say), say)
    found: dict[int, list[Measured]] = {workers: [] for workers in WORKERS}
    with bench_servers(say) as bench:
        filled = filled_run(bench, subject)
        for number in range(runs):
            for workers in WORKERS:
                measured = process(bench, subject, filled, workers)
                found[workers].append(measured)
                say(f"{workers} × processor, run {number + 1}: {measured.whole.seconds:.1f} s, equal: {measured.equal}")
    rows = [row_of("livelift", f"processor × {workers}", measured) for workers, measured in found.items()]
    one, two = (row["events_per_s"] for row in rows)
    return {"machine": machine(), "rows": rows, "ratio": round(two / one, 2)}


def main() -> None:
    arguments = arguments_of("two_workers", __doc__, EVENTS, RESULTS).parse_args()
    measure_and_report(
        arguments,
        lambda say: run(arguments.events, arguments.runs, say),
        lambda report: f"two workers : one = {report['ratio']}",
    )


if __name__ == "__main__":
    main()
