"""A tiny benchmark of every stage, and of the peers where they can be installed, gives correct figures."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from bench.bench import Choice, chosen
from bench.markdown import as_markdown
from bench.measured import Measured, Span, steady_span
from bench.meter import Meter
from bench.progress import Progress, progress_by_event_time
from bench.report import row_of, show
from bench.subject import compare_sessions, write_sessions
from livelift.errors import SettingsError
from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
STAGES = ["producer", "processor", "stats", "end_to_end"]
KEYS = {"engine", "stage", "events_per_s", "cpu_s_per_million", "peak_mib", "equal_to_oracle", "runs"}


def bench(folder: Path, *arguments: str, events: int, limit: float, program: str = "bench") -> dict[str, Any]:
    out = folder / "results.json"
    command = [sys.executable, "-m", program, "--events", str(events), "--runs", "1", "--out", str(out), *arguments]
    environment = os.environ | {"LIVELIFT_FOLDER": str(folder / ".livelift")}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.mark.slow
def test_every_stage_is_measured_and_equals_the_oracle(tmp_path: Path) -> None:
    report = bench(tmp_path, "--only", "livelift", "--only", "duckdb", events=20_000, limit=120)
    assert [(row["engine"], row["stage"]) for row in report["rows"]] == [
        *(("livelift", stage) for stage in STAGES),
        ("duckdb", "batch"),
    ]
    for row in report["rows"]:
        assert row.keys() >= KEYS
        assert row["equal_to_oracle"] is True
        assert row["runs"] == 1
        assert row["events_per_s"] > 0
        assert row["cpu_s_per_million"] > 0
        assert row["peak_mib"] > 10
        assert 15_000 < row["events"] < 30_000
    assert report["machine"]["cores"] >= 1
    show(report, Console(quiet=True))
    assert all(f"| {row['engine']} | {row['stage']} |" in as_markdown(report) for row in report["rows"])


@pytest.mark.rare
@pytest.mark.parametrize("engine", ["faust", "quix", "bytewax"])
def test_a_peer_does_the_same_job(engine: str, tmp_path: Path) -> None:
    subprocess.run(["make", ".venv-peers/.installed"], cwd=ROOT, check=True, capture_output=True)
    (row,) = bench(tmp_path, "--only", engine, events=20_000, limit=200)["rows"]
    assert row["equal_to_oracle"] is True
    assert row["stage"] == "processor"
    assert (row.get("left_open", 0) == 0) == (engine == "bytewax")


@pytest.mark.rare
def test_the_tables_of_all_engines_are_the_oracles(tmp_path: Path) -> None:
    subprocess.run(["make", ".venv-peers/.installed"], cwd=ROOT, check=True, capture_output=True)
    report = bench(tmp_path, events=20_000, limit=200, program="bench.tables")
    assert [row["engine"] for row in report["rows"]] == ["livelift", "livelift", "bytewax", "polars"]
    assert all(row["equal_to_oracle"] for row in report["rows"])
    assert report["tables"] == 11


@pytest.mark.rare
@pytest.mark.parametrize("engine", ["kafka-streams", "flink"])
def test_a_peer_in_java_does_the_same_job(engine: str, tmp_path: Path) -> None:
    """It waits twenty seconds for sessions that stay open: both close by event time, which stands still at the end."""
    for program in ("javac", "mvn"):
        tool(program)
    subprocess.run(["make", f".cache/bench/{engine}/.built"], cwd=ROOT, check=True, capture_output=True)
    (row,) = bench(tmp_path, "--only", engine, events=20_000, limit=300)["rows"]
    assert row["equal_to_oracle"] is True
    assert row["left_open"] > 0


@pytest.mark.slow
def test_two_workers_give_the_same_result_as_one(tmp_path: Path) -> None:
    """Although the second one takes over partitions on which the first had begun."""
    report = bench(tmp_path, events=400_000, limit=200, program="bench.two_workers")
    assert [(row["stage"], row["equal_to_oracle"]) for row in report["rows"]] == [
        ("processor × 1", True),
        ("processor × 2", True),
    ]


def test_the_meter_counts_a_process_with_its_children() -> None:
    spin = "import time\nwhile time.process_time() < {}: pass"
    program = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {spin.format(0.3)!r}]); {spin.format(0.2)}"
    child = subprocess.Popen([sys.executable, "-c", program.replace("; import time\n", "\n")])
    meter = Meter(child.pid)
    while child.poll() is None:
        meter.sample()
        time.sleep(0.01)
    assert 0.45 <= meter.used() <= 1.5
    assert meter.peak_mib > 5


def test_the_meter_sees_less_than_a_tick_of_the_kernel() -> None:
    """A tick is 10 ms: a stage that needed less was once measured as nothing."""
    meter = Meter(os.getpid())
    meter.sample()
    for _ in range(5):
        before = meter.used()
        began = time.process_time()
        while time.process_time() < began + 0.002:
            pass
        meter.sample()
        assert meter.used() - before >= 0.002


def test_the_steady_part_leaves_out_the_start_and_the_end() -> None:
    times = np.array([10.0, 11.0, 12.0, 13.0, 23.0])
    progress = Progress(times, np.array([50.0, 400.0, 750.0, 960.0, 1000.0]))
    assert progress.steady() == (10.0, 13.0, 910.0)


@pytest.mark.parametrize(
    ("seconds", "measurable"),
    [
        ([0.0], False),
        ([0.0, 0.001, 0.002], False),  # such a part was once reported as sixteen million events a second
        ([0.0, 1.0, 2.0], True),
    ],
)
def test_a_job_done_in_a_moment_has_no_steady_part(seconds: list[float], measurable: bool) -> None:
    meter = Meter(os.getpid())
    meter.sample()
    times = np.array(seconds)
    steady = steady_span(Progress(times, np.linspace(50.0, 1000.0, len(times))), meter)
    assert (steady is not None) == measurable


def test_progress_is_the_event_time_of_the_outputs() -> None:
    events = [np.array([1, 2, 3, 4]), np.array([2, 4])]
    written = [(np.array([1000, 1000, 3000]), np.array([1, 2, 9])), (np.array([2000]), np.array([3]))]
    progress = progress_by_event_time(events, written)
    assert progress.times.tolist() == [1.0, 2.0, 3.0]
    assert progress.events.tolist() == [2.0, 3.0, 5.0]


ORACLE = [("a", 0, 5, 0, 2, 0, 1), ("a", 9, 9, 0, 1, 0, 1), ("b", 1, 1, 0, 1, 0, 1)]


@pytest.mark.parametrize(
    ("found", "identical", "equal"),
    [
        (ORACLE, True, True),
        (ORACLE[:1], False, True),  # each user's last is still open
        (ORACLE[1:], False, False),  # a first one is missing
        ([*ORACLE, ORACLE[0]], False, False),  # one is there twice
        ([("a", 0, 5, 0, 3, 0, 1), *ORACLE[1:]], False, False),
    ],
)
def test_sessions_are_compared_exactly(found: list[Any], identical: bool, equal: bool, tmp_path: Path) -> None:
    write_sessions(tmp_path / "found.parquet", found)
    write_sessions(tmp_path / "oracle.parquet", ORACLE)
    compared = compare_sessions(tmp_path / "found.parquet", tmp_path / "oracle.parquet")
    assert (compared.identical, compared.equal) == (identical, equal)
    assert pq.read_table(tmp_path / "found.parquet").num_rows == len(found)


def test_a_row_holds_medians_and_is_equal_only_if_every_run_was() -> None:
    runs = [
        Measured(1_000_000, Span(seconds, 1_000_000, 3.0), None, mib, equal)
        for seconds, mib, equal in ((4.0, 100.0, True), (2.0, 300.0, True), (5.0, 200.0, False))
    ]
    row = row_of("livelift", "end_to_end", runs)
    assert (row["events_per_s"], row["cpu_s_per_million"], row["peak_mib"]) == (250_000, 3.0, 200.0)
    assert (row["equal_to_oracle"], row["runs"], row["part"]) == (False, 3, "whole")


def test_an_unknown_engine_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="spark"):
        chosen((Choice.parse("spark"),))
