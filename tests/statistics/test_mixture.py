"""The always-valid p-value and interval agree, and stay valid under continuous monitoring."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.estimates import mixture

estimates = st.floats(-2.0, 2.0)
variances = st.floats(1e-6, 1.0)
rhos = st.floats(1.0, 1e4)


@given(estimates, variances, rhos, st.floats(0.001, 0.5))
def test_p_is_at_most_alpha_exactly_if_the_interval_excludes_0(
    estimate: float, variance: float, rho: float, alpha: float
) -> None:
    width = float(mixture.radius(variance, rho, alpha))
    p = float(mixture.p_value(estimate, variance, rho))
    if abs(abs(estimate) - width) > 1e-9:
        assert (p <= alpha) == (abs(estimate) >= width)


@given(variances, rhos)
def test_a_smaller_alpha_needs_a_wider_interval_on_either_form(variance: float, rho: float) -> None:
    for form in (mixture.radius, mixture.one_sided_radius):
        assert float(form(variance, rho, 0.01)) > float(form(variance, rho, 0.05)) > 0


def test_the_interval_is_about_narrowest_where_it_was_tuned() -> None:
    """Tuned to the planned standard error, no other ρ does much better at it."""
    planned = 0.035
    tuned = float(mixture.radius(planned**2, mixture.tuned_rho(planned), 0.05))
    best = min(float(mixture.radius(planned**2, rho, 0.05)) for rho in np.geomspace(1, 10_000, 400))
    assert tuned <= best * 1.01
    assert mixture.tuned_rho(planned) == pytest.approx(mixture.best_rho(1 / planned**2, 0.05), rel=0.01)


def test_a_missing_estimate_stays_missing() -> None:
    assert np.isnan(mixture.p_value(np.array([np.nan]), np.array([np.nan]), 100.0)).all()


def test_a_true_null_watched_a_thousand_times_is_rejected_rarely() -> None:
    """2,000 Brownian estimates: at most 0.05 and, by a binomial bound at 0.001, 132 rejections."""
    steps = np.random.default_rng(3).standard_normal((2000, 1000))
    information = np.arange(1, 1001) * 1.0
    estimates = steps.cumsum(axis=1) / information
    rejected = (mixture.p_value(estimates, 1 / information, 10.0) <= 0.05).any(axis=1).sum()
    assert 0 < rejected <= 132
