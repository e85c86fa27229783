"""Simulated results of lastfm stay what they were when docs/02-error-rates.md was published: golden, two experiments a regime."""

import json
from pathlib import Path
from typing import Any

import pytest

from livelift.simulation.truth import Truth
from stats.simulate.report import simulate
from tests.statistics.support import STUDY

GOLDEN: list[dict[str, Any]] = json.loads(Path(__file__).with_name("simulated_lastfm.json").read_text())
"""As simulated before any study could be (commit 1cfebab), seed 5, 240 users."""


def name_of(golden: dict[str, Any]) -> str:
    return f"{golden['regime']} {golden['lift']} {golden['other_lifts']}"


def unrounded(value: Any) -> Any:
    """To be compared with: counts are exact, the last digits of a mean may be another machine's."""
    if isinstance(value, dict):
        return {name: unrounded(part) for name, part in value.items()}
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


@pytest.mark.parametrize("golden", GOLDEN, ids=name_of)
def test_an_experiment_of_a_seed_stays_the_same(golden: dict[str, Any]) -> None:
    truth = Truth(golden["lift"], golden["later_lift"], golden["leaving"], tuple(golden["other_lifts"].items()))
    found = simulate(STUDY, golden["regime"], golden["experiments"], truth, golden["seed"], 240)
    assert found == unrounded(golden)


def test_the_golden_results_hold_every_regime() -> None:
    assert len({golden["regime"] for golden in GOLDEN}) == 8
    assert sum(sum(golden["decisions"].values()) for golden in GOLDEN) == 23
