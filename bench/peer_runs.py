"""Runs the programs of `bench/peers/` in the peers' own environment, and checks what they wrote."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq

from bench.measured import Measured, Span, steady_span
from bench.meter import Meter
from bench.processor_stage import filled_run
from bench.progress import progress_by_event_time
from bench.stage import LOOK_SECONDS, Bench, servers_cpu, watch
from bench.subject import Subject, compare_sessions, skip_ms, write_sessions
from livelift.errors import ResourceError
from local.processes import ChildProcess

PYTHON = Path(os.environ.get("LIVELIFT_PEERS_PYTHON", ".venv-peers/bin/python"))
PROGRAMS = Path(__file__).parent / "peers"
QUIET_SECONDS = 20.0
"""A peer that has written nothing for so long, and not all, is taken as done: then its result is not the oracle's."""


class _Closed(msgspec.Struct):
    user: str
    start: int
    end: int
    seconds: int
    plays: int
    skips: int
    artists: int


_decode = msgspec.json.Decoder(_Closed).decode


@dataclass(frozen=True, slots=True)
class Peer:
    """How to run one: `command` gives the arguments for the peers' Python, given its data folder."""

    name: str
    most_events: int
    command: Callable[[Path], list[str]]
    closes_at_the_end: bool = False

    def measure(self, bench: Bench, subject: Subject, number: int) -> Measured:
        return measure_peer(self, bench, subject, number)


def _bytewax(data: Path) -> list[str]:
    """With recovery, a snapshot a second: without, nothing would be kept."""
    subprocess.run([PYTHON, "-m", "bytewax.recovery", data, "1"], check=True, capture_output=True)
    program = f"{PROGRAMS / 'bytewax_app.py'}:flow"
    return [
        "-m",
        "bytewax.run",
        program,
        "--recovery-directory",
        str(data),
        "--snapshot-interval",
        "1",
        "--backup-interval",
        "0",
    ]


PEERS = (
    Peer("faust", 60_000, lambda _: [str(PROGRAMS / "faust_app.py"), "worker", "--without-web", "--loglevel=warn"]),
    Peer("quix", 2_000_000, lambda _: [str(PROGRAMS / "quix_app.py")]),
    Peer("bytewax", 2_000_000, _bytewax, closes_at_the_end=True),
)


def require_peers() -> None:
    """Raises `ResourceError` if the peers' environment is not there."""
    if not PYTHON.exists():
        raise ResourceError(
            f"the peers are not installed: there is no {PYTHON}", "make it: make .venv-peers/.installed"
        )


def measure_peer(peer: Peer, bench: Bench, subject: Subject, number: int) -> Measured:
    """One run of a peer over the filled topic, from nothing."""
    run = filled_run(bench, subject)
    application = f"peer-{peer.name}-{number}"
    output = f"{application}.closed"
    bench.broker.make([output], bench.partitions)
    data = bench.folder.root / "peers" / application
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    windows = subject.study.windows
    environment = os.environ | {
        "BROKER": bench.servers.kafka.address,
        "EVENTS": bench.names(run).events,
        "OUTPUT": output,
        "APPLICATION": application,
        "DATA": str(data),
        "PARTITIONS": str(bench.partitions),
        "GAP_MS": str(windows.gap_ms),
        "SKIP_MS": str(skip_ms(subject.study)),
    }
    command: list[str | Path] = [PYTHON.absolute(), *peer.command(data)]
    complete = _Complete(bench, output, _expected(subject, peer))
    servers = bench.server_meters()
    log = bench.folder.logs(run.run) / f"{application}.log"
    began = time.time()
    child = ChildProcess(peer.name, command, log, environment=environment)
    meter = Meter(child.pid)
    try:
        watched = watch([child], [meter, *servers.values()], lambda: child.poll() == 0 or complete(), began)
    finally:
        child.stop()
        shutil.rmtree(data, ignore_errors=True)
    measured = _evaluate(bench, subject, output, meter, began)
    bench.broker.drop([output])
    measured.servers_cpu_s_per_million.update(servers_cpu(servers, began, watched.ended, subject.events))
    return measured


def _expected(subject: Subject, peer: Peer) -> int:
    """How many sessions the peer will close."""
    table = pq.read_table(subject.sessions, columns=["user"])
    return len(table) - (0 if peer.closes_at_the_end else len(table["user"].unique()))


class _Complete:
    """Says when the output topic holds all that is expected, or has stood still for `QUIET_SECONDS`."""

    def __init__(self, bench: Bench, topic: str, expected: int) -> None:
        self._bench, self._topic, self._expected = bench, topic, expected
        self._count = 0
        self._moved = self._looked = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        count = sum(self._bench.broker.ends(self._topic))
        if count != self._count:
            self._count, self._moved = count, now
        return count >= self._expected or (count > 0 and now - self._moved > QUIET_SECONDS)


def _evaluate(bench: Bench, subject: Subject, output: str, meter: Meter, began: float) -> Measured:
    rows: list[tuple[Any, ...]] = []
    appended: list[list[int]] = [[] for _ in range(bench.partitions)]
    reached: list[list[int]] = [[] for _ in range(bench.partitions)]
    gap_ms = subject.study.windows.gap_ms

    def take(partition: int, records: list[Any]) -> None:
        for record in records:
            closed = _decode(record.value)
            rows.append(msgspec.structs.astuple(closed))
            appended[partition].append(record.timestamp)
            reached[partition].append(closed.end + gap_ms)

    bench.broker.read(output, take)
    written = [(np.array(a, np.int64), np.array(r, np.int64)) for a, r in zip(appended, reached, strict=True)]
    progress = progress_by_event_time(subject.event_times(bench.partitions), written)
    ended = float(progress.times[-1])
    file = bench.folder.root / "peer_sessions.parquet"
    write_sessions(file, rows)
    compared = compare_sessions(file, subject.sessions)
    return Measured(
        events=subject.events,
        whole=Span(ended - began, subject.events, meter.used(until=ended)),
        steady=steady_span(progress, meter),
        peak_mib=meter.peak_mib,
        equal=compared.equal,
        left_open=compared.left_open,
    )
