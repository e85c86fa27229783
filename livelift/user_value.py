"""A user's value in integer units: exact to add, in any order, for ever (`statistics.md`, "What each session updates").

Durations in deciseconds, rates and means of counts in millionths, counts as they are; halves round up.
"""

from math import floor, log


def mean_deciseconds(seconds: int, sessions: int) -> int:
    """The mean of `seconds` over `sessions`, in deciseconds.

    >>> mean_deciseconds(100, 3)
    333
    """
    return (20 * seconds + sessions) // (2 * sessions)


def millionths(numerator: int, denominator: int) -> int:
    """`numerator` / `denominator` in millionths.

    >>> millionths(1, 3)
    333333
    """
    return (2_000_000 * numerator + denominator) // (2 * denominator)


def _round_half_away(value: float) -> int:
    return floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def duration_covariate(seconds: int, sessions: int, prior_seconds: int) -> int:
    """1000 · ln of the shrunk pre-period mean duration relative to the prior: 0 without earlier sessions.

    round(1000 · ln((S₀ + 3 m₀) / ((N₀ + 3) m₀))), halves away from zero.

    >>> duration_covariate(0, 0, 2700)
    0
    """
    return _round_half_away(1000 * log((seconds + 3 * prior_seconds) / ((sessions + 3) * prior_seconds)))


def count_covariate(sessions: int) -> int:
    """1000 · ln(N₀ + 1), halves away from zero."""
    return _round_half_away(1000 * log(sessions + 1))
