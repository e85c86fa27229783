"""The plan of a file: which sessions there are, how many plays each holds and when it wants to start."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from producer.sources.lastfm_generator.calendar import Calendar
from producer.sources.lastfm_generator.people import People
from producer.sources.lastfm_generator.randomness import Ints, raw, stream
from producer.sources.lastfm_generator.tables import day_seconds, normal_scores, rests, session_plays


@dataclass(frozen=True, slots=True)
class Sessions:
    """One entry a session, by user and wanted start.

    Attributes
    ----------
    user
        Index of the user.
    plays
        Before any lift.
    start
        Second since 1970: wanted in a plan, final once scheduled.
    rest
        Seconds that have to pass between its end and the next start.
    """

    user: Ints
    plays: Ints
    start: Ints
    rest: Ints

    def __len__(self) -> int:
        return len(self.user)

    def __getitem__(self, part: slice | Ints) -> "Sessions":
        return Sessions(self.user[part], self.plays[part], self.start[part], self.rest[part])


def plan_sessions(people: People, events: int, calendar: Calendar, seed: int) -> Sessions:
    """Sessions that hold exactly `events` plays, at least one session a user."""
    rng = stream(seed, 1)
    # Too many are drawn, then cut at random to the wanted total; the fewer events, the less certain their number.
    surplus = 1.05 + 8 / sqrt(1 + people.sessions.sum())
    user = np.repeat(np.arange(len(people)), 1 + rng.poisson(people.sessions * surplus))
    is_first = np.diff(user, prepend=-1) > 0
    plays = session_plays(people.score[user], normal_scores()[raw(rng, len(user)) >> 4])
    plays[is_first] = np.minimum(plays[is_first], events // len(people))  # so that everybody's first fits in

    order = np.argsort(np.where(is_first, -1.0, rng.random(len(user))), kind="stable")
    before = np.cumsum(plays[order]) - plays[order]
    plays[order] = np.clip(events - before, 0, plays[order])
    kept = plays > 0
    user, plays = user[kept], plays[kept]

    first = people.first[user]
    days = calendar.end - first // 86_400
    local = (first // 86_400 + (rng.random(len(user)) * days).astype(np.int64)) * 86_400 + day_seconds()[
        raw(rng, len(user))
    ]
    start = np.maximum(first, local - people.zone[user])
    rest = rests()[raw(rng, len(user))]
    return Sessions(user, plays, start, rest)[np.lexsort((start, user))]
