"""Critical values spend exactly the planned error."""

import numpy as np
import pytest

from stats.sequential import boundaries
from stats.sequential.boundaries import calendar, constants, harm_spending, obrien_fleming, power_family


@pytest.mark.parametrize("looks", [1, 61, 400])
@pytest.mark.parametrize(
    ("spending", "two_sided"), [(obrien_fleming, True), (obrien_fleming, False), (harm_spending, False)]
)
def test_doubling_the_quadrature_moves_no_constant_of_the_study(
    spending: boundaries.Spending, two_sided: bool, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = calendar(looks, looks)
    ours = constants(times, 0.05, spending, two_sided)
    finer = np.polynomial.legendre.leggauss(2 * boundaries.NODES)
    monkeypatch.setattr(boundaries, "_rule", lambda: finer)
    found = constants.__wrapped__(times, 0.05, spending, two_sided)
    within_reach = [look for look, limit in enumerate(ours) if limit < 9.0]  # no score lies beyond
    assert within_reach
    assert [found[look] for look in within_reach] == pytest.approx([ours[look] for look in within_reach], abs=1e-9)


def test_many_looks_approach_the_constant_of_a_continuous_watch() -> None:
    """A motion watched all the time exceeds z_{α/2} with probability α (reflection principle): many looks come near it, from
    below."""
    last = [constants(calendar(looks, looks), 0.025, obrien_fleming)[-1] for looks in (61, 200, 500, 1200)]
    assert last == sorted(last)
    assert last[1] > 2.2 and 2.22 < last[-1] < 2.2414


@pytest.mark.parametrize("spending", [obrien_fleming, harm_spending, power_family(1.0)])
def test_simulated_paths_cross_as_often_as_was_spent(spending: boundaries.Spending) -> None:
    """100,000 Brownian paths; a rate further than four standard errors from the plan would be wrong."""
    times, paths, alpha = calendar(10, 10), 100_000, 0.05
    limits = np.array(constants(times, alpha, spending))
    steps = np.random.default_rng(5).standard_normal((paths, 10))
    z = np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, 11))
    crossed = np.logical_or.accumulate(z > limits, axis=1).mean(axis=0)
    planned = spending(np.array(times), alpha)
    assert np.all(np.abs(crossed - planned) <= 4 * np.sqrt(planned * (1 - planned) / paths) + 1 / paths)


def test_one_look_is_the_fixed_test() -> None:
    assert constants((1.0,), 0.05, obrien_fleming, two_sided=True) == pytest.approx((1.959964,), abs=1e-6)


def test_a_constant_is_found_far_out_in_the_tail() -> None:
    first = constants(calendar(61, 61), 0.05, obrien_fleming, two_sided=True)[0]
    assert 17.4 < first < 17.5


def test_a_look_without_anything_to_spend_is_never_crossed() -> None:
    def late(t: boundaries.Floats, alpha: float) -> boundaries.Floats:
        return np.where(t < 0.5, 0.0, alpha)

    assert constants((0.25, 0.5, 1.0), 0.05, late)[0] == np.inf


@pytest.mark.parametrize("times", [(), (0.0, 1.0), (0.5, 0.5), (0.5, 1.1)])
def test_times_that_do_not_rise_within_the_period_are_refused(times: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rise"):
        constants(times, 0.05, obrien_fleming)
