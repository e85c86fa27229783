"""Distributions of listening as quantile tables: entry i of n is the value at probability (i + ½) / n.

The constants come from the published totals of the Last.fm 1K data and 5,000 real rows of one user; where
a comment says *tuned*, the generated file was measured and the constant moved until the figure was met.
"""

from functools import cache
from math import ceil, erfc, hypot, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from studies.lastfm.generator.randomness import SIZE, Ints

GAP_LIMIT = 1_800
"""Seconds: the longest gap inside a session; one second more starts the next."""

SHORT_SHARE = 0.0427
"""Of the gaps inside sessions under 30 s: 4.0 % of all gaps, of which 93.6 % lie inside sessions."""

_ZERO_SHARE_OF_SHORT = 0.895  # 3.3 of 4.0, and more because of two zeros in a row the second becomes 1 s (tuned)

# (probability among all gaps, seconds): the published quantiles from the 30 s of a skip to the end of a session.
_LONG_GAPS = ((0.040, 29.5), (0.050, 48), (0.250, 210), (0.500, 282), (0.750, 387), (0.900, 634), (0.936, 1_800))

# Plays of a session are Weibull, almost geometric: shape and scale give 7 % of one-play sessions, a mean of 15.5 plays
# and, times the mean gap, session lengths of 4 / 17 / 46 min at 10 / 25 / 50 % (tuned).
_PLAYS_SHAPE, _PLAYS_SCALE, _PLAYS_LIMIT = 0.98, 14.8, 285

_SCORE_LIMIT = 8_000  # thousandths of a standard deviation: scores are clipped to ± this

# A session's score weighs three standard normals: the user's, that of the user's season, and its own; the squares add up
# to 1. As in the regime *stationary* of `livelift/simulation/presence.py` users differ by about half as much as the sessions of one user, and the
# seasons leave CUPED about as much to gain as there: a standard error of 0.035 to 0.04 with 1,000 users (tuned).
_USER_WEIGHT, _SEASON_WEIGHT, _SESSION_WEIGHT = 480, 480, 734  # thousandths

# Relative chance that a session starts in each local hour: the night at a fifteenth of the evening.
_HOURS = (
    0.55, 0.35, 0.20, 0.12, 0.10, 0.12, 0.20, 0.40, 0.65, 0.80, 0.90, 0.95,
    1.00, 1.05, 1.10, 1.15, 1.20, 1.25, 1.30, 1.35, 1.45, 1.50, 1.35, 0.95,
)  # fmt: skip

_MEAN_REST = 2_400  # seconds beyond the 30 min after a session whose successor was wanted earlier


def _probabilities(size: int = SIZE) -> NDArray[np.float64]:
    return (np.arange(size) + 0.5) / size


@cache
def short_gaps() -> Ints:
    """Seconds of a gap under 30 s: mostly 0, else 1 … 29."""
    nonzero = (_probabilities() - _ZERO_SHARE_OF_SHORT) / (1 - _ZERO_SHARE_OF_SHORT)
    return np.array(np.maximum(0, np.ceil(nonzero * 29)), dtype=np.int64)


@cache
def long_gaps() -> Ints:
    """Seconds of a gap of 30 s or more inside a session, log-linear between the published quantiles."""
    share, seconds = np.array(_LONG_GAPS).T
    within = (share - share[0]) / (share[-1] - share[0])
    return np.array(np.rint(np.exp(np.interp(_probabilities(), within, np.log(seconds)))), dtype=np.int64)


@cache
def normal_scores() -> Ints:
    """Standard normal in thousandths, 4,096 entries (to ± 3.67 standard deviations)."""
    inverse = NormalDist().inv_cdf
    return np.array([round(1_000 * inverse(p)) for p in _probabilities(4_096)], dtype=np.int64)


@cache
def plays_by_score() -> Ints:
    """Plays of a session whose score is index − 8,000 thousandths: ⌈scale · (−ln(1 − Φ))^(1 / shape)⌉."""
    scores = (score / 1_000 for score in range(-_SCORE_LIMIT, _SCORE_LIMIT + 1))
    tails = (0.5 * erfc(score / sqrt(2)) for score in scores)
    plays = (ceil(_PLAYS_SCALE * (-log(tail)) ** (1 / _PLAYS_SHAPE)) for tail in tails)
    return np.array([min(max(1, count), _PLAYS_LIMIT) for count in plays], dtype=np.int64)


def habit(user: Ints, season: Ints) -> Ints:
    """A session's score before its own part, in millionths, from those of the user and the user's season."""
    return _USER_WEIGHT * user + _SEASON_WEIGHT * season


def session_plays(habit: Ints, session: Ints) -> Ints:
    """Plays of sessions from their `habit` and their own scores."""
    return _plays_at(habit + _SESSION_WEIGHT * session)


def mean_plays(user: Ints) -> NDArray[np.float64]:
    """Expected plays of a session of users with these scores."""
    scores = normal_scores()[8::16]  # 256 equally likely ones are plenty for a mean
    spread = round(hypot(_SEASON_WEIGHT, _SESSION_WEIGHT)) * scores
    plays = _plays_at(_USER_WEIGHT * user[:, None] + spread[None, :])
    return np.array(plays.mean(axis=1))


def _plays_at(millionths: Ints) -> Ints:
    score = np.clip(millionths // 1_000, -_SCORE_LIMIT, _SCORE_LIMIT)
    return np.array(plays_by_score()[score + _SCORE_LIMIT])


@cache
def day_seconds() -> Ints:
    """Local second of the day at which a session starts."""
    share = np.concatenate(([0.0], np.cumsum(_HOURS))) / sum(_HOURS)
    return np.array(np.interp(_probabilities(), share, np.arange(25) * 3_600.0), dtype=np.int64)


@cache
def rests() -> Ints:
    """Seconds between a session's end and the earliest next start: more than `GAP_LIMIT`, exponential beyond it."""
    return GAP_LIMIT + 1 + np.array(-_MEAN_REST * np.log(1 - _probabilities()), dtype=np.int64)
