"""Two studies in one folder, on one Kafka, Redis and Prometheus: each has its own verdict, the oracle's, and its own metrics."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import pytest

from batch.document import batch_document
from grafana.asking import Asker
from livelift.document import decode_document
from livelift.names import RunNames
from livelift.settings import STUDY
from livelift.study import Study, load_study
from local.equality import differences
from local.metric_targets import read_targets
from local.run_folder import Run, RunFolder
from tests.support.command_line import LIVELIFT, wait_until, write_small_log
from tests.support.tools import tool

pytestmark = pytest.mark.slow

SHOP = str(Path("tests/studies/purchases").absolute())
STUDIES = {"lastfm": ("lastfm", "log.tsv"), "purchases": (SHOP, "orders.csv")}
"""Name → what `--study` is given, and the file of its events."""


def livelift(folder: Path, *arguments: str) -> str:
    ended = subprocess.run([LIVELIFT, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def document(folder: Path, study: str) -> bytes:
    return livelift(folder, "verdict", "--json", "--study", STUDIES[study][0]).encode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a file of each study."""
    write_small_log(tmp_path / "log.tsv")
    import_module("tests.studies.purchases.make").main(tmp_path / "orders.csv")
    return tmp_path


@pytest.fixture
def up(place: Path) -> Iterator[str]:
    """`livelift up` in the folder; the address of its Prometheus."""
    tool("prometheus")
    with (place / "said.txt").open("w") as said:
        stack = subprocess.Popen([LIVELIFT, "up"], cwd=place, stdout=said, stderr=said)
    try:
        lines: list[str] = []

        def are_there() -> bool:
            lines[:] = [
                line for line in (place / "said.txt").read_text().splitlines() if line.startswith("Prometheus ")
            ]
            return bool(lines)

        wait_until(are_there, place)
        yield lines[0].split()[1]
    finally:
        stack.send_signal(signal.SIGINT)
        stack.wait(60)


