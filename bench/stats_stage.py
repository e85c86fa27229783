"""Measures stage `stats`: from a complete output log to the final verdict in Redis."""

import time

import numpy as np

from bench.measured import Measured, Span, steady_span
from bench.meter import Meter
from bench.processor_stage import filled_run, has_end, process
from bench.progress import Progress
from bench.redis_progress import StatsProgress, applied, has_ended, is_equal
from bench.stage import Bench, servers_cpu, watch
from bench.subject import Subject
from stats.edges.redis_connection import connect


def measure_stats(bench: Bench, subject: Subject, number: int) -> Measured:
    """One run, from an empty Redis. Progress is counted in outputs, told in events: they come evenly."""
    run = filled_run(bench, subject)
    names = bench.names(run)
    if not has_end(bench.broker, names.output):
        bench.say(f"filling {names.output}")
        process(bench, subject, run, workers=1)
    client = connect(bench.servers.redis.admin_url)
    client.flushall()
    reached = StatsProgress(client, names)
    curve: list[tuple[float, int]] = []
    servers = bench.server_meters()
    stations = bench.stations(run)
    began = time.time()
    child = stations.start("stats")
    meter = Meter(child.pid)

    def done() -> bool:
        cursors = reached.cursors()
        if cursors and (not curve or applied(cursors) > curve[-1][1]):
            curve.append((time.time(), applied(cursors)))
        return has_ended(cursors)

    try:
        watched = watch([child], [meter, *servers.values()], done, began)
        document = reached.document()
    finally:
        stations.stop()
    times, outputs = (np.array(column, dtype=np.float64) for column in zip(*curve, strict=True))
    events = subject.events
    return Measured(
        events=events,
        whole=Span(watched.ended - began, events, meter.used(until=watched.ended)),
        steady=steady_span(Progress(times, outputs * (events / outputs[-1])), meter),
        peak_mib=meter.peak_mib,
        equal=is_equal(document, subject.document),
        servers_cpu_s_per_million=servers_cpu(servers, began, watched.ended, events),
    )
