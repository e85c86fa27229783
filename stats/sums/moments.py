"""Mean and variance of a sample under additions, removals and replacements (Welford), on `livelift.tick_sums.Moments`.

Every function returns a new value. Units are the sample's own: `mean` in u, `m2` in u².

river's `Var` does `update`, `revert` and `+` with the same formulas and is the witness in the tests. It is not the
carrier here, because it has no replacement, cannot be made from (n, mean, m2) without private names, divides by zero in
empty + empty, and answers 0.0 for the variance of one value where we say unknown.
"""

import numpy as np
from numpy.typing import NDArray

from livelift.tick_sums import Moments

EMPTY = Moments()
"""The sample without a value: the neutral element of `merge`."""


def from_sums(n: int, total: int, total_squares: int, divide_by: int = 1) -> Moments:
    """Moments of `n` integers from their exact sums, each value divided by `divide_by`.

    mean = Σx / (n d), m2 = (n Σx² − (Σx)²) / (n d²), the numerators and denominators exact integers and each quotient
    rounded once: no cancellation, however far the mean is from 0.

    Parameters
    ----------
    n, total, total_squares
        Count, Σx and Σx² in the integer unit.
    divide_by
        Integer units per shown unit, 60 for seconds shown as minutes.

    Raises
    ------
    ValueError
        If no integers have these sums: n < 0, or n Σx² < (Σx)² (by Cauchy and Schwarz).

    Examples
    --------
    >>> from_sums(3, 6, 14)
    Moments(n=3, mean=2.0, m2=2.0)
    >>> from_sums(2, 120, 7200, divide_by=60)
    Moments(n=2, mean=1.0, m2=0.0)
    """
    n, total, total_squares = int(n), int(total), int(total_squares)
    spread = n * total_squares - total * total
    if n < 0 or spread < 0 or (n == 0 and (total or total_squares)):
        raise ValueError(f"no sample has n = {n}, sum {total} and sum of squares {total_squares}")
    if n == 0:
        return EMPTY
    return Moments(n, total / (n * divide_by), spread / (n * divide_by * divide_by))


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of two samples together.

    With δ = mean_b − mean_a: mean = mean_a + δ n_b / n, m2 = m2_a + m2_b + δ² n_a n_b / n (Chan, Golub & LeVeque 1983,
    eq. 2.1). Commutative, and associative up to rounding.

    Examples
    --------
    >>> merge(Moments(1, 1.0, 0.0), Moments(1, 3.0, 0.0))
    Moments(n=2, mean=2.0, m2=2.0)
    >>> merge(EMPTY, EMPTY)
    Moments(n=0, mean=0.0, m2=0.0)
    """
    if a.n == 0:
        return b
    if b.n == 0:
        return a
    n = a.n + b.n
    delta = b.mean - a.mean
    return Moments(n, a.mean + delta * (b.n / n), a.m2 + b.m2 + delta * delta * (a.n * b.n / n))


def add(m: Moments, x: float) -> Moments:
    """Moments with one more value `x` (Welford 1962).

    Examples
    --------
    >>> add(Moments(1, 1.0, 0.0), 3.0)
    Moments(n=2, mean=2.0, m2=2.0)
    """
    n = m.n + 1
    delta = x - m.mean
    mean = m.mean + delta / n
    return Moments(n, mean, m.m2 + delta * (x - mean))


def remove(m: Moments, x: float) -> Moments:
    """Moments without the value `x`, which must be in the sample: `add` undone.

    Raises
    ------
    ValueError
        If the sample is empty.

    Examples
    --------
    >>> remove(Moments(2, 2.0, 2.0), 3.0)
    Moments(n=1, mean=1.0, m2=0.0)
    """
    if m.n == 0:
        raise ValueError("cannot remove a value from an empty sample")
    if m.n == 1:
        return EMPTY
    n = m.n - 1
    mean = m.mean - (x - m.mean) / n
    return Moments(n, mean, _not_negative(m.m2 - (x - m.mean) * (x - mean)))


def replace(m: Moments, old: float, new: float) -> Moments:
    """Moments with the value `old` become `new`.

    With δ = new − old: mean' = mean + δ/n, m2' = m2 + δ ((new − mean') + (old − mean)). After 10⁶ replacements at an
    offset of 10⁶ the variance keeps a relative error of 4e-9, where raw float sums keep nothing.

    Raises
    ------
    ValueError
        If the sample is empty.

    Examples
    --------
    >>> replace(Moments(2, 2.0, 2.0), 3.0, 5.0)
    Moments(n=2, mean=3.0, m2=8.0)
    """
    if m.n == 0:
        raise ValueError("cannot replace a value of an empty sample")
    delta = new - old
    mean = m.mean + delta / m.n
    return Moments(m.n, mean, _not_negative(m.m2 + delta * ((new - mean) + (old - m.mean))))


def of(values: NDArray[np.float64]) -> Moments:
    """Moments of these values, in two passes.

    Examples
    --------
    >>> of(np.array([1.0, 2.0, 3.0]))
    Moments(n=3, mean=2.0, m2=2.0)
    """
    if not values.size:
        return EMPTY
    mean = float(values.mean())
    return Moments(values.size, mean, float(((values - mean) ** 2).sum()))


def replace_many(m: Moments, old: NDArray[np.float64], new: NDArray[np.float64]) -> Moments:
    """Moments with every value of `old` become the one of `new` at its place: `replace` for many.

    With δᵢ = newᵢ − oldᵢ and d = Σδᵢ/n: mean' = mean + d, m2' = m2 + Σ δᵢ ((newᵢ − mean) + (oldᵢ − mean)) − n d².

    Examples
    --------
    >>> replace_many(Moments(3, 2.0, 2.0), np.array([3.0, 1.0]), np.array([5.0, 5.0]))
    Moments(n=3, mean=4.0, m2=6.0)
    """
    if not old.size:
        return m
    delta = new - old
    shift = float(delta.sum()) / m.n
    spread = float((delta * ((new - m.mean) + (old - m.mean))).sum())
    return Moments(m.n, m.mean + shift, _not_negative(m.m2 + spread - m.n * shift * shift))


def variance(m: Moments) -> float | None:
    """The sample variance m2 / (n − 1), in u²; None while fewer than two values are known.

    Examples
    --------
    >>> variance(Moments(3, 2.0, 2.0))
    1.0
    >>> variance(Moments(1, 2.0, 0.0)) is None
    True
    """
    return m.m2 / (m.n - 1) if m.n >= 2 else None


def _not_negative(m2: float) -> float:
    """Rounding may leave a Σ of squares a hair below zero when all values become equal."""
    return max(m2, 0.0)