def has_ended(folder: Path, study: str) -> bool:
    ended = subprocess.run(
        [LIVELIFT, "verdict", "--json", "--study", STUDIES[study][0]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.returncode == 0 and bool(json.loads(ended.stdout)["progress"]["ended"])


def assert_is_the_oracle_s(folder: Path, study: Study, text: bytes) -> None:
    batch, _ = batch_document(folder / STUDIES[study.name][1], study)
    assert list(differences(decode_document(text), batch)) == []


def by_study(prometheus: str, query: str) -> dict[str, float]:
    """The newest value of each study; `query` gives one series a study."""
    series = Asker(prometheus, time.time() - 60, time.time()).instant(query)
    return {one["metric"].get("study", ""): one["points"][-1][1] for one in series}


def test_two_studies_share_a_stack_and_nothing_else(place: Path, up: str) -> None:
    studies = {name: load_study(text) for name, (text, _) in STUDIES.items()}
    replays = [
        subprocess.Popen([LIVELIFT, "replay", "--study", text, "--data", file], cwd=place, stderr=subprocess.DEVNULL)
        for text, file in STUDIES.values()
    ]
    assert [replay.wait(60) for replay in replays] == [0, 0]
    for name in STUDIES:
        wait_until(lambda name=name: has_ended(place, name), place)  # type: ignore[misc]
    shown = {name: document(place, name) for name in STUDIES}
    for name, study in studies.items():
        assert_is_the_oracle_s(place, study, shown[name])
        rejected = livelift(place, "rejects", "--json", "--study", STUDIES[name][0]).splitlines()
        assert len(rejected) == sum(decode_document(shown[name]).input.rejected.values())

    accepted = {name: float(decode_document(text).input.accepted) for name, text in shown.items()}
    wait_until(lambda: by_study(up, "sum by (study) (livelift_processor_applied_events)") == accepted, place)
    wait_until(
        lambda: by_study(up, 'max by (study) (livelift_stream_ended{clock=""})') == dict.fromkeys(STUDIES, 1.0),
        place,
    )
    asker = Asker(up, time.time() - 60, time.time())
    assert asker.instant('{__name__=~"livelift_.+", study=""}') == []
    assert asker.instant('{exported_study!=""}') == []
    for name, study in studies.items():
        found = asker.instant(f'count by (metric) ({{__name__=~"livelift_metric_.+", study="{name}"}})')
        assert {one["metric"].get("metric", "") for one in found} - {""} == set(study.metrics)
        stations = asker.instant(f'count by (station) (up{{job="livelift", study="{name}"}})')
        assert {(one["metric"]["station"], one["points"][-1][1]) for one in stations} == {
            ("processor", 1),
            ("stats", 1),
        }

    runs = [json.loads(line) for line in livelift(place, "runs", "--json").splitlines()]
    assert sorted((run["study"], run["complete"], run["current"]) for run in runs) == [
        ("lastfm", True, True),
        ("purchases", True, True),
    ]


def stats_of(stack: int, study: str) -> psutil.Process:
    """The stats station of a study among the processes of the stack."""
    command = [sys.executable, "-m", "stats"]
    stations = [one for one in psutil.Process(stack).children(recursive=True) if one.cmdline() == command]
    (found,) = (one for one in stations if Path(one.environ()[STUDY]).name == study)
    return found


def test_a_study_that_cannot_be_read_is_left_out(place: Path) -> None:
    """And taken in once it can be; one whose stations refuse their work does not end the other's."""
    folder = RunFolder(place / ".livelift")
    folder.save_run(Run.new(study="mine", study_at=str(place / "mine"), fingerprint="f", data="x", partitions=1))
    said = place / "said.txt"
    with said.open("w") as out:
        stack = subprocess.Popen([LIVELIFT, "up"], cwd=place, stdout=out, stderr=out)
    try:
        wait_until(lambda: "study mine is left out until it can be read" in said.read_text(), place)
        livelift(place, "replay", "--data", "log.tsv")
        wait_until(lambda: has_ended(place, "lastfm"), place)
        (place / "mine").mkdir()
        (place / "mine" / "study.toml").write_text(
            Path(SHOP, "study.toml").read_text().replace('name = "purchases"', 'name = "mine"')
        )
        wait_until(lambda: "of study mine: processor and stats started" in said.read_text(), place)
        (place / "mine" / "study.toml").write_text("schema = 1")
        stats_of(stack.pid, "mine").kill()
        wait_until(lambda: "study mine is left out, the others go on:" in said.read_text(), place)
        assert stack.poll() is None
        assert set(read_targets(folder.metric_targets, "mine")) == {"processor", "stats"}  # Prometheus misses them
        assert said.read_text().count("until it can be read") == 1
    finally:
        stack.send_signal(signal.SIGINT)
        stack.wait(60)


def topics(folder: Path) -> set[str]:
    """Of the broker's data, those that are not dropped."""
    return {path.name.rpartition("-")[0] for path in (folder / ".livelift/kafka/data").glob("livelift.*-[0-9]")}


def kept(study: str, run: dict[str, Any]) -> set[str]:
    names = RunNames(study, run["run"])
    return {names.events, names.output, names.dead_letters, names.changelog}


def test_a_demo_leaves_what_another_study_has(place: Path) -> None:
    """Its own earlier run it replaces, as ever; one that is stopped, or a reset of its study, changes nothing of the other's."""
    one, other = (("demo", "--study", text, "--data", file, "--no-check") for text, file in STUDIES.values())
    first = json.loads(livelift(place, *one, "--exit", "--json"))
    folder = RunFolder(place / ".livelift")
    for _ in range(2):
        second = json.loads(livelift(place, *other, "--exit", "--json"))
        assert topics(place) == kept("lastfm", first) | kept("purchases", second)
        assert [(run.study, run.run) for run in folder.current_runs()] == [
            ("lastfm", first["run"]),
            ("purchases", second["run"]),
        ]
        assert not folder.demo_kafka.exists()

    stopped = subprocess.Popen([LIVELIFT, *other, "--speed", "100000x"], cwd=place, stderr=subprocess.DEVNULL)
    wait_until(lambda: folder.demo_is_up(), place)
    time.sleep(2)
    refused = subprocess.run(
        [LIVELIFT, "replay", "--data", "log.tsv"], cwd=place, capture_output=True, text=True, timeout=60
    )
    assert "the stack that is up is a demo's" in refused.stderr
    stopped.send_signal(signal.SIGINT)
    stopped.wait(60)
    assert topics(place) == kept("lastfm", first) | kept("purchases", second)
    assert json.loads(document(place, "purchases"))["run"] == second["run"]

    livelift(place, "reset", "--study", SHOP, "--yes")
    assert topics(place) == kept("lastfm", first)
    assert json.loads(document(place, "lastfm")) == first
    assert {json.loads(line)["study"] for line in livelift(place, "runs", "--json").splitlines()} == {"lastfm"}
