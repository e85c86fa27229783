"""Guardrails: which fail, which gate, which are proven safe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.checks.guardrails import boundary, failures, gate, holm, margin_z, status, worsening, worst
from stats.estimates.user_means import AdjustedMeans, adjusted_means
from stats.sequential.boundaries import calendar, constants, obrien_fleming

TIMES = calendar(61, 61)


def sums(*values: int) -> tuple[int, ...]:
    """Exact sums of the users' values, without a covariate."""
    return (len(values), sum(values), sum(value * value for value in values), 0, 0, 0)


def means(control: list[int], treatment: list[int]) -> AdjustedMeans:
    found = adjusted_means(sums(*control), sums(*treatment))
    assert found is not None
    return found


SPREAD = [90, 100, 110] * 40


@pytest.mark.parametrize("higher", [True, False])
def test_z_of_the_margin_is_a_plain_z_test_of_the_shifted_means(higher: bool) -> None:
    """Worse by more than m with higher better: ȳ_T < (1 − m) ȳ_C; with lower better: ȳ_T > (1 + m) ȳ_C."""
    control, treatment = np.array(SPREAD, float), np.floor(np.array(SPREAD, float) * 0.9) + np.arange(120) % 7
    kept = 0.99 if higher else 1.01
    shifted = kept * control
    error = np.sqrt(shifted.var(ddof=1) / 120 + treatment.var(ddof=1) / 120)
    expected = (shifted.mean() - treatment.mean()) / error * (1 if higher else -1)
    assert margin_z(means(SPREAD, treatment.astype(int).tolist()), 0.01, higher) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("control", "treatment", "higher", "expected"),
    [
        ([0] * 60, [0] * 60, False, None),  # 0 for everybody says nothing
        ([5] * 60, [5] * 60, True, None),
        ([5] * 60, [4] * 60, True, np.inf),  # no spread, different: certain
        ([5] * 60, [4] * 60, False, -np.inf),
        ([1000] * 60, [995] * 60, True, -np.inf),  # certainly worse, and certainly by less than the margin
        ([0] * 60, [1] * 60, False, np.inf),
    ],
)
def test_without_spread_only_equal_means_are_uncertain(
    control: list[int], treatment: list[int], higher: bool, expected: float | None
) -> None:
    """Equal means say nothing; different ones are certain."""
    assert margin_z(means(control, treatment), 0.01, higher) == expected


@pytest.mark.parametrize("skips", [[0, 1], [1, 0]])
def test_a_mean_of_0_in_one_arm_is_read_like_any_other(skips: list[int]) -> None:
    found = margin_z(means([0] * 100, skips * 50), 0.01, higher_is_better=False)
    assert found is not None and found > 5


def test_sessions_that_fall_by_86_per_cent_are_86_per_cent_worse() -> None:
    few = means([1000] * 50 + [1002] * 50, [141] * 50 + [142] * 50)
    assert worsening(few, higher_is_better=True) == pytest.approx(0.8586, abs=1e-4)
    assert worsening(means([10, 11], [12, 13]), higher_is_better=False) == pytest.approx(12.5 / 10.5 - 1)
    assert worsening(means([0] * 9, [1] * 9), higher_is_better=False) is None


@pytest.mark.parametrize("higher", [True, False])
def test_the_worst_is_where_the_margins_z_is_the_constant(higher: bool) -> None:
    some = means(SPREAD, [value + 2 for value in SPREAD])
    bound = worst(some, 1.7, higher)
    assert bound is not None and margin_z(some, bound, higher) == pytest.approx(-1.7)
    assert worst(some, np.inf, higher) is None
    assert worst(means([0, 0, 0, 1], [0, 0, 0, 1]), 3.0, higher) is None


