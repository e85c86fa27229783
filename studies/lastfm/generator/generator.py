"""Generates a file: plans all sessions first, then creates plays, names and rows for some users at a time."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from livelift.assignment import CONTROL, TREATMENT
from livelift.errors import SettingsError
from livelift.event_time import DAY, to_iso
from livelift.generating import replacing
from livelift.study import Study
from studies.lastfm.generator.calendar import Calendar, plan_calendar
from studies.lastfm.generator.faults import MOST_USERS, Fault, count_by_reason, plan_faults
from studies.lastfm.generator.listening import listen
from studies.lastfm.generator.music import choose_music
from studies.lastfm.generator.people import make_people
from studies.lastfm.generator.randomness import stream
from studies.lastfm.generator.sessions import Sessions, plan_sessions
from studies.lastfm.generator.tally import Tally
from studies.lastfm.generator.truth import Truth, encode_truth, expected_decision, realised_lift, truth_path
from studies.lastfm.generator.writer import write_rows

_CHUNK = 250_000  # plays handled at once: about 200 MB, and large enough that a step's fixed cost does not count
_LARGEST_LIFT = 5.0


def generate(
    out: Path,
    *,
    events: int = 1_800_000,
    users: int | None = None,
    lift: float = 0.0,
    seed: int = 7,
    study: Study,
    progress: Callable[[int, int], None] | None = None,
) -> Truth:
    """Write a file in the published format to `out`, and what was planted beside it.

    Parameters
    ----------
    out
        Replaced when the new file is complete, untouched until then.
    events
        Plays without lift; duplicates (0.02 %) and bad rows (under 0.01 %) come on top.
    users
        Exactly so many; by default 992, fewer below 1.8 million events.
    lift
        By what fraction the expected duration of treatment sessions that start in the period is longer. All other rows
        are the same as with lift 0.
    progress
        Called with the plays done and `events`.

    Raises
    ------
    SettingsError
        If a parameter is out of range, or the users cannot play so often.
    ResourceError
        If the disk refuses.
    """
    _check(events, users, lift, seed)
    calendar, users = plan_calendar(events, users, study)
    people = make_people(events, users, calendar, seed)
    faults = plan_faults(events, users, calendar, seed)
    tally = Tally(users, study)
    growth = np.where(tally.is_treatment, lift, 0.0)
    done = 0
    with replacing(out) as file:
        for planned in _chunks(plan_sessions(people, events, calendar, seed)):
            first = int(planned.user[0])
            rng, added_rng = stream(seed, 2, first), stream(seed, 4, first)
            listening = listen(planned, people, calendar, growth, rng, added_rng)
            lines = write_rows(file, listening, choose_music(listening, people, seed), faults)
            tally.add(listening, lines)
            done += int(planned.plays.sum())
            if progress is not None:
                progress(done, events)
        truth_path(out).unlink(missing_ok=True)  # an old truth must never stand beside a new file
    truth = _truth(tally, faults, calendar, study, events=events, lift=lift, seed=seed)
    with replacing(truth_path(out)) as file:
        file.write(encode_truth(truth))
    return truth


def _check(events: int, users: int | None, lift: float, seed: int) -> None:
    if events < 1:
        raise SettingsError(f"cannot generate {events} events", "ask for 1 or more")
    if users is not None and not 1 <= users <= min(events, MOST_USERS):
        raise SettingsError(
            f"cannot spread {events:,} events over {users:,} users",
            f"ask for 1 to {min(events, MOST_USERS):,} users, or for more events",
        )
    if not -1 < lift <= _LARGEST_LIFT:
        raise SettingsError(f"cannot plant a lift of {lift}", f"use a fraction over -1, up to {_LARGEST_LIFT:g}")
    if seed < 0:
        raise SettingsError(f"cannot use {seed} as a seed", "use 0 or a positive whole number")


def _chunks(sessions: Sessions) -> Iterator[Sessions]:
    """All sessions of some users at a time, in the order of the users."""
    before = np.cumsum(sessions.plays) - sessions.plays
    opens_user = np.diff(sessions.user, prepend=-1) > 0
    chunk = np.maximum.accumulate(np.where(opens_user, before // _CHUNK, 0))
    bounds = [*np.flatnonzero(np.diff(chunk, prepend=-1)), len(sessions)]
    for first, end in pairwise(bounds):
        yield sessions[first:end]


def _truth(
    tally: Tally,
    faults: dict[int, list[Fault]],
    calendar: Calendar,
    study: Study,
    *,
    events: int,
    lift: float,
    seed: int,
) -> Truth:
    control, treatment = tally.variant(CONTROL), tally.variant(TREATMENT)
    rejected = count_by_reason(faults)
    return Truth(
        seed=seed,
        events=events,
        users=len(tally.is_treatment),
        lift=lift,
        salt=study.experiment.salt,
        control_percent=study.experiment.control_percent,
        first_day=to_iso(calendar.first * DAY)[:10],
        end_day=to_iso(calendar.end * DAY)[:10],
        rows=tally.rows,
        accepted=tally.rows - tally.duplicates - sum(rejected.values()),
        rejected=rejected,
        duplicates=tally.duplicates,
        sessions=tally.sessions,
        control=control,
        treatment=treatment,
        realised_lift=realised_lift(treatment),
        expected_decision=expected_decision(study, lift, control, treatment),
    )
