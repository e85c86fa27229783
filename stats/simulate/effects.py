"""Plants a known effect: treated users' total that a metric divides becomes (1 + lift) times as large.

Which total that is says the metric's plan. A session measure is scaled session by session. A number of sessions is
scaled by leaving sessions out or giving one twice. A total over days, as the days of return, by days that count or do not.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from livelift.errors import SettingsError, StudyError
from livelift.event_time import DAY
from livelift.plan import SESSIONS, Reading, metric_plan, retentions
from livelift.simulation.loading import plant
from livelift.simulation.model import Flags, Floats, Integers, Sessions, Simulation
from livelift.simulation.truth import Truth
from livelift.study import Study
from livelift.study_checks import OWN_TOTALS


def is_exact(study: Study, truth: Truth) -> bool:
    """Is the primary's true lift what is planted, so that an interval can be judged by it?

    A measure's mean or ratio is scaled exactly. A number of sessions or of days is scaled too, and with it changes who is
    included, or how many days could count: what the included users' means then differ by is not known.
    """
    reading = metric_plan(study, study.decision.primary).included
    touched = {metric_plan(study, metric).included.numerator for metric, lift in truth.others if lift}
    if touched & {reading.numerator, reading.denominator}:
        return False
    nothing = not truth.lift and not truth.later_lift
    counted = {*OWN_TOTALS, *(retention.returned for retention in retentions(study))}
    return nothing or (reading.numerator not in counted and reading.numerator != reading.denominator)


def lift_at(truth: Truth, start: Integers, study: Study) -> Floats:
    """The primary's lift at some moments, ms since the period's start."""
    late = start >= study.experiment.days // 2 * DAY
    return np.where(late, truth.lift if truth.later_lift is None else truth.later_lift, truth.lift)


def with_lift(
    random: Generator, sessions: Sessions, treated: Flags, study: Study, metric: str, lift: Floats | float
) -> Sessions:
    """The sessions with the numerator of `metric` scaled by 1 + `lift` (of all sessions, or (S,)) where users are treated.

    A total over days is left as it is: `with_days_lifted` scales it once it is known.
    """
    total = SESSIONS if study.metrics[metric].first_days else metric_plan(study, metric).included.numerator
    factor = np.where(treated[sessions.user], 1.0 + lift, 1.0)
    if total == SESSIONS:
        return sessions.take(np.repeat(np.arange(sessions.user.size), _rounded(random, factor)))
    if total in sessions.measures:
        values = sessions.measures[total]
        whole = values.dtype.kind == "i"
        return sessions.with_measure(total, _rounded(random, values * factor) if whole else values * factor)
    return sessions


def _rounded(random: Generator, values: NDArray[Any]) -> Integers:
    """Up or down at random, so that the expectation is the value: 1.1 times one event is two events in one of ten cases."""
    found: Integers = np.floor(values + random.random(values.size)).astype(np.int64)
    return found


def with_own_effect(
    random: Generator, sessions: Sessions, treated: Flags, study: Study, simulation: Simulation | None, truth: Truth
) -> Sessions:
    """The sessions with the effects on metrics other than the primary, by the study's own model where it has one of them."""
    for metric, lift in truth.others:
        if simulation is not None and metric in simulation.effects:
            sessions = plant(simulation, metric, lift, random, sessions, treated, study)
        else:
            sessions = with_lift(random, sessions, treated, study, metric, lift)
    return sessions


def with_leaving(random: Generator, sessions: Sessions, treated: Flags, share: float) -> Sessions:
    """The sessions without those of a `share` of the treated users after their first one: they left."""
    leaves = treated & (random.random(sessions.users) < share)
    order = np.lexsort((sessions.start, sessions.user))
    first = np.zeros(sessions.user.size, dtype=np.bool_)
    user = sessions.user[order]
    first[order[np.concatenate([[True], user[1:] != user[:-1]])[: user.size]]] = True
    return sessions.take(first | ~leaves[sessions.user])


def with_days_lifted(
    random: Generator, daily: Mapping[str, Integers], treated: Flags, study: Study, truth: Truth
) -> dict[str, Integers]:
    """A user's totals over days, (U, K) as of every look, with the numerators of lifted metrics scaled where users are treated.

    Raises
    ------
    SettingsError
        If the lift asks for more days than there are.
    """
    found, looks = dict(daily), np.arange(study.experiment.days) * DAY
    lifts: list[tuple[str, Floats | float]] = [(study.decision.primary, lift_at(truth, looks, study)), *truth.others]
    for metric, lift in lifts:
        reading = metric_plan(study, metric).included
        if reading.numerator in found and study.metrics[metric].first_days is None and np.any(lift):
            found[reading.numerator] = _with_share(random, found, treated, reading, metric, lift)
    return found


def _with_share(
    random: Generator,
    daily: Mapping[str, Integers],
    treated: Flags,
    reading: Reading,
    metric: str,
    lift: Floats | float,
) -> Integers:
    """Days counted by numerator among those of the denominator: fewer are thinned out, more are drawn from the rest."""
    if reading.denominator not in daily:
        raise StudyError(
            f"a lift of '{metric}' cannot be planted: '{reading.numerator}' is no share of '{reading.denominator}'",
            "plant a lift of another metric",
        )
    counted, days = (np.diff(daily[name], axis=1, prepend=0) for name in (reading.numerator, reading.denominator))
    has = treated & (days.sum(axis=1) > 0)
    share = float((counted.sum(axis=1)[has] / days.sum(axis=1)[has]).mean()) if has.any() else 0.0
    more = np.clip(lift, 0.0, None) * share / max(1.0 - share, 1e-12)
    if np.any(more > 1.0):
        raise SettingsError(
            f"a lift of {float(np.max(lift)):+.0%} of '{metric}' is not possible: without it, it is {share:.3f} of 1",
            f"use at most {1.0 / share - 1.0:.2f}",
        )
    fewer = np.clip(1.0 + np.minimum(lift, 0.0), 0.0, 1.0)
    changed = random.binomial(counted, np.broadcast_to(fewer, counted.shape))
    changed += random.binomial(np.maximum(days - counted, 0), np.broadcast_to(more, counted.shape))
    return np.where(treated[:, None], changed, counted).cumsum(axis=1)
