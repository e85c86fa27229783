"""Measures stage `processor`: from a complete events topic to an acknowledged output log and state."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.kafka import Broker
from bench.measured import Measured, Span, steady_span
from bench.meter import Meter
from bench.producer_stage import fill
from bench.progress import Array, Progress, progress_by_event_time
from bench.stage import Bench, StableEnds, servers_cpu, watch
from bench.subject import Subject, compare_sessions, write_sessions
from livelift import output_log
from livelift.names import RunNames
from livelift.output_log import ClosedSession, EndMark
from livelift.sessions import session_measures
from local.run_folder import Run


def filled_run(bench: Bench, subject: Subject) -> Run:
    """The run whose events topic every engine reads."""
    run = bench.run_of(subject, f"bench-{subject.events}")
    fill(bench, subject, run)
    return run


def measure_processor(bench: Bench, subject: Subject, number: int) -> Measured:
    """One run of one worker, from nothing: its topics are made anew."""
    return process(bench, subject, filled_run(bench, subject), workers=1)


def process(bench: Bench, subject: Subject, run: Run, workers: int) -> Measured:
    """Let `workers` processors work through the run's events, and check what they wrote."""
    names = bench.names(run)
    broker = bench.broker
    broker.forget_group(names.application)
    broker.drop([names.changelog])
    broker.make([names.output, names.dead_letters], bench.partitions)
    servers = bench.server_meters()
    stations = bench.stations(run)
    settled = StableEnds(lambda: broker.ends(names.output))
    began = time.time()
    children = [stations.start("processor", name=f"processor-{n}") for n in range(workers)]
    meters = [Meter(child.pid) for child in children]

    def done() -> bool:
        return settled() and has_end(broker, names.output)

    try:
        watched = watch(children, [*meters, *servers.values()], done, began)
        settled = StableEnds(lambda: broker.ends(names.changelog))
        watched = watch(children, [*meters, *servers.values()], settled, began)
    finally:
        stations.stop()
    log = OutputLog.read(bench, names)
    ended = max([int(a[-1]) for a in log.appended if len(a)] + [_last_write(bench, names)]) / 1000
    events = subject.events
    sessions = bench.folder.of_run(run.run) / "sessions.parquet"
    write_sessions(sessions, log.sessions, session_measures(subject.study).names)
    return Measured(
        events=events,
        whole=Span(ended - began, events, sum(meter.used(until=ended) for meter in meters)),
        steady=steady_span(log.progress(subject.event_times(bench.partitions)), *meters),
        peak_mib=sum(meter.peak_mib for meter in meters),
        equal=compare_sessions(sessions, subject.sessions).identical and (workers > 1 or log.repeated == 0),
        servers_cpu_s_per_million=servers_cpu(servers, began, watched.ended, events),
    )


def has_end(broker: Broker, topic: str) -> bool:
    """Does every partition of an output log end with its end mark?"""
    last = broker.last_records(topic)
    return bool(last) and all(r is not None and isinstance(output_log.decode(r.value), EndMark) for r in last)


def _last_write(bench: Bench, names: RunNames) -> int:
    """Wall time in ms at which the last record of state was written: just before its acknowledgement."""
    return max(int(record.timestamp) for record in bench.broker.last_records(names.changelog) if record is not None)


@dataclass(slots=True)
class OutputLog:
    """An output log read back.

    appended, reached
        Per partition and output: when the broker appended it (wall ms), and its due (event ms).
    sessions
        (user, start, end, measures …) of every closed session.
    repeated
        Outputs at or below one before them: what a worker that took a partition over did again. They are left out, as
        stats leaves them out (promise P2.1).
    """

    appended: list[Array]
    reached: list[Array]
    sessions: list[tuple[Any, ...]] = field(default_factory=list)
    repeated: int = 0

    @classmethod
    def read(cls, bench: Bench, names: RunNames) -> "OutputLog":
        appended: list[list[int]] = [[] for _ in range(bench.partitions)]
        reached: list[list[int]] = [[] for _ in range(bench.partitions)]
        cursors = [output_log.NOTHING] * bench.partitions
        log = cls([], [])

        def take(partition: int, records: list[Any]) -> None:
            for record in records:
                output = output_log.decode(record.value)
                if output.identity <= cursors[partition]:
                    log.repeated += 1
                    continue
                cursors[partition] = output.identity
                if isinstance(output, ClosedSession):
                    log.sessions.append((output.user, output.start, output.end, *output.measures))
                appended[partition].append(record.timestamp)
                reached[partition].append(output.due)

        bench.broker.read(names.output, take)
        log.appended = [np.array(column, dtype=np.int64) for column in appended]
        log.reached = [np.array(column, dtype=np.int64) for column in reached]
        return log

    def progress(self, event_times: list[Array]) -> Progress:
        return progress_by_event_time(event_times, list(zip(self.appended, self.reached, strict=True)))
