"""Turns planned sessions into plays: gaps, start times that keep sessions apart, and the planted lift.

The gaps of a session come from one distribution, so adding (or dropping) the share `lift` of them multiplies its
expected duration by 1 + `lift`, and what is added looks like all other listening. Everything added draws from a stream
of its own: with and without a lift, all other rows are the same.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from studies.lastfm.generator.calendar import Calendar
from studies.lastfm.generator.people import People
from studies.lastfm.generator.randomness import Flags, Floats, Ints, Raw, raw
from studies.lastfm.generator.sessions import Sessions
from studies.lastfm.generator.tables import GAP_LIMIT, long_gaps, short_gaps

_DUPLICATE_SHARE = 0.0002
_FAR = 10**11  # seconds: more than all sessions of a chunk last together, keeps one user's schedule from the next one's


class Plays(NamedTuple):
    """One entry a play, by session and order.

    `gap` is the seconds since the session's previous play; `switch`, `artist` and `track` are raw draws for the music;
    `twice` says that the row is written a second time, as an exact duplicate.
    """

    session: Ints
    gap: Ints
    switch: Raw
    artist: Raw
    track: Raw
    twice: Flags

    def at(self, part: Flags | Ints) -> "Plays":
        """The plays that `part` selects."""
        session, gap, switch, artist, track, twice = self
        return Plays(session[part], gap[part], switch[part], artist[part], track[part], twice[part])

    def then(self, others: "Plays") -> "Plays":
        """These plays, then `others`."""
        return Plays(
            np.concatenate((self.session, others.session)),
            np.concatenate((self.gap, others.gap)),
            np.concatenate((self.switch, others.switch)),
            np.concatenate((self.artist, others.artist)),
            np.concatenate((self.track, others.track)),
            np.concatenate((self.twice, others.twice)),
        )


@dataclass(frozen=True, slots=True)
class Listening:
    """What some users played.

    `sessions` are scheduled, `plays` and `time` (second since 1970) final. Per session: `in_period`, and its duration
    without and with the lift, in seconds.
    """

    sessions: Sessions
    plays: Plays
    time: Ints
    in_period: Flags
    baseline: Ints
    seconds: Ints


def listen(
    planned: Sessions,
    people: People,
    calendar: Calendar,
    growth: Floats,
    rng: np.random.Generator,
    added_rng: np.random.Generator,
) -> Listening:
    """Play `planned`, which holds all sessions of its users.

    Parameters
    ----------
    growth
        Per user of the file: by what share of its gaps a session that starts in the period grows.
    rng, added_rng
        For what happens in any case, and for what the lift adds.
    """
    plays = _draw(planned, planned.plays, people, rng)
    plays = plays._replace(gap=_apart(plays), twice=rng.random(len(plays.gap)) < _DUPLICATE_SHARE)
    baseline = np.bincount(plays.session, plays.gap, len(planned)).astype(np.int64)
    start = _earliest(planned.start, planned.user, baseline + planned.rest)

    day = start // 86_400
    in_period = (calendar.period_first <= day) & (day < calendar.period_end)
    kept, added = _grown(planned.plays, np.where(in_period, growth[planned.user], 0.0), added_rng)
    extra = _draw(planned, added, people, added_rng)
    plays = _splice(plays, extra._replace(gap=np.maximum(1, extra.gap)), kept, added)
    grown = np.bincount(plays.session, plays.gap, len(planned)).astype(np.int64)
    start = _moved(start, planned.user, baseline, grown, np.where(in_period, calendar.period_end * 86_400 - 1, start))
    sessions = replace(planned, start=start)

    since = np.cumsum(plays.gap)
    time = sessions.start[plays.session] + since - since[_offsets(kept + added)][plays.session]
    in_time = time <= _deadlines(sessions, calendar)[plays.session]
    plays, time = plays.at(in_time), time[in_time]
    seconds = np.bincount(plays.session, plays.gap, len(sessions)).astype(np.int64)
    return Listening(sessions, plays, time, in_period, baseline, seconds)


def _draw(sessions: Sessions, counts: Ints, people: People, rng: np.random.Generator) -> Plays:
    """`counts` plays a session, none of them twice."""
    session = np.repeat(np.arange(len(sessions)), counts)
    size = len(session)
    value = raw(rng, size)
    short = raw(rng, size) < people.short_gaps[sessions.user[session]]
    gap = np.where(short, short_gaps()[value], long_gaps()[value])
    return Plays(session, gap, raw(rng, size), raw(rng, size), raw(rng, size), np.zeros(size, dtype=np.bool_))


def _apart(plays: Plays) -> Ints:
    """The gaps, 0 before a session's first play; at most two plays share a second, so no row repeats by chance."""
    gap = plays.gap.copy()
    gap[np.diff(plays.session, prepend=-1) > 0] = 0
    inside = (plays.session[2:] == plays.session[:-2]) & (gap[2:] == 0) & (gap[1:-1] == 0)
    gap[2:][inside] = 1
    return gap


def _earliest(start: Ints, user: Ints, needed: Ints) -> Ints:
    """Starts as wanted, or as soon as the user's session before is over and gone: it needs `needed` seconds."""
    before = _offsets(needed) - user * _FAR
    return np.array(np.maximum.accumulate(start - before) + before)


def _latest(bound: Ints, user: Ints, needed: Ints) -> Ints:
    """The latest starts, none beyond its `bound`, that leave every session of the user the `needed` seconds."""
    before = _offsets(needed) - user * _FAR
    return np.array(np.minimum.accumulate((bound - before)[::-1])[::-1] + before)


def _moved(start: Ints, user: Ints, seconds: Ints, grown: Ints, bound: Ints) -> Ints:
    """Starts that give way to what sessions before have grown, by using up the user's idle time, none beyond `bound`.

    Where there is no more idle time the start stays early enough for the sessions as they were: what they have grown
    then meets its deadline.
    """
    apart = GAP_LIMIT + 1
    earliest = _earliest(start, user, np.maximum(seconds, grown) + apart)
    return np.minimum(earliest, _latest(bound, user, seconds + apart))


def _grown(plays: Ints, growth: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """How many plays of each session stay and how many are added, rounded at random so that the mean is exact."""
    change = np.floor((plays - 1) * growth + rng.random(len(plays))).astype(np.int64)
    return plays + np.minimum(change, 0), np.maximum(change, 0)


def _splice(plays: Plays, extra: Plays, kept: Ints, added: Ints) -> Plays:
    """Each session's first `kept` plays, then its `added` extra ones."""
    position = np.arange(len(plays.session)) - _offsets(np.bincount(plays.session, minlength=len(kept)))[plays.session]
    stays = position < kept[plays.session]
    offset = _offsets(kept + added)
    here = (offset[plays.session] + position)[stays]
    there = (offset + kept - _offsets(added))[extra.session] + np.arange(len(extra.session))

    return plays.at(stays).then(extra).at(np.argsort(np.concatenate((here, there))))


def _deadlines(sessions: Sessions, calendar: Calendar) -> Ints:
    """The last second a session's plays may have: the next session must stay apart, and nothing reaches the limit."""
    deadline = np.full(len(sessions), calendar.limit * 86_400 - 1)
    followed = np.flatnonzero(sessions.user[1:] == sessions.user[:-1])
    deadline[followed] = np.minimum(deadline[followed], sessions.start[followed + 1] - GAP_LIMIT - 1)
    return deadline


def _offsets(counts: Ints) -> Ints:
    """Where each part begins when parts of these sizes follow one another."""
    return np.cumsum(counts) - counts
