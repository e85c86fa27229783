"""Welch, Cohen's d and their edges: unknown is not zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from livelift.tick_sums import Moments
from stats.estimates.classic import Classic, Estimate, classic, welch

means = st.floats(0.1, 1e4)
spreads = st.floats(0.01, 1e6)
sizes = st.integers(2, 100_000)


@given(sizes, means, spreads, sizes, means, spreads)
def test_any_two_samples_give_scipys_welch(n: int, a: float, va: float, m: int, b: float, vb: float) -> None:
    ours = classic(Moments(n, a, va * (n - 1)), Moments(m, b, vb * (m - 1)))
    theirs = scipy_stats.ttest_ind_from_stats(b, vb**0.5, m, a, va**0.5, n, equal_var=False)
    assert ours.t == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-300)
    assert ours.z_p == pytest.approx(2 * scipy_stats.norm.sf(abs(theirs.statistic)), rel=1e-6, abs=1e-300)


@given(sizes, means, spreads, sizes, means, spreads)
def test_exchanging_the_arms_turns_the_signs_and_keeps_the_p(
    n: int, a: float, va: float, m: int, b: float, vb: float
) -> None:
    control, treatment = Moments(n, a, va * (n - 1)), Moments(m, b, vb * (m - 1))
    ours, turned = classic(control, treatment), classic(treatment, control)
    assert ours.ci95 is not None and turned.ci95 is not None
    assert (ours.t, ours.cohens_d, ours.p) == pytest.approx((-turned.t, -turned.cohens_d, turned.p))  # type: ignore[operator]
    assert ours.ci95 == pytest.approx((-turned.ci95[1], -turned.ci95[0]))


@pytest.mark.parametrize("small", [Moments(), Moments(1, 3.0, 0.0)])
def test_with_fewer_than_two_values_everything_is_unknown(small: Moments) -> None:
    for reading in (classic(small, Moments(9, 1.0, 2.0)), classic(Moments(9, 1.0, 2.0), small)):
        assert reading == Classic()
        assert {reading.t, reading.df, reading.p, reading.cohens_d, reading.ci95, reading.lift} == {None}


def test_samples_without_spread_have_a_difference_and_no_t() -> None:
    reading = classic(Moments(5, 2.0, 0.0), Moments(5, 3.0, 0.0))
    assert reading.welch is not None and reading.welch.difference == 1.0 and reading.lift == 0.5
    assert {reading.t, reading.p, reading.ci95, reading.cohens_d} == {None}


def test_a_control_of_zero_has_no_lift() -> None:
    reading = classic(Moments(5, 0.0, 0.0), Moments(5, 3.0, 4.0))
    assert {reading.lift, reading.lift_ci95} == {None}
    assert reading.p is not None and reading.p < 0.05


def test_a_treatment_of_zero_without_spread_has_no_interval() -> None:
    """It still has a lift."""
    reading = classic(Moments(5, 3.0, 4.0), Moments(5, 0.0, 0.0))
    assert reading.lift == -1.0 and reading.lift_ci95 is None


def test_tiny_variances_do_not_underflow() -> None:
    assert welch(Estimate(1.0, 1e-200, 5), Estimate(2.0, 1e-200, 5)).df == pytest.approx(8.0)


def test_an_estimate_from_one_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        welch(Estimate(1.0, 1.0, 1), Estimate(2.0, 1.0, 5))


def test_the_interval_holds_the_estimate_on_both_sides() -> None:
    """A peer's release computes an upper bound as estimate − width."""
    reading = classic(Moments(50, 10.0, 200.0), Moments(50, 11.0, 200.0))
    assert reading.ci95 is not None and reading.lift_ci95 is not None and reading.lift is not None
    assert reading.ci95[0] < 1.0 < reading.ci95[1]
    assert reading.lift_ci95[0] < reading.lift < reading.lift_ci95[1]
