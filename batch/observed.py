"""Sessions, user-days and pre-period of every user of a listening log, as the simulator needs them for A/A tests.

A log without a treatment can be re-assigned by any number of salts (`livelift simulate --data`). The sessions are those of
the batch oracle, so under the study's own salt the sums are the oracle's (a test compares them).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch.twin import ClosedSession, Twin
from livelift.errors import InputError
from livelift.event_time import DAY
from livelift.study import Study
from stats.simulate.experiment import Observed, covariates

Integers = NDArray[np.int64]


def observe_log(data: Path, study: Study) -> tuple[Observed, list[str]]:
    """What the log at `data` holds of the study's period, and the ids of its users.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no session of the period.
    """
    with Twin(data, study) as twin:
        sessions = list(twin.sessions())
        days = [(day.user, day.day, day.returned) for day in twin.user_days() if day.retention == 1]
    inside = [session for session in sessions if session.in_period]
    if not inside:
        raise InputError(f"{data} has no session in the period of study '{study.name}'", "give a log that covers it")
    names = sorted({session.user for session in sessions if session.in_period or session.first_in_period is not None})
    number = {name: index for index, name in enumerate(names)}
    start = study.experiment.start_ms
    due = np.array([_due(session, study) - start for session in inside])
    measures = {
        name: np.array([session.measures[name] for session in inside], dtype=np.int64) for name in study.measures
    }
    seconds, count = _pre_period(sessions, number, study)
    included, exposed_x = covariates(seconds, count, study)
    seen = Observed(
        user=np.array([number[session.user] for session in inside]),
        due=due,
        look=_look(due, study),
        measures=measures,
        covariates=included,
        exposed_covariates=exposed_x,
        returns=_returns([(number[user], day, back) for user, day, back in days], len(names), study),
        exposed=_exposed(sessions, number, study),
    )
    return seen, names


def _due(session: ClosedSession, study: Study) -> int:
    return session.end + study.sessions.gap_ms


def _look(due: Integers, study: Study) -> Integers:
    """The look that holds what is due `due` ms after the period's start: midnight M holds it if due < M, the last one all."""
    looks: Integers = np.clip(due // DAY + 1, 1, study.experiment.days)
    return looks


def _exposed(sessions: list[ClosedSession], number: dict[str, int], study: Study) -> Integers:
    """(U,): the look that first holds a closed session with an event of the period."""
    exposed = np.full(len(number), study.experiment.days + 1)
    for session in sessions:
        if session.first_in_period is not None:
            due = np.array(_due(session, study) - study.experiment.start_ms)
            user = number[session.user]
            exposed[user] = min(exposed[user], int(_look(due, study)))
    return exposed


def _pre_period(sessions: list[ClosedSession], number: dict[str, int], study: Study) -> tuple[Integers, Integers]:
    """(U,) each: seconds and number of the sessions that start in the pre-period and are closed when the period opens."""
    seconds, count = np.zeros((2, len(number)), dtype=np.int64)
    experiment = study.experiment
    for session in sessions:
        early = experiment.pre_start_ms <= session.start < experiment.start_ms
        if early and _due(session, study) < experiment.start_ms and session.user in number:
            seconds[number[session.user]] += session.measures["seconds"]
            count[number[session.user]] += 1
    return seconds, count


def _returns(days: list[tuple[int, int, bool]], users: int, study: Study) -> tuple[Integers, Integers]:
    """(U, K) each: user-days resolved by every look, and those of them with a return. A day is resolved two midnights on."""
    eligible, returned = np.zeros((2, users, study.experiment.days), dtype=np.int64)
    first = study.experiment.start_ms // DAY
    for user, day, back in days:
        look = min(day - first + 2, study.experiment.days)
        eligible[user, look - 1] += 1
        returned[user, look - 1] += back
    return eligible.cumsum(axis=1), returned.cumsum(axis=1)
