"""The bars of `statistics.md`, by simulation. Slow; figures of the full 2,000 experiments come from `livelift simulate`.

Each limit is the bar plus what 400 experiments leave to chance (a one-sided binomial at 0.001 of the bar).
"""

from functools import cache
from typing import Any

import pytest
from scipy import stats as scipy_stats

from stats.simulate.report import Truth, simulate
from tests.statistics.support import STUDY

pytestmark = pytest.mark.slow

EXPERIMENTS = 400
REGIMES = ("stationary", "entry", "bursty")


@cache
def outcome(regime: str, lift: float = 0.0, worse_skips: float = 0.0) -> dict[str, Any]:
    return simulate(STUDY, regime, EXPERIMENTS, Truth(lift, worse_skips), seed=2009)


def at_most(rate: float) -> int:
    return int(scipy_stats.binom.isf(0.001, EXPERIMENTS, rate))


def at_least(rate: float) -> int:
    return int(scipy_stats.binom.ppf(0.001, EXPERIMENTS, rate))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("regime", REGIMES)
def test_without_an_effect_the_errors_stay_at_what_is_promised(regime: str) -> None:
    found = outcome(regime)
    readings = found["readings"]
    assert readings["deciding_ship"]["rejections"] <= at_most(0.025)
    assert readings["deciding"]["rejections"] <= at_most(0.05)
    assert readings["always_valid"]["rejections"] <= at_most(0.05)
    assert readings["always_valid"]["coverage"] * EXPERIMENTS >= at_least(0.95)
    assert found["guardrails_failed"].get("any", 0) <= at_most(0.10)
    assert readings["classic_watched"]["rejections"] >= 0.7 * EXPERIMENTS


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("regime", "share"), [("stationary", 0.95), ("entry", 0.95), ("bursty", 0.92)])
def test_a_lift_of_ten_per_cent_is_found_about_as_often_as_by_one_look(regime: str, share: float) -> None:
    found = outcome(regime, lift=0.10)
    ship, fixed = (found["readings"][name]["rejections"] for name in ("deciding_ship", "fixed_up"))
    assert ship >= share * fixed - 0.03 * EXPERIMENTS
    if regime == "stationary":
        assert found["mean_stop"] <= 0.72 + 0.04


@pytest.mark.timeout(900)
def test_a_harm_of_ten_per_cent_is_found_about_as_often_as_by_one_look() -> None:
    found = outcome("stationary", lift=-0.10)
    harm, fixed = (found["readings"][name]["rejections"] for name in ("deciding_harm", "fixed_down"))
    assert harm >= 0.93 * fixed - 0.03 * EXPERIMENTS


@pytest.mark.timeout(900)
def test_a_skip_rate_worse_by_thirty_per_cent_is_found() -> None:
    assert outcome("stationary", worse_skips=0.30)["guardrails_failed"]["skip_rate"] >= at_least(0.75)
