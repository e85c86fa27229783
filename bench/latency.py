"""`python -m bench.latency`: time from appending the event that lets a session close to the changed sums in Redis.

Events before the experiment period are sent at full speed; then, with statistics evaluated at every tick, at a steady
rate. A session closes at the first record of its partition whose event time lies beyond its due time. The clock starts
when the batch that holds this record is handed to the client, just before it is sent, and stops at the first read of
Redis whose deduplication cursors include the session's output: sums and cursors change in one step.
"""

import argparse
import asyncio
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.kafka import Broker
from bench.machine import machine
from bench.paced_sender import PacedSender
from bench.redis_progress import StatsProgress
from bench.report import machine_line, write
from bench.sending import Sent
from bench.stage import Bench, bench_folder, bench_servers
from bench.subject import EVENTS, Say, Subject, generated
from livelift import output_log
from livelift.errors import LiveliftError, ResourceError
from livelift.output_log import ClosedSession
from livelift.study import load_study
from producer.topics import create_topics
from stats.edges.redis_connection import connect

RESULTS = Path("bench/results/latency.json")
RATE = 20_000
SECONDS = 35.0
WARM_UP_SECONDS = 2.0
LOOK_SECONDS = 0.002
CATCH_UP_SECONDS = 120.0

Floats = NDArray[np.float64]


class RedisWatch(threading.Thread):
    """Notes when each partition's position in Redis moved, and how long there was between two looks."""

    def __init__(self, reached: StatsProgress, partitions: int) -> None:
        super().__init__(daemon=True)
        self._reached = reached
        self._stopped = threading.Event()
        self.moves: list[list[tuple[float, int]]] = [[] for _ in range(partitions)]
        self.gaps: list[float] = []
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            looked = time.time()
            while not self._stopped.is_set():
                cursors = self._reached.cursors()
                now = time.time()
                self.gaps.append(now - looked)
                looked = now
                for moves, cursor in zip(self.moves, cursors, strict=False):
                    if not moves or cursor[3] > moves[-1][1]:
                        moves.append((now, cursor[3]))
                time.sleep(LOOK_SECONDS)
        except Exception as error:
            self.failure = error

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def total(self) -> int:
        return sum(moves[-1][1] for moves in self.moves if moves)


def measure(bench: Bench, subject: Subject, rate: float, seconds: float) -> dict[str, Any]:
    """One run; the latencies' distribution in ms."""
    run = bench.run_of(subject, f"latency-{time.time_ns()}")
    names = bench.names(run)
    create_topics(bench.servers.kafka.address, names, bench.partitions)
    sender = PacedSender(bench.servers.kafka.address, names.events, bench.partitions, subject.prepared)
    client = connect(bench.servers.redis.admin_url)
    client.flushall()
    watch = RedisWatch(StatsProgress(client, names), bench.partitions)
    stations = bench.stations(run)
    children = [stations.start("processor"), stations.start("stats")]
    paced_from = 0.0

    async def caught_up() -> None:
        nonlocal paced_from
        deadline = time.monotonic() + CATCH_UP_SECONDS
        before = -1
        while before < 0 or watch.total() != before or watch.total() < sum(bench.broker.ends(names.output)) * 0.99:
            before = watch.total() or -1
            if time.monotonic() > deadline or any(child.poll() is not None for child in children):
                raise ResourceError("the stations do not catch up", f"read the logs beside {children[0].log}")
            await asyncio.sleep(1.0)
        paced_from = time.time()

    watch.start()
    try:
        first = sender.row_at(subject.study.experiment.start_ms)
        bench.say(f"{first:,} events at full speed, then {rate:,.0f} a second for {seconds:.0f} s")
        sent = asyncio.run(sender.run(first, rate, seconds, caught_up))
        until = time.time()
        time.sleep(2.0)
    finally:
        watch.stop()
        stations.stop()
    sessions = _sessions(bench.broker, names.output, bench.partitions)
    window = (paced_from + WARM_UP_SECONDS, until)
    handed = _latencies(sessions, sender.sent, watch.moves, window, from_acknowledgement=False)
    acknowledged = _latencies(sessions, sender.sent, watch.moves, window, from_acknowledgement=True)
    gaps = np.array(watch.gaps[10:]) * 1000
    return {
        "events_per_s": round((sent - first) / (until - paced_from)),
        "seconds": round(until - paced_from, 1),
        "events": sent,
        "sessions": len(handed),
        "unseen": int(np.isinf(handed).sum()),
        **_distribution(handed),
        "from_acknowledgement": _distribution(acknowledged),
        "look_ms": {"p50": round(float(np.median(gaps)), 2), "p99": round(float(np.percentile(gaps, 99)), 2)},
        "worst_send_delay_ms": round(sender.worst_delay * 1000, 1),
    }


