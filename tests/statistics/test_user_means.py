"""The deciding estimator against a computation from individual users."""

from itertools import product

import numpy as np
import pytest

from stats.estimates import ratio, user_means
from stats.estimates.user_means import log_lift
from tests.statistics.support import Integers, rows


def _users(seed: int, users: int = 80) -> tuple[Integers, Integers]:
    random = np.random.default_rng(seed)
    x = random.integers(-900, 900, users)
    y = np.round(np.exp(9.0 + x / 1500 + 0.4 * random.standard_normal(users))).astype(np.int64)
    return y, x


def _plain(c: tuple[Integers, Integers], t: tuple[Integers, Integers]) -> tuple[float, float, float]:
    """L, V and θ as docs/10-statistics.md writes them, from rows."""
    top = sum((len(y) - 1) * np.cov(x, y)[0, 1] / y.mean() for y, x in (c, t))
    bottom = sum((len(y) - 1) * x.var(ddof=1) for y, x in (c, t))
    theta = top / bottom if bottom else 0.0
    value = np.log(t[0].mean() / c[0].mean()) - theta * (t[1].mean() - c[1].mean())
    variance = sum(
        (y.var(ddof=1) / y.mean() ** 2 + theta**2 * x.var(ddof=1) - 2 * theta * np.cov(x, y)[0, 1] / y.mean()) / len(y)
        for y, x in (c, t)
    )
    return float(value), float(variance), float(theta)


@pytest.mark.parametrize("seed", range(5))
def test_sums_give_what_the_users_give(seed: int) -> None:
    control, treatment = _users(seed), _users(seed + 100, 120)
    ours = log_lift(rows(*control).sum(axis=0), rows(*treatment).sum(axis=0))
    expected = _plain(control, treatment)
    assert (float(ours.value), float(ours.variance), float(ours.theta)) == pytest.approx(expected, rel=1e-9)


def test_without_a_covariate_theta_is_zero() -> None:
    (y, _), (w, _) = _users(1), _users(2)
    ours = log_lift(rows(y).sum(axis=0), rows(w).sum(axis=0))
    assert float(ours.theta) == 0.0
    assert float(ours.value) == pytest.approx(np.log(w.mean() / y.mean()))


def test_a_covariate_that_is_the_same_for_all_changes_nothing() -> None:
    (y, _), (w, _) = _users(1), _users(2)
    same = np.full_like(y, 405)
    plain, ours = (log_lift(rows(y, x).sum(axis=0), rows(w, x).sum(axis=0)) for x in (np.zeros_like(y), same))
    assert float(ours.value) == float(plain.value) and float(ours.theta) == 0.0


def test_the_covariate_narrows_the_estimate() -> None:
    control, treatment = _users(1), _users(2)
    with_x = log_lift(rows(*control).sum(axis=0), rows(*treatment).sum(axis=0))
    without = log_lift(rows(control[0]).sum(axis=0), rows(treatment[0]).sum(axis=0))
    assert float(with_x.variance) < 0.8 * float(without.variance)


def test_exchanging_the_arms_turns_the_sign_not_the_variance() -> None:
    control, treatment = (rows(*_users(seed)).sum(axis=0) for seed in (1, 2))
    ours, turned = log_lift(control, treatment), log_lift(treatment, control)
    assert float(ours.value) == pytest.approx(-float(turned.value))
    assert float(ours.variance) == pytest.approx(float(turned.variance))


def test_the_unit_of_the_metric_cancels() -> None:
    (y, x), (w, v) = _users(1), _users(2)
    ours = log_lift(rows(y, x).sum(axis=0), rows(w, v).sum(axis=0))
    scaled = log_lift(rows(1000 * y, x).sum(axis=0), rows(1000 * w, v).sum(axis=0))
    assert float(scaled.z) == pytest.approx(float(ours.z), rel=1e-10)


def test_one_call_for_many_is_many_calls_for_one() -> None:
    control = np.stack([rows(*_users(seed)).sum(axis=0) for seed in range(6)]).reshape(2, 3, 6)
    treatment = np.stack([rows(*_users(seed + 50)).sum(axis=0) for seed in range(6)]).reshape(2, 3, 6)
    together = log_lift(control, treatment).z
    assert together.shape == (2, 3)
    for i, j in product(range(2), range(3)):
        assert together[i, j] == log_lift(control[i, j], treatment[i, j]).z


