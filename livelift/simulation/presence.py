"""When simulated users are there and how long their sessions last: parts of population models, for any study.

All share a heavy-tailed number of sessions a user, a user's own typical duration, correlated with it, and log-normal
sessions around that. They differ in when the users are there:

*stationary*
    Everybody, all the time.
*entry*
    60 % enter in the course of the period and all may leave: the mix of users keeps changing.
*bursty*
    As *entry*, in bursts, with a drift of each user's durations and a common wave: sessions are far from independent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from livelift.event_time import DAY
from livelift.simulation.model import Floats, Integers

LONGEST = 1440.0
"""No session is longer, in minutes."""

BINS = 40
"""Pieces of a user's presence in which *bursty* bursts and drifts."""

NEW_SHARE = 0.2
"""Users without a pre-period."""


@dataclass(frozen=True, slots=True)
class People:
    """Per user: rate of sessions in a full period, mean log duration (minutes), entry and exit as shares of the period."""

    rate: Floats
    level: Floats
    enters: Floats
    leaves: Floats

    @property
    def present(self) -> Floats:
        return self.leaves - self.enters


@dataclass(frozen=True, slots=True)
class Usual:
    """A population's averages: sessions of a user who is there all the period, and the median session in minutes.

    `spread` is the standard deviation of users' log rates; `noise` that of a user's log durations.
    """

    sessions: float
    minutes: float
    spread: float = 1.1
    noise: float = 1.0


@dataclass(frozen=True, slots=True)
class Visits:
    """Sessions before anything but their length is known: (S,) `user`, `when` (a share of the period), `minutes`.

    `pre_share` and `pre_drift`: how many sessions of the rate, and how different durations, a user had in the pre-period.
    """

    people: People
    usual: Usual
    user: Integers
    when: Floats
    minutes: Floats
    pre_share: float = 1.0
    pre_drift: float = 0.0

    @property
    def users(self) -> int:
        return self.people.rate.size

    def start(self, days: int) -> Integers:
        """(S,), ms since the first instant of a period of `days`."""
        return np.minimum((self.when * days * DAY).astype(np.int64), days * DAY - 1)


def stationary(random: Generator, users: int, usual: Usual) -> Visits:
    """Everybody, all the time."""
    people = _people(random, users, usual)
    user = np.repeat(np.arange(users), random.poisson(people.rate))
    when = random.random(user.size)
    return Visits(people, usual, user, when, _minutes(random, people.level[user], usual.noise))


def entry(random: Generator, users: int, usual: Usual) -> Visits:
    """Users who come and go."""
    people = _with_entry(random, _people(random, users, usual))
    user = np.repeat(np.arange(users), random.poisson(1.9 * people.rate * people.present))
    when = people.enters[user] + people.present[user] * random.random(user.size)
    return Visits(people, usual, user, when, _minutes(random, people.level[user], usual.noise), pre_share=0.9)


def bursty(random: Generator, users: int, usual: Usual) -> Visits:
    """Users who come and go, in bursts, and whose durations drift."""
    people = _with_entry(random, _people(random, users, usual))
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
    minutes = _minutes(random, level, usual.noise)
    return Visits(people, usual, user, when, minutes, pre_share=0.9, pre_drift=0.4)


def pre_period(random: Generator, visits: Visits, length: float = 1.0) -> tuple[Integers, Integers]:
    """(U,) each: sessions of the pre-period, which is `length` periods long, and their seconds together."""
    people, users = visits.people, visits.users
    sessions = random.poisson(people.rate * visits.pre_share * length)
    sessions[random.random(users) < NEW_SHARE] = 0
    user = np.repeat(np.arange(users), sessions)
    level = people.level + visits.pre_drift * random.standard_normal(users)
    minutes = _minutes(random, level[user], visits.usual.noise)
    return sessions, np.bincount(user, np.round(60.0 * minutes), users).astype(np.int64)


def _people(random: Generator, users: int, usual: Usual) -> People:
    z, spread = random.standard_normal(users), usual.spread
    rate = usual.sessions * np.exp(spread * z - spread * spread / 2.0)
    level = np.log(usual.minutes) + 0.15 * spread * z + 0.5 * random.standard_normal(users)
    return People(rate, level, np.zeros(users), np.ones(users))


def _with_entry(random: Generator, people: People) -> People:
    users = people.rate.size
    late = random.random(users) < 0.6
    enters = np.where(late, random.random(users) * 0.7, 0.0)
    return People(people.rate, people.level, enters, np.minimum(1.0, enters + random.exponential(0.6, users)))


def _minutes(random: Generator, level: Floats, noise: float) -> Floats:
    return np.minimum(np.exp(level + noise * random.standard_normal(level.size)), LONGEST)