def test_a_constant_added_to_every_covariate_changes_no_mean() -> None:
    def with_x(shift: int) -> AdjustedMeans:
        chance = np.random.default_rng(4)
        arms = []
        for lift in (1.0, 0.9):
            x = chance.integers(-900, 900, 200)
            y = np.round(lift * (5000 + x + chance.integers(-400, 400, 200))).astype(int)
            z = x + shift
            arms.append(tuple(int(v) for v in (200, y.sum(), (y * y).sum(), z.sum(), (z * z).sum(), (z * y).sum())))
        found = adjusted_means(arms[0], arms[1])
        assert found is not None
        return found

    one, other = with_x(0), with_x(1000)
    assert (one.control, one.treatment) == pytest.approx((other.control, other.treatment), rel=1e-12)
    assert margin_z(one, 0.01, True) == pytest.approx(margin_z(other, 0.01, True), rel=1e-9)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_holm_keeps_the_order_and_never_lowers_a_p(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    by_size = [adjusted[index] for index in np.argsort(p, kind="stable")]
    assert by_size == sorted(by_size)
    assert min(adjusted) == pytest.approx(min(1.0, min(p) * len(p)))


def test_each_next_guardrail_failure_needs_a_weaker_constant() -> None:
    """The first failure needs the strictest constant."""
    look = 61
    strict, weaker = (constants(TIMES, 0.10 / number, obrien_fleming)[look - 1] for number in (4, 3))
    between = (strict + weaker) / 2
    assert strict > weaker
    z = {"a": 0.0, "b": between, "c": 0.0, "d": 0.0}
    assert failures(z, 0, 4, TIMES, look, 0.10) == ()
    assert failures({**z, "a": strict + 0.01}, 0, 4, TIMES, look, 0.10) == ("a", "b")
    assert failures(z, 1, 4, TIMES, look, 0.10) == ("b",)


def test_exactly_on_the_constant_is_no_failure() -> None:
    assert failures({"a": boundary(1, TIMES, 10, 0.10)}, 0, 1, TIMES, 10, 0.10) == ()


def test_early_looks_fail_only_what_is_far_worse() -> None:
    z = {"a": 4.0}
    assert failures(z, 0, 4, TIMES, 3, 0.10) == ()
    assert failures(z, 0, 4, TIMES, 61, 0.10) == ("a",)


def test_the_gate_is_holms_fixed_p() -> None:
    found = gate({"a": 2.5, "b": 0.0, "c": -1.0, "d": -np.inf})
    assert found["a"] == pytest.approx((0.0062097, 4 * 0.0062097), rel=1e-4)
    assert found["d"] == (1.0, 1.0)


@pytest.mark.parametrize(
    ("failed", "readable", "p_holm", "safe_z", "expected"),
    [
        (True, True, 0.9, 9.0, "fail"),
        (True, False, None, None, "fail"),
        (False, False, None, None, "unreadable"),
        (False, True, 0.10, -2.0, "gate"),
        (False, True, 0.11, 1.7, "proven_safe"),
        (False, True, 0.11, 1.6, "inconclusive"),
        (False, True, None, None, "inconclusive"),
    ],
)
def test_a_guardrail_has_one_status(
    failed: bool, readable: bool, p_holm: float | None, safe_z: float | None, expected: str
) -> None:
    assert status(failed, readable, p_holm, safe_z, 0.10, 1.65) == expected


def test_at_the_margin_few_experiments_fail_any_guardrail() -> None:
    """4,000 studies with every guardrail exactly at the margin: at most 0.10 may fail one (binomial bound at 0.001)."""
    random, looks = np.random.default_rng(9), 12
    times = calendar(looks, looks)
    z = random.standard_normal((4000, looks, 4)).cumsum(axis=1) / np.sqrt(np.arange(1, looks + 1))[:, None]
    limits = np.array([boundary(4, times, look, 0.10) for look in range(1, looks + 1)])
    some = (z.max(axis=2) > limits).any(axis=1)
    for study in np.flatnonzero(some)[:20]:  # the function agrees with the constant on who fails
        failing = [
            failures(dict(zip("abcd", z[study, look], strict=True)), 0, 4, times, look + 1, 0.10)
            for look in range(looks)
        ]
        assert any(failing)
    assert 0.05 < some.mean() <= 0.10 + 3.1 * (0.09 / 4000) ** 0.5
