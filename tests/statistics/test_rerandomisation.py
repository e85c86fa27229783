"""The re-randomisation test against a slow, plain implementation."""

import time
from hashlib import shake_256
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from livelift.errors import StateError
from stats.estimates.user_means import log_lift
from stats.sequential.boundaries import harm_spending
from stats.sequential.rerandomisation import Tail, advance, bits_of, draw_matrix, drawn_sums, statistics
from tests.statistics.support import Integers, bucketed, rows


def test_a_draw_is_the_bit_of_the_named_hash_little_endian() -> None:
    number = int.from_bytes(shake_256(b"salt:flip:7").digest(250), "little")
    expected = [0] + [number >> bit & 1 for bit in range(1, 2000)]
    assert bits_of("salt", 7, 2000).tolist() == expected
    assert draw_matrix("salt", 16, 2000)[:, 7].tolist() == expected


def _population(users: int = 300, buckets: int = 32) -> tuple[Integers, NDArray[np.bool_], Integers]:
    random = np.random.default_rng(3)
    y = random.integers(1, 5000, users)
    x = random.integers(-900, 900, users)
    treated = random.random(users) < 0.5
    bucket = random.integers(0, buckets, users)
    return rows(y, x), treated, bucket


def test_exchanging_sums_moves_the_users_of_the_exchanged_buckets() -> None:
    user_rows, treated, bucket = _population()
    matrix = draw_matrix("salt", 32, 50)
    control, treatment = drawn_sums(matrix, bucketed(user_rows, treated, bucket, 32))
    for draw in range(50):
        now = treated ^ matrix[draw, bucket].astype(bool)
        assert treatment[draw].tolist() == user_rows[now].sum(axis=0).tolist()
        assert control[draw].tolist() == user_rows[~now].sum(axis=0).tolist()


def test_draw_zero_is_what_happened() -> None:
    user_rows, treated, bucket = _population()
    sums = bucketed(user_rows, treated, bucket, 32)
    z = statistics(draw_matrix("salt", 32, 50), sums, 50)
    assert z[0] == round(float(log_lift(sums[0].sum(axis=0), sums[1].sum(axis=0), 50).z), 9)


def test_many_looks_at_once_are_the_looks_one_by_one() -> None:
    user_rows, treated, bucket = _population()
    looks = np.stack([bucketed(user_rows[:some], treated[:some], bucket[:some], 32) for some in (120, 200, 300)])
    matrix = draw_matrix("salt", 32, 50)
    together = statistics(matrix, looks, 50)
    assert together.shape == (3, 50)
    assert np.array_equal(together, np.stack([statistics(matrix, look, 50) for look in looks]), equal_nan=True)


@pytest.mark.parametrize("bits", [20, 51, 54, 60, 68])
def test_the_product_is_exact_for_sums_of_any_size(bits: int) -> None:
    """Beyond 2⁵³ a float64 product alone would round, beyond 2⁶³ an int64 sum would wrap: rounded once, at the end."""
    random = np.random.default_rng(bits)
    sums = random.integers(-(2 ** (bits - 7)), 2 ** (bits - 7), (2, 64, 6))
    matrix = draw_matrix("salt", 64, 40)
    _, treatment = drawn_sums(matrix, sums)
    for draw in range(40):
        expected = [
            float(sum(int(sums[1 - int(matrix[draw, g]), g, column]) for g in range(64))) for column in range(6)
        ]  # an exchanged bucket gives treatment its control users
        assert treatment[draw].tolist() == expected


def test_sums_of_a_bucket_that_cannot_be_cut_exactly_are_refused() -> None:
    sums = np.full((2, 64, 6), 2**62, dtype=np.int64)
    with pytest.raises(StateError, match="too large to be exchanged"):
        drawn_sums(draw_matrix("salt", 64, 40), sums)


def test_an_arm_below_the_minimum_makes_its_draw_missing() -> None:
    user_rows, treated, bucket = _population(users=102)
    z = statistics(draw_matrix("salt", 32, 200), bucketed(user_rows, treated, bucket, 32), 50)
    sizes = drawn_sums(draw_matrix("salt", 32, 200), bucketed(user_rows, treated, bucket, 32))
    small = np.minimum(sizes[0][:, 0], sizes[1][:, 0]) < 50
    assert small.any() and not small.all()
    assert np.array_equal(np.isnan(z), small)


