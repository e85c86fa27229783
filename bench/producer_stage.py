"""Measures stage `producer`: from the cached sorted input to an acknowledged events topic."""

import time
from typing import Any

import msgspec
import numpy as np

from bench.kafka import Broker
from bench.measured import Measured, Span, steady_span
from bench.meter import Meter
from bench.progress import Progress
from bench.stage import LOOK_SECONDS, Bench, servers_cpu, watch
from bench.subject import Subject
from livelift.event_time import to_iso
from local.run_folder import Run

POLL_SECONDS = 0.1


class _Numbered(msgspec.Struct):
    row: int


_decode_row = msgspec.json.Decoder(_Numbered).decode


def producer_settings(bench: Bench, subject: Subject) -> dict[str, str]:
    """The environment of a producer that finds the prepared cache of `subject`."""
    settings = {
        "LIVELIFT_DATA": str(subject.data),
        "LIVELIFT_CACHE": str(subject.cache),
        "LIVELIFT_PARTITIONS": str(bench.partitions),
        "LIVELIFT_SPEED": "max",
    }
    if subject.until is not None:
        settings["LIVELIFT_TO"] = to_iso(subject.until)
    return settings


def fill(bench: Bench, subject: Subject, run: Run) -> None:
    """Fill the run's events topic, unless it is full."""
    names = bench.names(run)
    if sum(bench.broker.ends(names.events)):
        return
    bench.say(f"filling {names.events} with {subject.events:,} events")
    _produce(bench, subject, run)


def measure_producer(bench: Bench, subject: Subject, number: int) -> Measured:
    """One run into a topic of its own, which is read back and dropped."""
    run = bench.run_of(subject, f"producer-{subject.events}-{number}")
    names = bench.names(run)
    measured = _produce(bench, subject, run, check=True)
    bench.broker.drop([names.events, names.output, names.dead_letters])
    return measured


def _produce(bench: Bench, subject: Subject, run: Run, *, check: bool = False) -> Measured:
    topic = bench.names(run).events
    subject.pack(bench.partitions)
    prepared = subject.prepared
    servers = bench.server_meters()
    stations = bench.stations(run)
    curve: list[tuple[float, int]] = []
    polled = 0.0
    began = time.time()
    child = stations.start("producer", **producer_settings(bench, subject))

    def done() -> bool:
        nonlocal polled
        ended = child.poll() == 0
        if ended or time.monotonic() - polled >= (POLL_SECONDS if curve else LOOK_SECONDS):
            polled = time.monotonic()
            count = sum(bench.broker.ends(topic))
            if count and (not curve or count > curve[-1][1]):
                curve.append((time.time(), count))
        return ended

    meter = Meter(child.pid)
    try:
        watched = watch([child], [meter, *servers.values()], done, began)
    finally:
        stations.stop()
    times, counts = (np.array(column, dtype=np.float64) for column in zip(*curve, strict=True))
    events = prepared.manifest.accepted
    progress = Progress(times, counts * (events / counts[-1]))  # the marks are few and lie evenly among the events
    return Measured(
        events=events,
        whole=Span(watched.ended - began, events, meter.used()),
        steady=steady_span(progress, meter),
        peak_mib=meter.peak_mib,
        equal=check and _is_whole(bench.broker, topic, subject),
        servers_cpu_s_per_million=servers_cpu(servers, began, watched.ended, events),
    )


def _is_whole(broker: Broker, topic: str, subject: Subject) -> bool:
    """Does the topic hold the events that the oracle accepts: as many, at their times, rows rising and none twice?"""
    events = times = rows = 0
    last = [-1] * len(broker.ends(topic))
    rising = True

    def take(partition: int, records: list[Any]) -> None:
        nonlocal events, times, rows, rising
        for record in records:
            if record.key is None:
                continue
            row = _decode_row(record.value).row
            rising &= row > last[partition]
            last[partition] = row
            events += 1
            times += record.timestamp
            rows += row

    broker.read(topic, take)
    manifest, oracle = subject.prepared.manifest, subject.document.input
    expected_times = sum(int(partition.sum()) for partition in subject.event_times(1))
    return (
        rising
        and events == manifest.accepted == oracle.accepted
        and rows == events * (events - 1) // 2
        and times == expected_times
        and (manifest.rows, manifest.duplicates) == (oracle.rows, oracle.duplicates)
        and manifest.rejected == oracle.rejected
    )
