"""A user's value in integer units: exact to add, in any order, for ever.

Durations in deciseconds, rates and means of counts in millionths, counts as they are; halves round up.
"""

from math import floor, log
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

DECISECONDS = 10
MILLIONTHS = 1_000_000
"""Integer units per raw unit."""

Whole = TypeVar("Whole", int, NDArray[np.int64])


def in_units(numerator: Whole, denominator: Whole, scale: Whole) -> Whole:
    """`numerator` / `denominator` in `scale` units per raw unit.

    >>> in_units(1, 2, 1)
    1
    """
    return (2 * scale * numerator + denominator) // (2 * denominator)


def mean_deciseconds(seconds: int, sessions: int) -> int:
    """The mean of `seconds` over `sessions`, in deciseconds.

    >>> mean_deciseconds(100, 3)
    333
    """
    return in_units(seconds, sessions, DECISECONDS)


def millionths(numerator: int, denominator: int) -> int:
    """`numerator` / `denominator` in millionths.

    >>> millionths(1, 3)
    333333
    """
    return in_units(numerator, denominator, MILLIONTHS)


def _round_half_away(value: float) -> int:
    return floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def duration_covariate(seconds: int, sessions: int, prior_seconds: int) -> int:
    """1000 · ln of the shrunk pre-period mean duration relative to the prior: 0 without earlier sessions.

    round(1000 · ln((S₀ + 3 m₀) / ((N₀ + 3) m₀))), halves away from zero.

    >>> duration_covariate(0, 0, 2700)
    0
    """
    return _round_half_away(1000 * log((seconds + 3 * prior_seconds) / ((sessions + 3) * prior_seconds)))


def sum_covariate(seconds: int, prior_seconds: int) -> int:
    """1000 · ln(S₀/m₀ + 1), halves away from zero: what a user's sum over the pre-period says of a sum over the period.

    >>> sum_covariate(0, 2700), sum_covariate(2700, 2700)
    (0, 693)
    """
    return _round_half_away(1000 * log(seconds / prior_seconds + 1))


def count_covariate(sessions: int) -> int:
    """1000 · ln(N₀ + 1), halves away from zero."""
    return _round_half_away(1000 * log(sessions + 1))