def _sessions(broker: Broker, topic: str, partitions: int) -> list[tuple[list[int], list[int]]]:
    """Per partition (offsets, dues) of closed sessions."""
    found: list[tuple[list[int], list[int]]] = [([], []) for _ in range(partitions)]

    def take(partition: int, records: list[Any]) -> None:
        offsets, dues = found[partition]
        for record in records:
            output = output_log.decode(record.value)
            if isinstance(output, ClosedSession):
                offsets.append(record.offset)
                dues.append(output.due)

    broker.read(topic, take)
    return found


def _latencies(
    sessions: list[tuple[list[int], list[int]]],
    sent: list[Sent],
    moves: list[list[tuple[float, int]]],
    window: tuple[float, float],
    *,
    from_acknowledgement: bool,
) -> Floats:
    """Milliseconds of every session that was let close within the window; infinite where Redis never showed it."""
    found = []
    for (offsets, dues), log, seen in zip(sessions, sent, moves, strict=True):
        reached = np.maximum.accumulate(np.array(log.reached))
        began = np.array(log.acknowledged if from_acknowledgement else log.handed)
        batch = np.searchsorted(reached, np.array(dues), side="right")  # the first that reaches beyond the due
        look = np.searchsorted(np.array([position for _, position in seen]), np.array(offsets), side="right")
        seen_at = np.append(np.array([moment for moment, _ in seen]), np.inf)[look]
        known = batch < len(began)
        start = began[batch[known]]
        inside = (start >= window[0]) & (start < window[1])
        found.append((seen_at[known] - start)[inside] * 1000)
    return np.concatenate(found)


def _distribution(latencies: Floats) -> dict[str, float]:
    return {
        "p50_ms": round(float(np.percentile(latencies, 50, method="higher")), 1),
        "p99_ms": round(float(np.percentile(latencies, 99, method="higher")), 1),
        "max_ms": round(float(latencies.max()), 1),
    }


def run(rate: float, seconds: float, events: int, say: Say) -> dict[str, Any]:
    """Start servers, measure, stop."""
    root, study = bench_folder(), load_study("lastfm")
    subject = Subject(root, study, generated(root, study, events, say), say)
    with bench_servers(say) as bench:
        found = measure(bench, subject, rate, seconds)
    return {"machine": machine(), **found}


def main() -> None:
    sys.setswitchinterval(0.0005)  # the thread that looks at Redis must not wait for the sender's
    console = Console(soft_wrap=True)
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rate", type=float, default=RATE, help=f"events a second (default {RATE:,})")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--events", type=int, default=EVENTS, help="size of the generated input")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    try:
        report = run(arguments.rate, arguments.seconds, arguments.events, console.print)
    except LiveliftError as error:
        console.print(str(error))
        sys.exit(error.exit_code)
    table = Table(title=f"append to Redis at {report['events_per_s']:,} events/s", caption=machine_line(report))
    for column in ("sessions", "p50 ms", "p99 ms", "max ms", "look at Redis every, ms"):
        table.add_column(column, justify="right")
    cells = (report["sessions"], report["p50_ms"], report["p99_ms"], report["max_ms"], report["look_ms"]["p50"])
    table.add_row(*map(str, cells))
    console.print(table)
    write(report, arguments.out)
    console.print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
