"""Sessions, user-days and pre-period of every user of a study's log, as the simulator needs them.

A log without a treatment can be re-assigned by any number of salts (`livelift simulate --data`). The sessions are those of
the batch oracle, so under the study's own salt the sums are the oracle's (a test compares them).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch.twin import ClosedSession, Twin
from livelift.errors import InputError
from livelift.event_time import DAY, SECOND
from livelift.measures import LENGTH
from livelift.plan import ELIGIBLE, RETURNED
from livelift.simulation.model import Sessions
from livelift.study import Study

Integers = NDArray[np.int64]


def observe_log(data: Path, study: Study) -> tuple[Sessions, list[str]]:
    """What the log at `data` holds of the study's period, and the ids of its users.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no session of the period.
    StudyError
        If the study does not declare its measures.
    """
    with Twin(data, study) as twin:
        sessions = list(twin.sessions())
        days = [(day.user, day.day, day.returned) for day in twin.user_days()]
    inside = [session for session in sessions if session.in_period]
    if not inside:
        raise InputError(f"{data} has no session in the period of study '{study.name}'", "give a log that covers it")
    names = sorted({session.user for session in sessions if session.in_period or session.first_in_period is not None})
    number = {name: index for index, name in enumerate(names)}
    measures = {
        name: np.array([session.measures[name] for session in inside], dtype=np.int64) for name in study.measures
    }
    start = np.array([session.start for session in inside])
    tail = np.array([session.end for session in inside]) - start - SECOND * measures[LENGTH]
    pre_sessions, pre_measures = _pre_period(sessions, number, study)
    seen = Sessions(
        user=np.array([number[session.user] for session in inside]),
        start=start - study.experiment.start_ms,
        measures=measures,
        pre_sessions=pre_sessions,
        pre_measures=pre_measures,
        tail=tail,
        exposed=_exposed(sessions, number, study),
        daily=_daily([(number[user], day, back) for user, day, back in days], len(names), study),
    )
    return seen, names


def _due(session: ClosedSession, study: Study) -> int:
    return session.end + study.sessions.gap_ms


def _exposed(sessions: list[ClosedSession], number: dict[str, int], study: Study) -> Integers:
    """(U,): the look that first holds a closed session which began before the period and has an event of it."""
    looks = study.experiment.days
    exposed = np.full(len(number), looks + 1)
    for session in sessions:
        if session.first_in_period is not None and not session.in_period:
            user, due = number[session.user], _due(session, study) - study.experiment.start_ms
            exposed[user] = min(exposed[user], max(1, min(due // DAY + 1, looks)))
    return exposed


def _pre_period(
    sessions: list[ClosedSession], number: dict[str, int], study: Study
) -> tuple[Integers, dict[str, Integers]]:
    """(U,) each: number and sums of the sessions that start in the pre-period and are closed when the period opens."""
    count, sums = np.zeros(len(number), dtype=np.int64), np.zeros((len(study.measures), len(number)), dtype=np.int64)
    experiment = study.experiment
    for session in sessions:
        early = experiment.pre_start_ms <= session.start < experiment.start_ms
        if early and _due(session, study) < experiment.start_ms and session.user in number:
            sums[:, number[session.user]] += list(session.measures.values())
            count[number[session.user]] += 1
    return count, dict(zip(study.measures, sums, strict=True))


def _daily(days: list[tuple[int, int, bool]], users: int, study: Study) -> dict[str, Integers]:
    """(U, K) each: user-days resolved by every look, and those of them with a return. A day is resolved two midnights on."""
    eligible, returned = np.zeros((2, users, study.experiment.days), dtype=np.int64)
    first = study.experiment.start_ms // DAY
    for user, day, back in days:
        look = min(day - first + 2, study.experiment.days)
        eligible[user, look - 1] += 1
        returned[user, look - 1] += back
    return {ELIGIBLE: eligible.cumsum(axis=1), RETURNED: returned.cumsum(axis=1)}
