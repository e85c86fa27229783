"""Measures stage `end_to_end`: all stations at once, from the cached sorted input to the final verdict in Redis."""

import time

from bench.measured import Measured, Span
from bench.meter import SAMPLE_SECONDS, Meter
from bench.producer_stage import producer_settings
from bench.redis_progress import StatsProgress, has_ended, is_equal
from bench.stage import LIMIT_SECONDS, Bench, servers_cpu
from bench.subject import Subject
from livelift.errors import ResourceError
from local.run_folder import Run
from stats.edges.redis_connection import connect

STATIONS = ("producer", "processor", "stats")


def measure_end_to_end(bench: Bench, subject: Subject, number: int) -> Measured:
    """One run of the stations, started together. CPU and memory are the sum over the three."""
    subject.pack(bench.partitions)  # the cache is there before the clock starts
    run = bench.run_of(subject, f"end-to-end-{subject.events}-{number}")
    names = bench.names(run)
    client = connect(bench.servers.redis.admin_url)
    client.flushall()
    try:
        return _measure(bench, subject, run, StatsProgress(client, names))
    finally:
        bench.broker.drop([names.events, names.output, names.dead_letters, names.changelog])


def _measure(bench: Bench, subject: Subject, run: Run, reached: StatsProgress) -> Measured:
    servers = bench.server_meters()
    stations = bench.stations(run)
    began = time.time()
    try:
        settings = {"producer": producer_settings(bench, subject)}
        children = [stations.start(station, **settings.get(station, {})) for station in STATIONS]
        meters = [Meter(child.pid) for child in children]
        while not has_ended(reached.cursors()):
            for meter in (*meters, *servers.values()):
                meter.sample()
            for child in children:
                if child.poll():
                    raise ResourceError(f"{child.name} ended: {child.tail(5)}", f"read its log: {child.log}")
            if time.time() - began > LIMIT_SECONDS:
                raise ResourceError(f"no verdict in {LIMIT_SECONDS:.0f} s", f"read the logs beside {children[0].log}")
            time.sleep(SAMPLE_SECONDS)
        ended = time.time()
        for meter in (*meters, *servers.values()):
            meter.sample()
        document = reached.document()
    finally:
        stations.stop()
    events = subject.events
    return Measured(
        events=events,
        whole=Span(ended - began, events, sum(meter.used() for meter in meters)),
        steady=None,
        peak_mib=sum(meter.peak_mib for meter in meters),
        equal=is_equal(document, subject.document),
        servers_cpu_s_per_million=servers_cpu(servers, began, ended, events),
    )
