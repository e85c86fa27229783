"""What Prometheus reads of a run's ticks: each sample at its event time, whatever the wall clock says."""

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from livelift.document import HistoryEntry
from livelift.event_time import SECOND, from_iso
from livelift.metrics import declared
from livelift.study import load_study
from stats.edges.event_time_samples import IN_PREVIEWS, EventTimeSamples
from stats.edges.history_readers import REPEATS, HistoryReaders
from studies.lastfm import generator as lastfm_generator
from tests.support.pure_pipeline import PureRun, run_pure

STUDY = load_study("lastfm")
WALL_MS = 1_795_574_909_103


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> PureRun:
    folder = tmp_path_factory.mktemp("ticks")
    lastfm_generator.generate(folder / "log.tsv", events=40_000, users=300, lift=0.1, seed=3, study=STUDY)
    return run_pure(folder / "log.tsv", folder / "cache", STUDY)


def filled(history: list[HistoryEntry], run: str = "r1") -> EventTimeSamples:
    samples = EventTimeSamples(STUDY, run)
    for number, entry in enumerate(history):
        samples.add(entry, WALL_MS + number)
    return samples


def parsed(samples: EventTimeSamples) -> dict[str, dict[str, Any]]:
    """Family → its parsed form; the parser refuses series that are mixed up and times that go back."""
    return {family.name: family for family in text_string_to_metric_families(samples.text().decode())}


def points(family: Any, **labels: str) -> dict[float, float]:
    found = [sample for sample in family.samples if labels.items() <= sample.labels.items()]
    return {float(sample.timestamp): sample.value for sample in found}


def test_every_tick_has_its_event_time_and_its_history_value(run: PureRun) -> None:
    families = parsed(filled(run.history))
    expected = {
        from_iso(entry.as_of) / SECOND: entry.metrics["session_duration"].treatment.mean for entry in run.history
    }
    assert len(expected) > 60
    got = points(families["livelift_metric_mean"], metric="session_duration", variant="treatment")
    assert got == {at: mean for at, mean in expected.items() if mean is not None}
    wall = points(families["livelift_tick_timestamp_seconds"])
    assert list(wall.values()) == [(WALL_MS + number) / SECOND for number in range(len(run.history))]


def test_every_sample_says_whose_it_is_and_is_declared(run: PureRun) -> None:
    """Every sample belongs to a declared metric."""
    for name, family in parsed(filled(run.history, run='a "b" \\ ü')).items():
        assert declared(name) is not None
        for sample in family.samples:
            assert sample.labels["study"] == "lastfm"
            assert sample.labels["run"] == 'a "b" \\ ü'
            assert sample.labels["clock"] == "event"


def test_of_a_set_of_states_one_holds_at_each_tick(run: PureRun) -> None:
    decision = parsed(filled(run.history))["livelift_decision"]
    for entry in run.history:
        at = from_iso(entry.as_of) / SECOND
        holds = [s.labels["livelift_decision"] for s in decision.samples if float(s.timestamp) == at and s.value == 1]
        assert holds == [entry.decision]


def test_a_preview_adds_to_counts_and_means_and_decides_nothing(run: PureRun) -> None:
    samples = filled(run.history[:10])
    before = {name: len(family.samples) for name, family in parsed(samples).items()}
    samples.preview(replace(run.document, as_of=run.history[10].as_of))
    allowed = {metric.name for metric in IN_PREVIEWS}
    grown = {name for name, family in parsed(samples).items() if len(family.samples) > before[name]}
    assert "livelift_metric_n" in grown
    assert grown <= allowed


def test_a_second_preview_changes_nothing_and_a_tick_replaces_it(run: PureRun) -> None:
    """The second preview has the time of the first."""
    samples = filled(run.history[:10])
    samples.preview(replace(run.document, as_of=run.history[10].as_of))
    text = samples.text()
    samples.preview(
        replace(run.document, as_of=run.history[10].as_of, sessions=replace(run.document.sessions, all=0, in_period=0))
    )
    assert samples.text() == text
    samples.add(run.history[10], WALL_MS + 10)
    assert samples.text() == filled(run.history[:11]).text()


def test_ticks_evaluated_again_after_a_rollback_say_the_same(run: PureRun) -> None:
    samples = filled(run.history)
    text = samples.text()
    for entry in run.history[-5:]:
        samples.add(entry, WALL_MS + len(run.history) - 1)
    assert samples.text() == text


def test_answers_to_one_reader_repeat_samples_and_miss_none(run: PureRun) -> None:
    """Each sample is given a few times."""
    samples, readers = EventTimeSamples(STUDY, "r1"), HistoryReaders()
    given: Counter[str] = Counter()
    sizes = []
    for number, entry in enumerate([*run.history, *[None] * 5]):
        if entry is not None:
            samples.add(entry, WALL_MS + number)
        answer = samples.text(readers.after("prometheus", samples.newest, 2.0 * number))
        sizes.append(len(answer))
        given.update(line for line in answer.decode().splitlines() if not line.startswith("#"))
    whole = [line for line in samples.text().decode().splitlines() if not line.startswith("#")]
    assert given.keys() >= set(whole)
    assert max(given.values()) == REPEATS
    assert sizes[-1] == len("# EOF\n")
    assert samples.text(readers.after("another", samples.newest, 1_000.0)) == samples.text()


def test_a_reader_gets_everything_after_a_gap_and_now_and_then(run: PureRun) -> None:
    samples, readers = filled(run.history), HistoryReaders()
    whole = [
        second
        for second in range(0, 1_400, 2)
        if not 700 < second < 730 and readers.after("prometheus", samples.newest, float(second)) == 0
    ]
    assert whole == [0, 2, 4, 600, 602, 604, 730, 732, 734, 1330, 1332, 1334]


def test_promtool_makes_blocks_of_it_for_any_other_prometheus(run: PureRun, promtool: Path, tmp_path: Path) -> None:
    (tmp_path / "history.txt").write_bytes(filled(run.history).text())
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "history.txt", "blocks"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    assert len(list((tmp_path / "blocks").iterdir())) >= len(run.history) - 1  # one a tick: a block spans two hours