def _slow_look(scores: list[float], alive: set[int], used: int, spent: float) -> tuple[set[int], int]:
    """The boundary as docs/10-statistics.md describes it, written out as plain loops."""
    m = floor(spent * sum(not np.isnan(score) for score in scores) + 1e-9) - used
    if m <= 0:
        return alive, used
    running = [b for b in alive if not np.isnan(scores[b])]
    cross = {b for b in running if sum(scores[j] >= scores[b] for j in running) <= m}
    return alive - cross, used + len(cross)


scores_of_a_look = st.lists(st.sampled_from([float("nan"), -1.0, 0.0, 0.5, 1.0, 2.0, 3.0]), min_size=40, max_size=40)


@given(st.lists(scores_of_a_look, min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_the_tail_is_the_specification_word_for_word(looks: list[list[float]], alpha: float) -> None:
    """Ties, missing values and all."""
    tail, alive, used, crossed = Tail.of(40), set(range(40)), 0, None
    for number, scores in enumerate(looks, start=1):
        spent = float(harm_spending(np.array(number / len(looks)), alpha))
        tail, _ = advance(tail, np.array(scores), spent, number)
        before = 0 in alive
        alive, used = _slow_look(scores, alive, used, spent)
        crossed = number if before and 0 not in alive else crossed
        assert set(np.flatnonzero(tail.living(40)).tolist()) == alive
        assert (tail.used, tail.crossed_at) == (used, crossed)


def test_a_missed_look_is_made_up_for_by_the_next() -> None:
    scores = np.arange(100.0)[::-1]  # path 0 the most extreme
    once, _ = advance(Tail.of(100), scores, 0.10, 2)
    first, _ = advance(Tail.of(100), scores, 0.05, 1)
    twice, _ = advance(first, scores, 0.10, 2)
    assert once.used == twice.used == 10
    assert once.alive == twice.alive


def test_crossing_is_rank_within_the_allowed() -> None:
    random = np.random.default_rng(2)
    outcomes = set()
    for _ in range(50):
        tail, crossing = advance(Tail.of(40), random.standard_normal(40), 0.5, 1)
        assert crossing.rank is not None
        assert (tail.crossed_at == 1) == (crossing.rank <= crossing.allowed)
        outcomes.add(tail.crossed_at)
    assert outcomes == {1, None}


def test_never_more_draws_cross_than_the_error_allows() -> None:
    random = np.random.default_rng(8)
    tail = Tail.of(2000)
    for look in range(1, 62):
        tail, _ = advance(tail, random.standard_normal(2000), 0.025 * look / 61, look)
        assert tail.used <= 0.025 * look / 61 * 2000
    assert tail.used == 50


def test_under_the_sharp_null_a_tail_crosses_as_often_as_it_may() -> None:
    """2,000 experiments of 64 users without any effect, 4 looks, α 0.2: exact, so a binomial decides."""
    random = np.random.default_rng(17)
    crossed = 0
    for _ in range(2000):
        matrix = np.vstack([np.zeros(16), random.integers(0, 2, (63, 16)).astype(float)])
        user_rows = rows(random.integers(1, 4000, 64))
        treated, bucket = random.random(64) < 0.5, random.integers(0, 16, 64)
        tail = Tail.of(64)
        for look, users in enumerate((16, 32, 48, 64), start=1):
            sums = bucketed(user_rows[:users], treated[:users], bucket[:users], 16)
            tail, _ = advance(tail, statistics(matrix, sums, 2), 0.2 * look / 4, look)
        crossed += tail.crossed_at is not None
    # α·64 = 12.8: 12 of 64 may cross, 0.1875; the standard error is 0.0087.
    assert abs(crossed / 2000 - 12 / 64) < 4 * 0.0087


def test_a_look_of_2000_draws_and_1024_buckets_is_under_100_ms() -> None:
    user_rows, treated, bucket = _population(users=1000, buckets=1024)
    sums, matrix = bucketed(user_rows, treated, bucket, 1024), draw_matrix("salt", 1024, 2000)
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        advance(Tail.of(2000), statistics(matrix, sums, 50), 0.01, 5)
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.1


@pytest.mark.parametrize(("buckets", "draws"), [(0, 10), (10, 0)])
def test_draws_of_nothing_are_refused(buckets: int, draws: int) -> None:
    with pytest.raises(ValueError, match="buckets and draws"):
        draw_matrix("salt", buckets, draws)
