"""Behaviour models of simulated users, including those that have fooled other tests.

All share a heavy-tailed number of sessions a user, a user's own typical duration, correlated with it, and log-normal
sessions around that. They differ in when the users are there:

*stationary*
    Everybody, all the time.
*entry*
    60 % enter in the course of the period and all may leave: the mix of users keeps changing.
*bursty*
    As *entry*, in bursts, with a drift of each user's durations and a common wave: sessions are far from independent.
*heavy*
    As *stationary* with a much heavier tail of sessions a user and of durations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from livelift.event_time import DAY

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LONGEST = 1440.0
"""No session is longer, in minutes."""

BINS = 40
"""Pieces of a user's presence in which the bursty regime bursts and drifts."""

NEW_SHARE = 0.2
"""Users without a pre-period."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of a population, before any effect. S sessions, U users.

    Attributes
    ----------
    user
        (S,), 0 … U − 1.
    start
        (S,), ms since the period's first instant.
    minutes
        (S,), duration.
    plays, skips, artists
        (S,), counts.
    skip_rate
        (U,), each user's probability to skip a play: for planting a worse one.
    pre_sessions, pre_seconds
        (U,), totals of the pre-period.
    """

    user: Integers
    start: Integers
    minutes: Floats
    plays: Integers
    skips: Integers
    artists: Integers
    skip_rate: Floats
    pre_sessions: Integers
    pre_seconds: Integers

    @property
    def users(self) -> int:
        return self.pre_sessions.size

    def where(self, kept: NDArray[np.bool_]) -> "Sessions":
        """These sessions only, of the same users."""
        return Sessions(
            self.user[kept], self.start[kept], self.minutes[kept], self.plays[kept], self.skips[kept],
            self.artists[kept], self.skip_rate, self.pre_sessions, self.pre_seconds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Population:
    """Per user: rate of sessions in a full period, mean log duration (minutes), entry and exit as shares of the period."""

    rate: Floats
    level: Floats
    enters: Floats
    leaves: Floats

    @property
    def present(self) -> Floats:
        return self.leaves - self.enters


def _population(random: Generator, users: int, spread: float) -> _Population:
    z = random.standard_normal(users)
    rate = 45.0 * np.exp(spread * z - spread * spread / 2.0)
    level = np.log(40.0) + 0.15 * spread * z + 0.5 * random.standard_normal(users)
    return _Population(rate, level, np.zeros(users), np.ones(users))


def _with_entry(random: Generator, people: _Population) -> _Population:
    users = people.rate.size
    late = random.random(users) < 0.6
    enters = np.where(late, random.random(users) * 0.7, 0.0)
    return _Population(people.rate, people.level, enters, np.minimum(1.0, enters + random.exponential(0.6, users)))


def _minutes(random: Generator, level: Floats, spread: float = 1.0) -> Floats:
    return np.minimum(np.exp(level + spread * random.standard_normal(level.size)), LONGEST)


def _stationary(random: Generator, users: int, days: int, spread: float = 1.1, noise: float = 1.0) -> Sessions:
    people = _population(random, users, spread)
    user = np.repeat(np.arange(users), random.poisson(people.rate))
    when = random.random(user.size)
    return _complete(random, people, user, when, _minutes(random, people.level[user], noise), days, noise)


def _heavy(random: Generator, users: int, days: int) -> Sessions:
    return _stationary(random, users, days, spread=1.6, noise=1.4)


def _entry(random: Generator, users: int, days: int) -> Sessions:
    people = _with_entry(random, _population(random, users, 1.1))
    user = np.repeat(np.arange(users), random.poisson(1.9 * people.rate * people.present))
    when = people.enters[user] + people.present[user] * random.random(user.size)
    return _complete(random, people, user, when, _minutes(random, people.level[user]), days, pre_share=0.9)


def _bursty(random: Generator, users: int, days: int) -> Sessions:
    people = _with_entry(random, _population(random, users, 1.1))
    user = np.repeat(np.arange(users), random.poisson(1.9 * people.rate * people.present))
    weights = random.gamma(0.3, 1.0, (users, BINS))
    edges = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    edges[:, -1] = 1.0
    at = (edges[user] < random.random(user.size)[:, None]).sum(axis=1)
    when = people.enters[user] + people.present[user] * (at + random.random(user.size)) / BINS
    drift = np.empty((users, BINS))
    drift[:, 0] = 0.4 * random.standard_normal(users)
    for piece in range(1, BINS):
        fresh = 0.4 * np.sqrt(1.0 - 0.9**2) * random.standard_normal(users)
        drift[:, piece] = 0.9 * drift[:, piece - 1] + fresh
    level = people.level[user] + drift[user, at] + 0.15 * np.sin(6.0 * np.pi * when)
    return _complete(random, people, user, when, _minutes(random, level), days, pre_share=0.9, pre_drift=0.4)


def _complete(
    random: Generator,
    people: _Population,
    user: Integers,
    when: Floats,
    minutes: Floats,
    days: int,
    noise: float = 1.0,
    pre_share: float = 1.0,
    pre_drift: float = 0.0,
) -> Sessions:
    """Sessions at `when` (shares of the period) with what was played in them, and the pre-period."""
    users = people.rate.size
    skip_rate = np.minimum(np.exp(np.log(0.025) + 0.95 * random.standard_normal(users)), 0.7)
    tastes = 1.5 * np.exp(0.5 * random.standard_normal(users))
    plays = 1 + random.poisson(minutes / 4.0)
    pre_sessions = random.poisson(people.rate * pre_share)
    pre_sessions[random.random(users) < NEW_SHARE] = 0
    pre_user = np.repeat(np.arange(users), pre_sessions)
    pre_level = people.level + pre_drift * random.standard_normal(users)
    pre_minutes = _minutes(random, pre_level[pre_user], noise)
    return Sessions(
        user=user,
        start=np.minimum((when * days * DAY).astype(np.int64), days * DAY - 1),
        minutes=minutes,
        plays=plays,
        skips=random.binomial(plays, skip_rate[user]),
        artists=np.minimum(plays, 1 + random.poisson(tastes[user])),
        skip_rate=skip_rate,
        pre_sessions=pre_sessions,
        pre_seconds=np.bincount(pre_user, np.round(60.0 * pre_minutes), users).astype(np.int64),
    )


REGIMES: dict[str, Callable[[Generator, int, int], Sessions]] = {
    "stationary": _stationary,
    "entry": _entry,
    "bursty": _bursty,
    "heavy": _heavy,
}
"""Name → (random, users, days) → sessions."""


def with_worse_skips(random: Generator, sessions: Sessions, treated: NDArray[np.bool_], worse: float) -> Sessions:
    """The sessions with treated users skipping (1 + `worse`) times as often, drawn anew for them."""
    rate = np.minimum(sessions.skip_rate * np.where(treated, 1.0 + worse, 1.0), 1.0)
    again = random.binomial(sessions.plays, rate[sessions.user])
    skips = np.where(treated[sessions.user], again, sessions.skips)
    return Sessions(
        sessions.user, sessions.start, sessions.minutes, sessions.plays, skips, sessions.artists,
        sessions.skip_rate, sessions.pre_sessions, sessions.pre_seconds,
    )  # fmt: skip
