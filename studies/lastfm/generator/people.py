"""Generates users: a heavy-tailed activity rate, a typical session length, habits, a time zone and a first day."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from livelift.errors import SettingsError
from studies.lastfm.generator.calendar import Calendar
from studies.lastfm.generator.randomness import SIZE, Floats, Ints, stream
from studies.lastfm.generator.tables import SHORT_SHARE, mean_plays

# As in the simulated regimes (`livelift/simulation/presence.py`): log rate with sd 1.1; log duration with sd 0.5 a user and 1 a session,
# and 0.15 of the log rate in it.
_RATE_SD, _LENGTH_SD, _LENGTH_OF_RATE = 1.1, 0.5, 0.15

_JOIN_POWER = 0.7  # of the chance that somebody joins by a day: more join late
_NEW_SHARE, _NEW_DAYS = 0.2, (-10, 40)  # who joins in these days about the period's start and has hardly a past
_SHORT_GAP_SD, _SHORT_GAP_LIMIT = 0.9, 0.4  # some skip a lot: log sd of a user's share of short gaps, and its cap
_SWITCH, _SWITCH_SD, _SWITCH_LIMIT = 0.144, 0.5, 0.8  # chance of another artist after a play: 2.9 a session (tuned)
_REPERTOIRE_POWER = 0.7  # artists a user knows grow as plays to this
_ZONES = (-8, -5, -5, -3, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 9)  # hours east of Greenwich, equally likely

_BUSIEST = 0.6  # share of the clock that sessions and the rests between them may fill
_MEAN_GAP, _MEAN_REST = 300, 4_200  # seconds, for that share


FEW = 20
"""Fewer users are too few to be made average as a whole; all of them are there from the first day."""


@dataclass(frozen=True, slots=True)
class People:
    """One entry a user, in the order of their ids.

    Attributes
    ----------
    first
        The first second of the user in the file, since 1970.
    sessions
        Expected sessions between `first` and the calendar's end.
    score
        The user's part of a session's score, thousandths of a unit normal.
    zone
        Seconds east of Greenwich.
    short_gaps, switches
        Chances in 1/65,536: a gap is under 30 s; the next play is of another artist.
    repertoire
        Artists the user knows.
    """

    first: Ints
    sessions: Floats
    score: Ints
    zone: Ints
    short_gaps: Ints
    switches: Ints
    repertoire: Ints

    def __len__(self) -> int:
        return len(self.first)


def make_people(events: int, users: int, calendar: Calendar, seed: int) -> People:
    """`users` people who together are expected to play `events` times.

    Raises
    ------
    SettingsError
        If so few people cannot play so often in the whole calendar.
    """
    rng = stream(seed, 0)
    rate, own_length, skipping, curiosity = rng.standard_normal((4, users))
    first = _first_days(users, calendar, rng) * 86_400
    present = calendar.end * 86_400 - first

    weight = np.exp(_RATE_SD * rate) * present
    score = _centred(_LENGTH_OF_RATE * _RATE_SD * rate + _LENGTH_SD * own_length, weight)
    plays = mean_plays(score)
    sessions = _sessions(events, weight, plays, _BUSIEST * present / (plays * _MEAN_GAP + _MEAN_REST))
    total = sessions * plays
    short = np.exp(_SHORT_GAP_SD * skipping)
    switch = np.exp(_SWITCH_SD * curiosity)
    return People(
        first=first.astype(np.int64),
        sessions=np.round(sessions, 6),
        score=score,
        zone=rng.choice(_ZONES, users) * 3_600,
        short_gaps=_chances(SHORT_SHARE * short / np.average(short, weights=total), _SHORT_GAP_LIMIT),
        switches=_chances(_SWITCH * switch / np.average(switch, weights=total), _SWITCH_LIMIT),
        repertoire=8 + np.rint(total**_REPERTOIRE_POWER).astype(np.int64),
    )


def _first_days(users: int, calendar: Calendar, rng: np.random.Generator) -> Floats:
    """Day on which each user joins, or the calendar's first one for who joined before it."""
    early, late = (calendar.period_first + days for days in _NEW_DAYS)
    chance, day = rng.random((2, users))
    if users < FEW:
        return np.full(users, float(calendar.first))
    joined: Floats = np.where(
        chance < _NEW_SHARE,
        early + (late - early) * day,
        calendar.published_first + (early - calendar.published_first) * day**_JOIN_POWER,
    )
    return np.maximum(calendar.first, joined)


def _centred(values: Floats, weight: Floats) -> Ints:
    """`values` as thousandths of a standard deviation about 0, both over sessions: heavy users count as they will.

    Without this a handful of users, who hold most sessions, would set the whole file's session lengths. A few users
    have no deviation to speak of and keep the expected one.
    """
    if len(values) < FEW:
        deviation = sqrt(_LENGTH_SD**2 + (_LENGTH_OF_RATE * _RATE_SD) ** 2)
        return np.rint(1_000 * values / deviation).astype(np.int64)
    centred = values - np.average(values, weights=weight)
    deviation = sqrt(np.average(centred**2, weights=weight))
    return np.rint(1_000 * centred / deviation).astype(np.int64)


def _sessions(events: int, weight: Floats, plays: Floats, most: Floats) -> Floats:
    """Sessions in proportion to `weight`, no more than `most`, that together hold `events` plays."""
    if most @ plays < events:
        raise SettingsError(
            f"cannot fit {events:,} plays into the days of so few users ({len(weight):,})",
            f"ask for at most {int(most @ plays):,} events, or for more users",
        )
    low, high = 0.0, float((most / weight).max())
    for _ in range(100):  # bisection: the total rises with the scale
        scale = (low + high) / 2
        low, high = (scale, high) if np.minimum(scale * weight, most) @ plays < events else (low, scale)
    return np.minimum(high * weight, most)


def _chances(share: Floats, limit: float) -> Ints:
    return np.array(np.rint(np.minimum(share, limit) * SIZE), dtype=np.int64)
