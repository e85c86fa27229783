"""The bench goes on without a peer that cannot run here and says so; a peer's open sessions are told from lost ones."""

import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.bench import Choice, Job, left_out
from bench.markdown import as_markdown
from bench.peer_programs import PEERS, Closes, Program, not_built
from bench.report import show
from bench.subject import compare_sessions, write_sessions
from livelift.errors import ResourceError
from producer.partitioner import partition_of

ABSENT = "there is no mvn on the path; install Maven"


def peer(name: str, missing: str = "", *, optional: bool = True) -> Program:
    return Program(name, 1, Closes.AS_TIME_PASSES, lambda _: [], lambda: missing, optional)


def job(engine: str) -> Job:
    return Job(Choice(engine, "processor"), lambda *_: pytest.fail("nothing is measured here"))


def test_a_peer_that_cannot_run_is_left_out_with_the_reason() -> None:
    assert left_out([job("java"), job("python")], (), (peer("java", ABSENT), peer("python"))) == {"java": ABSENT}


def test_a_peer_that_was_asked_for_cannot_be_left_out() -> None:
    with pytest.raises(ResourceError, match="java cannot be measured: there is no mvn"):
        left_out([job("java")], (Choice("java"),), (peer("java", ABSENT),))


def test_a_python_peer_is_never_left_out() -> None:
    with pytest.raises(ResourceError, match="python cannot be measured"):
        left_out([job("python")], (), (peer("python", "there is no Python", optional=False),))


def test_a_peer_that_nobody_measures_may_be_missing() -> None:
    assert left_out([job("livelift")], (Choice("livelift"),), (peer("java", ABSENT),)) == {}


def test_only_peers_in_java_may_be_missing() -> None:
    assert {peer.name for peer in PEERS if peer.optional} == {"kafka-streams", "flink"}


def test_what_a_peer_in_java_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the tools that build it, then the build, then the Java that runs it."""
    programs, folder = tmp_path / "bin", tmp_path / "built"
    programs.mkdir()
    folder.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    assert "no java and no javac and no mvn on the path" in not_built(folder)
    for name in ("java", "javac", "mvn"):
        (programs / name).touch(0o755)
    assert not_built(folder) == f"it is not built; build it: make {folder}/.built"
    (folder / ".built").touch()
    assert not_built(folder, tmp_path / "environment")
    assert not_built(folder) == ""
    os.remove(programs / "mvn")
    assert not_built(folder) == ""
    os.remove(programs / "java")
    assert not_built(folder).startswith("there is no java on the path")


def test_what_was_left_out_stands_below_the_table() -> None:
    report: dict[str, Any] = {"rows": [], "left_out": {"java": ABSENT}, "machine": MACHINE}
    shown = StringIO()
    show(report, Console(file=shown, width=200))
    words = f"java was left out: {ABSENT}"
    assert words in shown.getvalue()
    assert words in as_markdown(report)


MACHINE = {"cpu": "a", "cores": 2, "memory_gib": 1, "system": "b", "python": "3", "measured_at": "now"}


@pytest.mark.parametrize(
    ("found", "left_open", "equal"),
    [
        ([0, 1, 2, 3], 0, True),
        ([0, 1, 2], 1, True),
        ([0, 1], 2, True),
        ([], 4, True),
        ([0, 1, 3], 0, False),  # one before the last that was given out is lost
        ([1, 2, 3], 0, False),
    ],
)
def test_sessions_lost_before_the_last_are_not_open(
    found: list[int], left_open: int, equal: bool, tmp_path: Path
) -> None:
    """Of an engine that closes by event time. Two users of one partition, so that a user's last need not be the last."""
    user = "a"
    other = next(f"b{n}" for n in range(100) if partition_of(f"b{n}".encode(), 4) == partition_of(b"a", 4))
    oracle = [(name, end, end, 0, 1, 0, 1) for name, end in ((user, 1), (user, 20), (other, 30), (user, 40))]
    write_sessions(tmp_path / "oracle.parquet", oracle)
    write_sessions(tmp_path / "found.parquet", [oracle[n] for n in found])
    compared = compare_sessions(tmp_path / "found.parquet", tmp_path / "oracle.parquet", closes_by_time_in=4)
    assert (compared.wrong, compared.left_open, compared.equal) == (0, left_open, equal)


def test_each_partition_has_a_last_session_of_its_own(tmp_path: Path) -> None:
    early, late = "a", next(f"b{n}" for n in range(100) if partition_of(f"b{n}".encode(), 4) != partition_of(b"a", 4))
    oracle = [(early, 1, 1, 0, 1, 0, 1), (early, 9, 9, 0, 1, 0, 1), (late, 50, 50, 0, 1, 0, 1)]
    write_sessions(tmp_path / "oracle.parquet", oracle)
    write_sessions(tmp_path / "found.parquet", [oracle[0], oracle[2]])
    compared = compare_sessions(tmp_path / "found.parquet", tmp_path / "oracle.parquet", closes_by_time_in=4)
    assert (compared.missing, compared.left_open) == (1, 1)
