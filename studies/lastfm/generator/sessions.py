"""Plans the sessions of a file: how many plays each holds and when it should start."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from studies.lastfm.generator.calendar import Calendar
from studies.lastfm.generator.people import FEW, People
from studies.lastfm.generator.randomness import Flags, Ints, raw, scattered, stream
from studies.lastfm.generator.tables import day_seconds, habit, normal_scores, rests, session_plays

_SEASON_DAYS = 60


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

    def __getitem__(self, part: slice | Ints | Flags) -> "Sessions":
        return Sessions(self.user[part], self.plays[part], self.start[part], self.rest[part])


def plan_sessions(people: People, events: int, calendar: Calendar, seed: int) -> Sessions:
    """Sessions that hold exactly `events` plays, at least one session a user."""
    rng = stream(seed, 1)
    # Too many are drawn, then cut at random to the wanted total; the fewer events, the less certain their number.
    surplus = 1.05 + 8 / sqrt(1 + people.sessions.sum())
    user = np.repeat(np.arange(len(people)), 1 + rng.poisson(people.sessions * surplus))
    is_first = np.diff(user, prepend=-1) > 0
    first = people.first[user]
    days = calendar.end - first // 86_400
    day = first // 86_400 + (rng.random(len(user)) * days).astype(np.int64)
    usual = habit(people.score[user], _season_score(user, day // _SEASON_DAYS, seed))
    if len(people) >= FEW:
        usual -= usual.sum() // len(usual)  # a few heavy users' habits must not set the length of all sessions
    plays = session_plays(usual, normal_scores()[raw(rng, len(user)) >> 4])
    plays[is_first] = np.minimum(plays[is_first], events // len(people))  # so that everybody's first fits in

    order = np.argsort(np.where(is_first, -1.0, rng.random(len(user))), kind="stable")
    before = np.cumsum(plays[order]) - plays[order]
    plays[order] = np.clip(events - before, 0, plays[order])
    kept = plays > 0

    local = day * 86_400 + day_seconds()[raw(rng, len(user))]
    start = np.maximum(first, local - people.zone[user])
    sessions = Sessions(user, plays, start, rests()[raw(rng, len(user))])[kept]
    return sessions[np.lexsort((sessions.start, sessions.user))]


def _season_score(user: Ints, season: Ints, seed: int) -> Ints:
    """The score of each user's season, thousandths of a unit normal: habits drift."""
    draw = scattered(seed, user, season)
    return np.array(normal_scores()[(draw >> np.uint64(52)).astype(np.int64)])
