"""Runs the programs of `bench/peers/` in the peers' own environment, and checks what they wrote."""

import os
import shutil
import time
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq

from bench.measured import Measured, Span, steady_span
from bench.meter import Meter
from bench.peer_programs import Closes, Program
from bench.processor_stage import filled_run
from bench.progress import progress_by_event_time
from bench.stage import LOOK_SECONDS, Bench, servers_cpu, watch
from bench.subject import Subject, compare_sessions, skip_ms, write_sessions
from livelift.sessions import session_measures
from local.processes import ChildProcess

QUIET_SECONDS = 20.0
"""A peer that has written nothing for so long, and not all, is taken as done: then its result is not the oracle's."""


def measure_peer(peer: Program, bench: Bench, subject: Subject, number: int) -> Measured:
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
        "SKIP_MS": str(skip_ms(subject.study)) if "skips" in subject.study.measures else "",
    }
    command = peer.command(data)
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
    measured = _evaluate(bench, subject, peer, output, meter, began)
    bench.broker.drop([output])
    measured.servers_cpu_s_per_million.update(servers_cpu(servers, began, watched.ended, subject.events))
    return measured


def _expected(subject: Subject, peer: Program) -> int:
    """How many sessions the peer will close, at most."""
    table = pq.read_table(subject.sessions, columns=["user"])
    return len(table) - (len(table["user"].unique()) if peer.closes is Closes.AT_THE_NEXT_EVENT else 0)


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


def _evaluate(bench: Bench, subject: Subject, peer: Program, output: str, meter: Meter, began: float) -> Measured:
    rows: list[tuple[Any, ...]] = []
    appended: list[list[int]] = [[] for _ in range(bench.partitions)]
    reached: list[list[int]] = [[] for _ in range(bench.partitions)]
    gap_ms = subject.study.windows.gap_ms
    measures = session_measures(subject.study).names
    fields = [("user", str), *((name, int) for name in ("start", "end", *measures))]
    decode = msgspec.json.Decoder(msgspec.defstruct("Closed", fields)).decode

    def take(partition: int, records: list[Any]) -> None:
        for record in records:
            row = msgspec.structs.astuple(decode(record.value))
            rows.append(row)
            appended[partition].append(record.timestamp)
            reached[partition].append(row[2] + gap_ms)

    bench.broker.read(output, take)
    written = [(np.array(a, np.int64), np.array(r, np.int64)) for a, r in zip(appended, reached, strict=True)]
    progress = progress_by_event_time(subject.event_times(bench.partitions), written)
    ended = float(progress.times[-1])
    file = bench.folder.root / "peer_sessions.parquet"
    write_sessions(file, rows, measures)
    by_time = bench.partitions if peer.closes is Closes.AS_TIME_PASSES else None
    compared = compare_sessions(file, subject.sessions, closes_by_time_in=by_time)
    return Measured(
        events=subject.events,
        whole=Span(ended - began, subject.events, meter.used(until=ended)),
        steady=steady_span(progress, meter),
        peak_mib=meter.peak_mib,
        equal=compared.equal,
        left_open=compared.left_open,
    )
