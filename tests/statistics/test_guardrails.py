"""Guardrails: which fail, which gate, which are proven safe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.boundaries import calendar, constants, obrien_fleming
from stats.guardrails import boundary, failures, gate, holm, status, worsening

TIMES = calendar(61, 61)


def test_worse_is_positive_whatever_the_direction_of_the_metric() -> None:
    assert worsening(0.2, higher_is_better=False) == worsening(-0.2, higher_is_better=True) == 0.2


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_holm_keeps_the_order_and_never_lowers_a_p(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    by_size = [adjusted[index] for index in np.argsort(p, kind="stable")]
    assert by_size == sorted(by_size)
    assert min(adjusted) == pytest.approx(min(1.0, min(p) * len(p)))


def test_the_first_failure_needs_the_strictest_constant_and_the_next_a_weaker_one() -> None:
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
    ("failed", "p_holm", "safe_z", "expected"),
    [
        (True, 0.9, 9.0, "fail"),
        (False, 0.10, -2.0, "gate"),
        (False, 0.11, 1.7, "proven_safe"),
        (False, 0.11, 1.6, "inconclusive"),
        (False, None, None, "inconclusive"),
    ],
)
def test_a_guardrail_has_one_status(failed: bool, p_holm: float | None, safe_z: float | None, expected: str) -> None:
    assert status(failed, p_holm, safe_z, 0.10, 1.65) == expected


def test_under_no_worsening_at_the_margin_few_experiments_fail_any_of_four() -> None:
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
