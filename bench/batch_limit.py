"""Measures DuckDB over the same events (engine `duckdb`, stage `batch`) in its own process, as the limit of a batch."""

import json
import sys
import time
from pathlib import Path

from bench.measured import Measured, Span
from bench.meter import Meter
from bench.stage import Bench, watch
from bench.subject import Subject, compare_sessions, skip_ms
from local.processes import ChildProcess

PROGRAM = Path(__file__).parent / "peers" / "duckdb_batch.py"


def measure_batch(bench: Bench, subject: Subject, number: int) -> Measured:
    """One run of the batch; its steady part is the query, without starting Python and DuckDB."""
    target = bench.folder.root / "batch_sessions.parquet"
    target.unlink(missing_ok=True)
    windows = subject.study.windows
    arguments = [str(subject.listening), str(target), str(windows.gap_ms), str(skip_ms(subject.study))]
    began = time.time()
    child = ChildProcess("batch", [sys.executable, PROGRAM, *arguments], bench.folder.root / "batch.log")
    meter = Meter(child.pid)
    try:
        watched = watch([child], [meter], lambda: child.poll() == 0, began)
    finally:
        child.stop()
    query = json.loads(child.tail(1))
    return Measured(
        events=subject.events,
        whole=Span(watched.ended - began, subject.events, meter.used()),
        steady=Span(query["seconds"], subject.events, query["cpu_seconds"]),
        peak_mib=meter.peak_mib,
        equal=compare_sessions(target, subject.sessions).identical,
    )
