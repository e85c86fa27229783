"""Generated data with a planted effect end in the planted decision, live and in the batch oracle at full size."""

from pathlib import Path

import pytest

from batch.document import batch_document
from livelift.study import load_study
from local.demo import DemoPlan
from local.servers import LocalServers
from producer import sample_data
from studies.lastfm import generator as lastfm_generator
from studies.lastfm.generator.truth import read_truth
from tests.support.live_run import live_run

STUDY = load_study("lastfm")

EVENTS, USERS = 400_000, 1_000
"""Fewer events decide as surely: precision is limited by users."""

PLANTED = pytest.mark.parametrize(("lift", "expected"), [(sample_data.LIFT, "ship"), (0.0, "dont_ship")])


@pytest.mark.slow
@PLANTED
def test_a_live_run_ends_in_the_decision_that_was_planted(
    lift: float, expected: str, servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=EVENTS, users=USERS, lift=lift, seed=sample_data.SEED, study=STUDY)
    document = live_run(servers, folder, DemoPlan(STUDY, data))
    assert document.decision == expected == read_truth(data).expected_decision
    if expected == "ship":
        assert document.metrics["session_duration"].sequential.ship.at is not None
        assert document.decided_at is not None


@pytest.mark.slow
@PLANTED
def test_the_data_of_the_demo_hold_the_decision_that_was_planted(lift: float, expected: str, tmp_path: Path) -> None:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=sample_data.EVENTS, lift=lift, seed=sample_data.SEED, study=STUDY)
    document, history = batch_document(data, STUDY)
    truth = read_truth(data)
    assert document.decision == expected == truth.expected_decision
    assert all(entry.decision != "ship" for entry in history) or expected == "ship"
    low, high = document.metrics["session_duration"].sequential.ci
    assert low <= lift <= high
