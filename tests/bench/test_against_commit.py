"""Today's files and a commit's are measured side by side; a build whose bench cannot be run or read is named."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.against_commit import Options, compare
from bench.build_runs import BuildRuns, Input
from bench.checkout import CACHE, ROOT, Build
from livelift.errors import InputError, ResourceError, SettingsError, StateError
from livelift.study import load_study

REPORT = {
    "rows": [
        {
            "events": 5, "events_per_s": 2, "cpu_s_per_million": 3.5, "part": "steady", "equal_to_oracle": False,
            "whole": {"events_per_s": 1, "cpu_s_per_million": 4.5},
        }
    ]
}  # fmt: skip
LATENCY = {"sessions": 9, "p50_ms": 10.5, "p99_ms": 30.0, "unseen": 0}
WRITES = """
import json, os, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
pathlib.Path(given["--out"]).write_text({report!r})
print(os.getcwd(), os.environ["PYTHONPATH"], os.environ["LIVELIFT_FOLDER"], "LIVELIFT_STUDIES" in os.environ)
"""


def builds_runs(folder: Path, program: str, module: str = "__main__") -> BuildRuns:
    """The runs of a build whose bench is `program`, over an input of one line."""
    checkout = folder / "checkout"
    (checkout / "bench").mkdir(parents=True)
    (checkout / "bench" / "__init__.py").touch()
    (checkout / "bench" / f"{module}.py").write_text(program)
    (folder / "log.tsv").write_text("a line\n")
    replayed = Input(folder / "log.tsv", load_study("lastfm"), 5, 4, 100.0, 1.0)
    return BuildRuns(Build("base", "0123abc as committed", checkout, Path(sys.executable)), folder / "base", replayed)


def test_a_build_is_measured_by_its_own_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own checkout, with a folder of its own and the studies that it brings; exit code 1 says a wrong result."""
    base = builds_runs(tmp_path, WRITES.format(report=json.dumps(REPORT)) + "sys.exit(1)")
    monkeypatch.setenv("LIVELIFT_STUDIES", "/somewhere")
    run = base.stage("stats", 0)
    assert run.steady is not None and run.steady.cpu_s_per_million == 3.5
    assert run.equal is False
    checkout = tmp_path / "checkout"
    assert (base.folder / "stats-0.log").read_text().split() == [
        str(checkout),
        str(checkout),
        str(base.folder),
        "False",
    ]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import sys; sys.exit('unrecognized arguments: --data')", "ended with code 1: unrecognized arguments: --data"),
        ("raise SystemExit(6)", "ended with code 6"),
        ("print('done')", "ended with code 0: done"),  # and has written no report
        ("raise RuntimeError('lost')", "ended with code 1: RuntimeError: lost"),
        ("import os; os.kill(os.getpid(), 9)", "ended with code -9"),
    ],
)
def test_a_bench_that_fails_is_named_with_its_log(program: str, why: str, tmp_path: Path) -> None:
    base = builds_runs(tmp_path, program)
    with pytest.raises(ResourceError, match="the bench of base for producer") as error:
        base.stage("producer", 3)
    assert why in str(error.value)
    assert str(base.folder / "producer-3.log") in str(error.value)


def test_a_latency_of_another_input_is_not_compared(tmp_path: Path) -> None:
    """A commit that names its generated input otherwise would measure one of its own."""
    program = WRITES.format(report=json.dumps(LATENCY))
    base = builds_runs(tmp_path, program, "latency")
    assert base.latency(0).p99_ms == 30.0
    program += "\n(pathlib.Path(os.environ['LIVELIFT_FOLDER']) / 'bench' / 'generated' / 'other.tsv').touch()"
    (tmp_path / "checkout" / "bench" / "latency.py").write_text(program)
    with pytest.raises(StateError, match=r"base \(0123abc as committed\) generated an input of its own"):
        base.latency(1)


@pytest.mark.parametrize(
    ("options", "kind", "why"),
    [
        (Options("HEAD", runs=0), SettingsError, "0 runs measure nothing"),
        (Options("HEAD", data=Path("no-such-log.tsv")), InputError, "there is no file no-such-log.tsv"),
        (Options("no-such-commit"), SettingsError, "there is no commit 'no-such-commit'"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(options: Options, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        compare(options, print)


@pytest.mark.slow
def test_a_commit_is_measured_beside_the_working_tree(tmp_path: Path) -> None:
    """The commit is that of the checkout: its packages are installed already."""
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench.against_commit", "HEAD", "--events", "20000", "--runs", "1"]
    command += ["--only", "producer", "--out", str(out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    cpu, rate = json.loads(out.read_text())["rows"]
    assert [cpu["figure"], rate["figure"]] == ["CPU-s / M", "events/s"]
    for row in (cpu, rate):
        assert row["equal_to_oracle"] == {"today": True, "base": True}
        assert row["events"]["today"] == row["events"]["base"] > 15_000
        assert row["today"] > 0 and row["base"] > 0
    assert f"| {cpu['ratio']['of_medians']:.2f} – " in ended.stdout
    assert not (CACHE / "work").exists()
