"""The rule, state by state."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.boundaries import calendar, constants, obrien_fleming
from stats.decision import Findings, classic_opinion, decide, illness
from stats.guarantee import guarantee
from stats.simulate.bars import BARS, Cell
from stats.verdict import Health, Why
from tests.statistics.support import STUDY

CALM = Findings(
    readable=True,
    ill=None,
    harm_crossed=False,
    ship_crossed=False,
    guardrail_failed=False,
    guardrail_gates=False,
    improvement=0.05,
    deciding=True,
    complete=False,
    ended=False,
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("keep_running", None)),
        ({"readable": False, "ill": "sample_ratio"}, ("no_data", "too_few_users")),
        ({"ill": "sample_ratio", "harm_crossed": True}, ("unhealthy", "sample_ratio")),
        ({"ill": "late_rows", "complete": True}, ("unhealthy", "late_rows")),
        ({"harm_crossed": True, "ship_crossed": True}, ("dont_ship", "harm")),
        ({"guardrail_failed": True, "ship_crossed": True}, ("dont_ship", "guardrail")),
        ({"ship_crossed": True}, ("ship", None)),
        ({"ship_crossed": True, "guardrail_gates": True}, ("keep_running", "guardrail_gate")),
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
    readable=flags,
    ill=st.sampled_from([None, "sample_ratio", "late_rows", "rejected_rows"]),
    harm_crossed=flags,
    ship_crossed=flags,
    guardrail_failed=flags,
    guardrail_gates=flags,
    improvement=st.one_of(st.none(), st.floats(-0.5, 0.5)),
    deciding=flags,
    complete=flags,
    ended=flags,
)


@given(findings)
def test_ship_needs_every_condition_at_once(found: Findings) -> None:
    every = (
        found.readable
        and found.ill is None
        and found.deciding
        and found.ship_crossed
        and not (found.harm_crossed or found.guardrail_failed or found.guardrail_gates)
        and found.improvement is not None
        and found.improvement > 0.02
    )
    assert (decide(found, 0.02)[0] == "ship") == every


@given(findings)
def test_nothing_is_decided_between_looks(found: Findings) -> None:
    assert decide(replace(found, deciding=False), 0.02)[0] in ("no_data", "unhealthy", "keep_running")


def _health(ratio: float | None = 1.0, late: float | None = 0.0, rejected: float | None = 0.0) -> Health:
    return Health(
        sample_ratio_p=ratio,
        sample_ratio_p_lowest=ratio,
        sample_ratio_p_fixed=None,
        inclusion_p=None,
        late_share=late,
        rejected_share=rejected,
        excluded_share=0.25,
        excluded_shares={"control": 0.25, "treatment": 0.25},
        one_event_share=0.1,
        users_in_both=None,
    )


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (_health(), None),
        (_health(None, None, None), None),
        (_health(ratio=0.01), "sample_ratio"),
        (_health(ratio=0.0101), None),
        (_health(late=0.01), None),
        (_health(late=0.011), "late_rows"),
        (_health(rejected=0.05), None),
        (_health(rejected=0.051), "rejected_rows"),
        (_health(ratio=0.001, late=0.5, rejected=0.5), "sample_ratio"),
    ],
)
def test_the_gravest_illness_is_named(health: Health, expected: Why | None) -> None:
    assert illness(health, STUDY) == expected


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


def test_what_the_guarantee_promises_is_what_the_simulation_is_judged_by() -> None:
    limits = {bar.words: bar.limit for bar in BARS if bar.cell == Cell("stationary")}
    text = " ".join(guarantee(STUDY))
    assert limits["no effect: ship boundary crossed"] == 0.025 and "ship at most 2.5 %" in text
    assert limits["no effect: ship or harm boundary crossed"] == 0.05 and '"harms the primary" at most 2.5 %' in text
    assert limits["no effect: some guardrail wrongly failed"] == 0.10 and "wrongly failed: at most 10 %" in text


def test_the_guarantee_says_what_a_crossing_needs() -> None:
    """With a planned standard error of 0.035 and c = 2.16 at the last of 61 looks."""
    text = " ".join(guarantee(STUDY))
    needed, found = (float(number) for number in re.findall(r"of \+(\d+\.\d)%", text))
    c = constants(calendar(61, 61), 0.05, obrien_fleming, two_sided=True)[-1]
    assert needed == pytest.approx(100 * (np.exp(0.035 * c) - 1), abs=0.05)
    assert found == pytest.approx(100 * (np.exp(0.035 * (c + 0.8416)) - 1), abs=0.05)


def test_the_guarantee_states_the_studys_own_numbers() -> None:
    text = " ".join(guarantee(STUDY))
    for promise in (
        "ship at most 2.5 %",
        "all 61 looks",
        "failed: at most 10 %",
        "above 0, not above 2 %",
        "3 or more",
    ):
        assert promise in text
