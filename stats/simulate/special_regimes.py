"""Further behaviour models, each behind a fault that was fixed (few users, attrition, extremes, effects that turn).

*few*
    As *stationary* with 100 to 150 users: many re-assignments leave an arm below the minimum of 50.
*extreme*
    As *stationary* with one user whose sessions last 300 times as long.
*rare_skips*
    As *stationary* with 19 of 20 users who never skip: the guardrail is 0 for nearly everybody.
*long*
    As *stationary* over 400 days: the first looks release less error than a float64 holds.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stats.simulate.regimes import REGIMES, Sessions

EXTREME = 300.0
NEVER_SKIP = 0.95

USERS_OF = {"few": (100, 150)}
"""Regime → the bounds of its number of users, drawn for each experiment; the others have as many as asked for."""

DAYS_OF = {"long": 400}
"""Regime → days of its period; the others have the study's."""


FEWER = {"long": 5}
"""Regime → by how much fewer experiments of it are enough: one of 400 looks takes as long as six others."""


def _stationary(random: Generator, users: int, days: int) -> Sessions:
    return REGIMES["stationary"](random, users, days)


def _extreme(random: Generator, users: int, days: int) -> Sessions:
    sessions = _stationary(random, users, days)
    return replace(sessions, minutes=np.where(sessions.user == 0, EXTREME, 1.0) * sessions.minutes)


def _rare_skips(random: Generator, users: int, days: int) -> Sessions:
    sessions = _stationary(random, users, days)
    never = random.random(users) < NEVER_SKIP
    return replace(
        sessions,
        skips=np.where(never[sessions.user], 0, sessions.skips),
        skip_rate=np.where(never, 0.0, sessions.skip_rate),
    )


SPECIAL: dict[str, Callable[[Generator, int, int], Sessions]] = {
    "few": _stationary,
    "extreme": _extreme,
    "rare_skips": _rare_skips,
    "long": _stationary,
}
"""Name → (random, users, days) → sessions."""

ALL = REGIMES | SPECIAL


def users_of(regime: str, random: Generator, asked: int) -> int:
    """How many users an experiment of the regime has."""
    if regime not in USERS_OF:
        return asked
    least, most = USERS_OF[regime]
    return int(random.integers(least, most + 1))


def with_leaving(random: Generator, sessions: Sessions, treated: NDArray[np.bool_], share: float) -> Sessions:
    """The sessions without those of a `share` of the treated users after their first one: they left."""
    leaves = treated & (random.random(sessions.users) < share)
    order = np.lexsort((sessions.start, sessions.user))
    first = np.zeros(sessions.user.size, dtype=np.bool_)
    user = sessions.user[order]
    first[order[np.concatenate([[True], user[1:] != user[:-1]])]] = True
    return sessions.where(first | ~leaves[sessions.user])