@pytest.mark.parametrize(
    ("control", "treatment", "minimum"),
    [
        ([49, 4900, 500_000, 0, 0, 0], [80, 8000, 900_000, 0, 0, 0], 50),  # an arm too small
        ([80, 8000, 800_000, 0, 0, 0], [80, 8000, 800_000, 0, 0, 0], 50),  # no spread: V = 0
        ([0, 0, 0, 0, 0, 0], [80, 8000, 900_000, 0, 0, 0], 50),  # nobody
        ([1, 100, 10_000, 0, 0, 0], [1, 100, 10_000, 0, 0, 0], 1),  # no variance from one user
    ],
)
def test_what_cannot_be_known_is_missing(control: list[int], treatment: list[int], minimum: int) -> None:
    for one, other in ((control, treatment), (treatment, control)):
        ours = log_lift(np.array(one), np.array(other), minimum)
        assert np.isnan(ours.value) and np.isnan(ours.variance) and np.isnan(ours.theta) and np.isnan(ours.z)


def test_fifty_users_an_arm_are_enough() -> None:
    arm = np.array([50, 5000, 510_000, 0, 0, 0])
    assert float(log_lift(arm, arm, 50).value) == 0.0


def test_the_difference_has_the_shown_unit_unknown_for_one_user() -> None:
    """It is unknown with one user in an arm."""
    control, treatment = (rows(*_users(seed)).sum(axis=0) for seed in (1, 2))
    raw, minutes = user_means.difference(control, treatment), user_means.difference(control, treatment, 600)
    assert raw is not None and minutes is not None and raw.se is not None
    assert (minutes.difference, minutes.se) == pytest.approx((raw.difference / 600, raw.se / 600))
    assert user_means.difference(np.array([1, 5, 25, 0, 0, 0]), treatment) is None


def test_the_ratio_is_that_of_the_users_totals() -> None:
    random = np.random.default_rng(4)
    sessions = random.integers(1, 30, 60)
    seconds = sessions * random.integers(100, 4000, 60)
    sums = np.array(
        [60, seconds.sum(), sessions.sum(), (seconds**2).sum(), (sessions**2).sum(), (seconds * sessions).sum()]
    )
    ours = ratio.ratio(sums)
    r = seconds.sum() / sessions.sum()
    assert ours is not None
    assert ours.value == r
    assert ours.variance == pytest.approx(np.var(seconds - r * sessions, ddof=1) / 60 / sessions.mean() ** 2)


@pytest.mark.parametrize("sums", [[1, 5, 1, 25, 1, 5], [3, 0, 0, 0, 0, 0]])
def test_a_ratio_of_one_user_or_of_nothing_is_unknown(sums: list[int]) -> None:
    good = [10, 1590, 36, 448950, 186, 8905]
    assert ratio.ratio(np.array(sums)) is None
    assert ratio.compare(np.array([sums, good])) is None
    assert ratio.compare(np.array([good, sums])) is None


def test_a_ratio_in_minutes_has_the_lift_of_one_in_seconds() -> None:
    both = np.array([[10, 1590, 36, 448950, 186, 8905], [10, 1955, 38, 679625, 208, 11740]])
    seconds, minutes = ratio.compare(both), ratio.compare(both, divide_by=60)
    assert seconds is not None and minutes is not None
    assert minutes.difference == pytest.approx(seconds.difference / 60)
    assert (minutes.lift, minutes.p) == pytest.approx((seconds.lift, seconds.p))


@pytest.mark.parametrize(
    ("control", "treatment", "z"),
    [
        ([80, 0, 0, 0, 0, 0], [80, 8000, 900_000, 0, 0, 0], np.inf),  # nothing is as far above as from 0
        ([80, 8000, 900_000, 0, 0, 0], [80, 0, 0, 0, 0, 0], -np.inf),
        ([80, 8000, 800_000, 0, 0, 0], [80, 8080, 816_080, 0, 0, 0], np.inf),  # no spread, different means
        ([80, 0, 0, 0, 0, 0], [80, 0, 0, 0, 0, 0], np.nan),
    ],
)
def test_a_mean_of_0_has_an_order_though_no_logarithm(control: list[int], treatment: list[int], z: float) -> None:
    found = log_lift(np.array(control), np.array(treatment), 50)
    assert np.isnan(found.value)
    assert np.array_equal(found.z, z, equal_nan=True)


def test_a_constant_added_to_every_covariate_changes_no_lift() -> None:
    chance = np.random.default_rng(6)
    arms = []
    for mean in (1000, 1073):
        x = chance.integers(-800, 800, 300)
        arms.append((mean + x // 4 + chance.integers(0, 90, 300), x))
    found = []
    for shift in (0, 1000):
        sums = [tuple(int(v) for v in rows(y, x + shift).sum(axis=0)) for y, x in arms]
        found.append(user_means.difference(*sums))
    one, other = found
    assert one is not None and other is not None
    assert other.lift == pytest.approx(one.lift, rel=1e-9) and other.lift_ci == pytest.approx(one.lift_ci, rel=1e-9)
    assert one.lift == pytest.approx(one.difference / arms[0][0].mean())
