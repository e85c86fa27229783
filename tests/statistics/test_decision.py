"""The decision rule, state by state."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.document.decision import Why
from livelift.document.progress import Health
from livelift.simulation.truth import Cell
from stats.decision import engine
from stats.decision.classic_opinion import classic_opinion
from stats.decision.decision import Findings, decide, health_problem
from stats.sequential.boundaries import calendar, constants, obrien_fleming
from stats.simulate.bars import bars_of
from stats.simulate.population import population
from stats.words.guarantee import guarantee
from tests.statistics.support import STUDY, tick

CALM = Findings(
    enough_exposed=True,
    enough_users=True,
    readable=True,
    problem=None,
    harm_crossed=False,
    harm_clear=True,
    ship_crossed=False,
    ship_clear=True,
    guardrail_failed=False,
    guardrail_gates=False,
    guardrail_unreadable=False,
    left_out_gates=False,
    improvement=0.05,
    deciding=True,
    complete=False,
    ended=False,
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("keep_running", None)),
        ({"enough_exposed": False, "problem": "sample_ratio"}, ("no_data", "too_few_users")),
        ({"enough_users": False}, ("no_data", "too_few_users")),
        # An arm that lost all its users is unhealthy, or a guardrail says so: never only "too few users".
        ({"enough_users": False, "problem": "left_out"}, ("unhealthy", "left_out")),
        ({"enough_users": False, "guardrail_failed": True}, ("dont_ship", "guardrail")),
        ({"readable": False}, ("no_data", "unreadable")),
        ({"readable": False, "ship_crossed": True, "complete": True}, ("no_data", "unreadable")),
        ({"readable": False, "problem": "left_out"}, ("unhealthy", "left_out")),
        ({"readable": False, "harm_crossed": True}, ("dont_ship", "harm")),
        ({"readable": False, "guardrail_failed": True}, ("dont_ship", "guardrail")),
        ({"problem": "sample_ratio", "harm_crossed": True}, ("unhealthy", "sample_ratio")),
        ({"problem": "late_rows", "complete": True}, ("unhealthy", "late_rows")),
        ({"harm_crossed": True, "ship_crossed": True}, ("dont_ship", "harm")),
        ({"guardrail_failed": True, "ship_crossed": True}, ("dont_ship", "guardrail")),
        ({"ship_crossed": True}, ("ship", None)),
        ({"ship_crossed": True, "guardrail_gates": True}, ("keep_running", "guardrail_gate")),
        ({"ship_crossed": True, "guardrail_unreadable": True}, ("keep_running", "guardrail_unreadable")),
        ({"ship_crossed": True, "guardrail_unreadable": True, "complete": True}, ("dont_ship", "not_proven")),
        ({"ship_crossed": True, "left_out_gates": True}, ("keep_running", "left_out_gate")),
        ({"ship_crossed": True, "ship_clear": False}, ("keep_running", "not_clear")),
        ({"ship_crossed": True, "ship_clear": False, "complete": True}, ("dont_ship", "not_proven")),
        ({"harm_crossed": True, "harm_clear": False}, ("keep_running", None)),
        ({"harm_crossed": True, "ended": True, "deciding": False}, ("dont_ship", "harm")),
        ({"guardrail_failed": True, "ended": True, "deciding": False}, ("dont_ship", "guardrail")),
        ({"ship_crossed": True, "improvement": 0.02}, ("keep_running", "minimum_lift")),
        ({"complete": True}, ("dont_ship", "not_proven")),
        ({"complete": True, "ship_crossed": True}, ("ship", None)),
        ({"complete": True, "ship_crossed": True, "guardrail_gates": True}, ("dont_ship", "not_proven")),
        ({"complete": True, "ship_crossed": True, "improvement": 0.019}, ("dont_ship", "not_proven")),
        ({"ended": True, "deciding": False}, ("keep_running", "ended_early")),
        ({"ended": True, "deciding": False, "ship_crossed": True}, ("keep_running", "ended_early")),
        ({"ended": True, "complete": True}, ("dont_ship", "not_proven")),
        ({"deciding": False, "harm_crossed": True}, ("keep_running", None)),
    ],
)
def test_every_state_is_reached_as_written(changes: dict[str, object], expected: tuple[str, str | None]) -> None:
    assert decide(replace(CALM, **changes), 0.02) == expected  # type: ignore[arg-type]


flags = st.booleans()
findings = st.builds(
    Findings,
    enough_exposed=flags,
    enough_users=flags,
    readable=flags,
    problem=st.sampled_from([None, "sample_ratio", "left_out", "late_rows", "rejected_rows"]),
    harm_crossed=flags,
    harm_clear=flags,
    ship_crossed=flags,
    ship_clear=flags,
    guardrail_failed=flags,
    guardrail_gates=flags,
    guardrail_unreadable=flags,
    left_out_gates=flags,
    improvement=st.one_of(st.none(), st.floats(-0.5, 0.5)),
    deciding=flags,
    complete=flags,
    ended=flags,
)


@given(findings)
def test_ship_needs_every_condition_at_once(found: Findings) -> None:
    every = (
        found.enough_exposed
        and found.enough_users
        and found.readable
        and found.problem is None
        and found.deciding
        and found.ship_crossed
        and not (
            found.harm_crossed
            or found.guardrail_failed
            or found.guardrail_gates
            or found.guardrail_unreadable
            or found.left_out_gates
        )
        and found.improvement is not None
        and found.improvement > 0.02
    )
    assert (decide(found, 0.02)[0] == "ship") == every


@given(findings)
def test_nothing_is_decided_between_looks(found: Findings) -> None:
    assert decide(replace(found, deciding=False, ended=False), 0.02)[0] in ("no_data", "unhealthy", "keep_running")


def _health(
    ratio: float | None = 1.0,
    late: float | None = 0.0,
    rejected: float | None = 0.0,
    inclusion: float | None = None,
    missing: int = 0,
    both: int | None = None,
) -> Health:
    return Health(
        sample_ratio_p=ratio,
        sample_ratio_p_lowest=ratio,
        sample_ratio_p_fixed=None,
        inclusion_p=inclusion,
        inclusion_p_fixed=inclusion,
        missing_events=missing,
        late_share=late,
        rejected_share=rejected,
        excluded_share=0.25,
        excluded_shares={"control": 0.25, "treatment": 0.25},
        one_event_share=0.1,
        users_in_both=both,
    )


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (_health(), None),
        (_health(None, None, None), None),
        (_health(ratio=0.01), "sample_ratio"),
        (_health(ratio=0.0101), None),
        (_health(inclusion=0.01), "left_out"),
        (_health(inclusion=0.0101), None),
        (_health(ratio=0.001, inclusion=0.001), "sample_ratio"),
        (_health(missing=1, ratio=0.001), "missing_events"),
        (_health(both=6), None),
        (_health(both=7), "users_in_both"),
        (_health(both=7, inclusion=0.01), "left_out"),
        (_health(both=7, late=0.5), "users_in_both"),
        (_health(late=0.01), None),
        (_health(late=0.011), "late_rows"),
        (_health(rejected=0.05), None),
        (_health(rejected=0.051), "rejected_rows"),
        (_health(ratio=0.001, late=0.5, rejected=0.5), "sample_ratio"),
    ],
)
def test_the_gravest_illness_is_named(health: Health, expected: Why | None) -> None:
    assert health_problem(health, STUDY, (300, 300)) == expected


@pytest.mark.parametrize(
    ("decision", "lift", "p", "worse", "opinion", "opposite"),
    [
        ("keep_running", 0.10, 0.001, [], "ship", True),
        ("ship", 0.10, 0.001, [], "ship", False),
        ("ship", 0.10, 0.001, ["skip_rate"], "dont_ship", True),
        ("ship", 0.10, 0.2, [], "dont_ship", True),
        ("dont_ship", -0.10, 0.001, [], "dont_ship", False),
        ("keep_running", 0.02, 0.001, [], "dont_ship", False),
        ("unhealthy", 0.10, 0.001, [], "ship", False),
        ("keep_running", None, None, [], None, False),
    ],
)
def test_the_classic_opinion_is_told_from_the_verdict(
    decision: str, lift: float | None, p: float | None, worse: list[str], opinion: str | None, opposite: bool
) -> None:
    found = classic_opinion(STUDY, decision, lift, p, worse)  # type: ignore[arg-type]
    assert (found.decision, found.opposite) == (opinion, opposite)


def test_the_guarantee_is_what_the_simulation_is_judged_by() -> None:
    limits = {bar.words: bar.limit for bar in bars_of(STUDY, population(STUDY)) if bar.cell == Cell("stationary")}
    text = " ".join(guarantee(STUDY))
    assert limits["no effect: ship boundary crossed"] == 1 / 40 and "at most 1 in 40 random splits of the users" in text
    assert (
        limits["no effect: ship or harm boundary crossed"] == 2 / 40
        and "1 in 40 random splits would say that it harms" in text
    )
    assert limits["no effect: some guardrail wrongly failed"] == 1 / 10 and "wrongly failed: at most 1 in 10" in text


def test_the_guarantee_says_what_the_present_users_can_show() -> None:
    """Not with a fixed plan: four times the users halve the standard error, and with it the lift that is found."""
    found = []
    for users in (400, 1600):
        _, verdict = engine.step(engine.initial(STUDY), tick(30, users=users, noise=0.5), STUDY)
        se, c = verdict.primary.se, constants(calendar(61, 61), 0.025, obrien_fleming)[-1]
        assert se is not None
        text = " ".join(verdict.guarantee)
        needed, detectable = (float(number) for number in re.findall(r"of \+(\d+\.\d)%", text))
        assert needed == pytest.approx(100 * (np.exp(se * c) - 1), abs=0.05)
        assert detectable == pytest.approx(100 * (np.exp(se * (c + 0.8416)) - 1), abs=0.05)
        found.append(detectable)
    assert found[1] == pytest.approx(found[0] / 2, rel=0.15)
    assert "is said once both arms have their users" in " ".join(guarantee(STUDY))


def test_the_guarantee_states_the_studys_own_numbers() -> None:
    text = " ".join(guarantee(STUDY))
    for promise in ("1 in 40", "all 61 looks", "failed: at most 1 in 10", "above 0, not above 2%", "3 or more"):
        assert promise in text


def test_a_study_closed_early_is_promised_nothing_of_its_plan() -> None:
    text = " ".join(guarantee(STUDY, closed=True))
    assert "no longer holds" in text and "1 in 40" not in text
