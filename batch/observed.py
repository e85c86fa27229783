"""Sessions, user-days and pre-period of every user of a study's log, as the simulator needs them.

A log without a treatment can be re-assigned by any number of salts (`livelift simulate --data`). The sessions are those of
the batch oracle, so under the study's own salt the sums are the oracle's (a test compares them).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch.oracle import ClosedSession, Oracle, ResolvedDay
from livelift.errors import InputError
from livelift.event_time import DAY, SECOND
from livelift.measures import LENGTH
from livelift.plan import retentions
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
    with Oracle(data, study) as oracle:
        sessions = list(oracle.sessions())
        days = list(oracle.user_days())
    inside = [session for session in sessions if session.in_period]
    if not inside:
        raise InputError(f"{data} has no session in the period of study '{study.name}'", "give a log that covers it")
    names = sorted({session.user for session in sessions if session.in_period or session.first_in_period is not None})
    number = {name: index for index, name in enumerate(names)}
    measures = {
        name: np.array([session.measures[name] for session in inside], dtype=np.int64) for name in study.measures
    }
    start = np.array([session.start for session in inside])
    tail = np.array([session.end for session in inside]) - start
    if study.windows.kind == "gap":
        tail -= SECOND * measures[LENGTH]
    pre_sessions, pre_measures = _pre_period(sessions, number, study)
    seen = Sessions(
        user=np.array([number[session.user] for session in inside]),
        start=start - study.experiment.start_ms,
        measures=measures,
        pre_sessions=pre_sessions,
        pre_measures=pre_measures,
        tail=tail,
        exposed=_exposed(sessions, number, study),
        daily=_daily([day for day in days if day.user in number], number, study),
    )
    return seen, names


def _due(session: ClosedSession, study: Study) -> int:
    return session.end + study.windows.gap_ms


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


def _daily(days: list[ResolvedDay], number: dict[str, int], study: Study) -> dict[str, Integers]:
    """(U, K) as of every look: anchor days of each retention that are resolved, and those with a return; n days after a day,
    that is at the midnight which ends it."""
    found: dict[str, Integers] = {}
    asked, looks = retentions(study), study.experiment.days
    for retention in asked:
        for name in (retention.eligible, retention.returned):
            found[name] = np.zeros((len(number), looks), dtype=np.int64)
    first = study.experiment.start_ms // DAY
    for day in days:
        retention = asked[day.retention - 1]
        look = min(day.day - first + retention.last_day + 1, looks)
        found[retention.eligible][number[day.user], look - 1] += 1
        found[retention.returned][number[day.user], look - 1] += day.returned
    return {name: values.cumsum(axis=1) for name, values in found.items()}
