"""What a user's pre-period says of the user's value in the period: integers, frozen since the period opened."""

from math import floor, log


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
