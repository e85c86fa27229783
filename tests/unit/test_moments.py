"""Welford moments: laws for any sample, exact integer sums, agreement with river."""

import random
from collections.abc import Callable
from fractions import Fraction
from math import sqrt
from statistics import fmean

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from river.stats import Var

from livelift.plan import DECISECONDS
from livelift.tick_sums import Moments
from stats.sums.moments import EMPTY, add, from_sums, merge, remove, replace, variance
from stats.sums.user_value import in_units

values = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
samples = st.lists(values, max_size=30)


def of(sample: list[float]) -> Moments:
    moments = EMPTY
    for value in sample:
        moments = add(moments, value)
    return moments


def same(a: Moments, b: Moments, scale: float = 1.0) -> bool:
    """Equal up to rounding, relative to the size of the values that went in."""
    size = max(abs(a.mean), abs(b.mean), sqrt(a.m2), scale)
    return a.n == b.n and abs(a.mean - b.mean) <= 1e-9 * size and abs(a.m2 - b.m2) <= 1e-9 * size * size * max(a.n, 1)


def largest(*groups: list[float]) -> float:
    return max([1.0, *(abs(value) for group in groups for value in group)])


@given(samples, samples)
def test_merge_is_commutative(a: list[float], b: list[float]) -> None:
    assert same(merge(of(a), of(b)), merge(of(b), of(a)), largest(a, b))


@given(samples, samples, samples)
def test_merge_is_associative(a: list[float], b: list[float], c: list[float]) -> None:
    left = merge(merge(of(a), of(b)), of(c))
    right = merge(of(a), merge(of(b), of(c)))
    assert same(left, right, largest(a, b, c))


@given(samples)
def test_the_empty_sample_changes_nothing(a: list[float]) -> None:
    assert merge(of(a), EMPTY) == of(a) == merge(EMPTY, of(a))


@given(samples, values)
def test_add_is_merge_with_a_single_value(a: list[float], x: float) -> None:
    assert same(add(of(a), x), merge(of(a), Moments(1, x, 0.0)), largest(a, [x]))


@given(samples, samples)
def test_the_whole_is_the_merge_of_its_parts(a: list[float], b: list[float]) -> None:
    assert same(merge(of(a), of(b)), of(a + b), largest(a, b))


@given(samples, values, values)
def test_replace_is_remove_then_add(a: list[float], old: float, new: float) -> None:
    sample = of([*a, old])
    assert same(replace(sample, old, new), add(remove(sample, old), new), largest(a, [old, new]))


@given(samples, values)
def test_remove_undoes_add(a: list[float], x: float) -> None:
    assert same(remove(add(of(a), x), x), of(a), largest(a, [x]))


@given(st.lists(st.integers(0, 10**9), max_size=40), st.integers(1, 1000))
def test_integer_sums_give_the_exact_moments_rounded_once(sample: list[int], divide_by: int) -> None:
    moments = from_sums(len(sample), sum(sample), sum(x * x for x in sample), divide_by)
    assume(sample)
    mean = Fraction(sum(sample), len(sample))
    assert moments.mean == float(mean / divide_by)
    assert moments.m2 == float(sum((x - mean) ** 2 for x in sample) / divide_by**2)


@pytest.mark.parametrize("sums", [(-1, 0, 0), (2, 10, 49), (0, 0, 1), (0, 3, 0)])
def test_sums_that_no_integers_have_are_refused(sums: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no sample"):
        from_sums(*sums)


def test_a_mean_far_from_zero_costs_integer_sums_no_digit() -> None:
    sample = [10**12 + x for x in (0, 1, 2)]
    assert from_sums(3, sum(sample), sum(x * x for x in sample)).m2 == 2.0


@pytest.mark.parametrize("n", [0, 1])
def test_the_variance_of_fewer_than_two_values_is_unknown(n: int) -> None:
    assert variance(of([3.0] * n)) is None


@pytest.mark.parametrize("change", [lambda: remove(EMPTY, 1.0), lambda: replace(EMPTY, 1.0, 2.0)])
def test_an_empty_sample_has_no_value_to_take_out(change: Callable[[], Moments]) -> None:
    with pytest.raises(ValueError, match="empty sample"):
        change()


@given(st.lists(values, min_size=1, max_size=30), st.lists(values, min_size=1, max_size=30))
def test_river_agrees_on_update_revert_and_merge(a: list[float], b: list[float]) -> None:
    left, right = Var(), Var()
    for value in a:
        left.update(value)
    for value in b:
        right.update(value)
    scale = largest(a, b)
    together, ours = left + right, merge(of(a), of(b))
    assert together.mean.get() == pytest.approx(ours.mean, abs=1e-9 * scale)
    if (spread := variance(ours)) is not None:
        assert together.get() == pytest.approx(spread, abs=1e-9 * scale * scale)
    right.revert(b[-1])
    assert right.mean.get() == pytest.approx(remove(of(b), b[-1]).mean, abs=1e-9 * scale)


def test_a_hundred_thousand_replacements_keep_the_variance() -> None:
    """Raw float sums lose every digit here; the stable replacement keeps eight."""
    draw = random.Random(7)
    sample = [1e6 + draw.random() for _ in range(1000)]
    moments = of(sample)
    for _ in range(100_000):
        at, new = draw.randrange(1000), 1e6 + draw.random()
        moments = replace(moments, sample[at], new)
        sample[at] = new
    mean = sum(map(Fraction, sample)) / 1000
    exact = sum((Fraction(x) - mean) ** 2 for x in sample) / 999
    assert variance(moments) == pytest.approx(float(exact), rel=1e-7)
    assert moments.mean == pytest.approx(fmean(sample), rel=1e-12)


def test_exact_state_equals_recomputation_after_many_updates() -> None:
    """Users' rounded means in deciseconds, kept by differences and computed from the beginning."""
    draw = random.Random(11)
    users: dict[int, tuple[int, int]] = {}
    n = total = squares = 0
    for _ in range(1_000_000):
        user, seconds = draw.randrange(500), draw.randrange(0, 86_400)
        before = users.get(user)
        old = in_units(*before, DECISECONDS) if before else 0
        spent, sessions = before or (0, 0)
        users[user] = spent + seconds, sessions + 1
        new = in_units(*users[user], DECISECONDS)
        n += before is None
        total += new - old
        squares += new * new - old * old
    exact = [Fraction(in_units(*row, DECISECONDS)) for row in users.values()]
    assert (n, total, squares) == (len(exact), sum(exact), sum(x * x for x in exact))
    mean = sum(exact) / n
    moments = from_sums(n, total, squares, divide_by=600)
    assert moments.mean == float(mean / 600)
    assert moments.m2 == float(sum((x - mean) ** 2 for x in exact) / 600**2)
