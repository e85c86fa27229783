"""Which run of which study a folder works for."""

import json
from pathlib import Path

import pytest

from livelift.errors import StateError, StudyError
from livelift.names import RunNames, is_topic_of_study
from local.addresses import require_no_demo
from local.resetting import study_to_reset
from local.run_folder import Run, RunFolder


def run_of(study: str, run: str) -> Run:
    return Run(run, study, "f", "log.tsv", 4)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / ".livelift")


def test_each_study_has_a_current_run_of_its_own(folder: RunFolder) -> None:
    for run in (run_of("visits", "1"), run_of("orders", "2"), run_of("visits", "3")):
        folder.save_run(run)
    assert folder.current_run("visits") == run_of("visits", "3")
    assert folder.current_run("orders") == run_of("orders", "2")
    assert folder.current_run("another") is None
    assert folder.current_runs() == [run_of("orders", "2"), run_of("visits", "3")]
    assert folder.has_others_than("visits")
    folder.forget_study("orders")
    assert folder.current_runs() == [run_of("visits", "3")]
    assert not folder.has_others_than("visits")
    assert [run.run for run in folder.noted_runs()] == ["1", "3"]


def test_an_earlier_version_s_current_run_is_its_study_s(folder: RunFolder) -> None:
    folder.note_run(run_of("visits", "1"))
    (folder.root / "current.json").write_text(json.dumps({"run": "1"}))
    assert folder.current_run("visits") == run_of("visits", "1")
    folder.save_run(run_of("orders", "2"))
    assert folder.current_runs() == [run_of("visits", "1"), run_of("orders", "2")]


def test_a_study_may_be_called_run_or_runs(folder: RunFolder) -> None:
    for study in ("run", "runs"):
        folder.save_run(run_of(study, f"of-{study}"))
    assert [folder.current_run(study) for study in ("run", "runs")] == [
        run_of("run", "of-run"),
        run_of("runs", "of-runs"),
    ]


def test_a_demo_s_run_is_current_for_its_own_study_only(folder: RunFolder) -> None:
    folder.save_run(run_of("visits", "1"))
    folder.note_run(run_of("orders", "2"))
    require_no_demo(folder)
    folder.save_stack({"kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:2/0", "run": "2"})
    assert folder.current_run("orders") == run_of("orders", "2")
    assert folder.current_run("visits") == run_of("visits", "1")
    assert folder.current_runs() == [run_of("visits", "1")]
    with pytest.raises(StateError, match="the stack that is up is a demo's"):
        require_no_demo(folder)
    require_no_demo(folder, "127.0.0.1:9092")
    folder.forget_stack()
    assert folder.current_run("orders") is None


def test_a_study_that_is_gone_can_still_be_reset(folder: RunFolder) -> None:
    folder.save_run(run_of("gone", "1"))
    assert study_to_reset(folder, "gone") == "gone"
    assert study_to_reset(folder, "tests/studies/purchases") == "purchases"
    with pytest.raises(StudyError, match="there is no study 'never_was'"):
        study_to_reset(folder, "never_was")


@pytest.mark.parametrize("other", ["visits2", "visit", "visits_2", "s"])
def test_no_topic_or_key_is_of_two_studies(other: str) -> None:
    one, two = RunNames("visits", "r1"), RunNames(other, "r1")
    of_two = (two.events, two.output, two.dead_letters, two.changelog, f"{two.application}-__assignor-__leader")
    assert all(two.is_topic(topic) and is_topic_of_study(other, topic) for topic in of_two)
    assert not any(one.is_topic(topic) or is_topic_of_study("visits", topic) for topic in of_two)
    assert one.key("state") != two.key("state")
