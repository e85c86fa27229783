"""One simulated experiment: who is in which arm, and what its sessions come to with a planted effect.

Everything that assigns is the live code, and so is what judges the sums (`stats.simulate.sums`) of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livelift.assignment import TREATMENT, bucket_of, variant_of
from livelift.errors import StudyError
from livelift.event_time import DAY, SECOND
from livelift.measures import LENGTH
from livelift.plan import SESSIONS, USERS, Covariate, Reading, metric_plans, retentions
from livelift.simulation.model import Flags, Integers, Sessions
from livelift.simulation.truth import NOTHING, Truth
from livelift.study import Study
from stats.simulate.effects import lift_at, with_days_lifted, with_lift


@dataclass(frozen=True, slots=True)
class Assigned:
    """(U,) each: `treated`, and the `bucket` of every user, by the hashes of the live assignment."""

    treated: Flags
    bucket: Integers


def assign(users: Sequence[str], study: Study) -> Assigned:
    """Variant and bucket of the user ids `users` under the study's salt."""
    experiment = study.experiment
    variants = [variant_of(user, experiment.salt, experiment.control_percent) for user in users]
    buckets = [bucket_of(user, experiment.salt, study.statistics.buckets) for user in users]
    return Assigned(np.array([variant == TREATMENT for variant in variants]), np.array(buckets, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Observed:
    """What the period's sessions turned out to be under an assignment and an effect. S sessions, U users, K looks.

    Attributes
    ----------
    user, due, look
        (S,): user; when it closes, ms since the period's start; the look (1 … K) whose sums hold it.
    measures
        Session measure → (S,) integers.
    covariates, exposed_covariates
        Metric → (U,) integers, of the reading over included and of that over exposed users.
    daily
        A user's totals over days → (U, K), as of every look: those of the plan that no session measure gives.
    exposed
        (U,): the look (1 … K) from which on the user counts as exposed; K + 1 = never.
    """

    user: Integers
    due: Integers
    look: Integers
    measures: dict[str, Integers]
    covariates: dict[str, Integers]
    exposed_covariates: dict[str, Integers]
    daily: dict[str, Integers]
    exposed: Integers


def observe(
    sessions: Sessions,
    assigned: Assigned,
    study: Study,
    truth: Truth = NOTHING,
    random: np.random.Generator | None = None,
) -> Observed:
    """What the sessions come to where treatment raises the primary by `truth`, each closing at its last event + gap.

    Parameters
    ----------
    random
        Rounds whole numbers that an effect has made fractions; needed with an effect only.

    Raises
    ------
    StudyError
        If a metric needs a total that the sessions do not give.
    """
    random = np.random.default_rng(0) if random is None else random
    planted, days = bool(truth.lift or truth.later_lift), study.experiment.days
    if planted:
        lift = lift_at(truth, sessions.start, study)
        sessions = with_lift(random, sessions, assigned.treated, study, study.decision.primary, lift)
    measures = {name: _whole(values) for name, values in sessions.measures.items()}
    # A row is closed when it comes, whatever its first measure is.
    length = measures[LENGTH] * SECOND if study.windows.kind == "gap" else 0
    last = sessions.start + length + (0 if sessions.tail is None else sessions.tail)
    due = last + study.windows.gap_ms
    # A session is in the sums of midnight M if due < M, strictly; the last look waits for every session.
    look = np.clip(due // DAY + 1, 1, days)
    exposed = np.full(sessions.users, days + 1) if sessions.exposed is None else sessions.exposed.copy()
    np.minimum.at(exposed, sessions.user, look)
    daily = _daily(sessions, last, study) if sessions.daily is None else sessions.daily
    if planted or truth.others:
        daily = with_days_lifted(random, daily, assigned.treated, study, truth)
    require_totals(study, {*measures, *daily})
    included, exposed_x = covariates(sessions, study)
    return Observed(sessions.user, due, look, measures, included, exposed_x, daily, exposed)


def _whole(values: NDArray[Any]) -> Integers:
    whole: Integers = (values if values.dtype.kind == "i" else np.round(values)).astype(np.int64, copy=False)
    return whole


def require_totals(study: Study, known: set[str]) -> None:
    """Is every total that a metric's plan divides `known`, or one that every user has?

    Raises
    ------
    StudyError
        Naming the first that is not.
    """
    for plan in metric_plans(study):
        for reading in (plan.included, plan.exposed):
            for total in () if reading is None else _totals_of(reading):
                if total not in known | {USERS, SESSIONS}:
                    raise StudyError(
                        f"metric '{plan.name}' of study '{study.name}' asks for '{total}', which its simulation does not make",
                        f"leave the metric out, or let simulation.py give '{total}'",
                    )


def _totals_of(reading: Reading) -> tuple[str, str]:
    return reading.numerator, reading.denominator


def covariates(sessions: Sessions, study: Study) -> tuple[dict[str, Integers], dict[str, Integers]]:
    """Metric → (U,), of the reading over included and of that over exposed users, from the users' pre-period.

    Raises
    ------
    StudyError
        If a covariate is made of a measure that the pre-period does not have.
    """
    plans = metric_plans(study)
    return (
        {plan.name: _covariate(plan.included.covariate, sessions, plan.name) for plan in plans},
        {
            plan.name: _covariate(plan.exposed.covariate, sessions, plan.name)
            for plan in plans
            if plan.exposed is not None
        },
    )


def _covariate(covariate: Covariate | None, sessions: Sessions, metric: str) -> Integers:
    if covariate is None:
        return np.zeros(sessions.users, dtype=np.int64)
    if not covariate.measure:
        sums = np.zeros(sessions.users, dtype=np.int64)
    elif covariate.measure in sessions.pre_measures:
        sums = sessions.pre_measures[covariate.measure]
    else:
        raise StudyError(
            f"metric '{metric}' is adjusted by '{covariate.measure}' of the pre-period, which the simulation does not make",
            f"let simulation.py give pre_measures['{covariate.measure}']",
        )
    users = zip(sums.tolist(), sessions.pre_sessions.tolist(), strict=True)
    return np.array([covariate.value(total, number) for total, number in users], dtype=np.int64)


def _daily(sessions: Sessions, last: Integers, study: Study) -> dict[str, Integers]:
    """(U, K) as of every look: for each retention that a metric reads, the anchor days that are resolved, and those with a return.

    A user is active on the days of a session's start and end. Day d of the period is resolved at midnight d + n + 1, n days
    later, if the period has that day; look k is midnight k. A user without sessions in the pre-period is new.
    """
    days = study.experiment.days
    active = np.zeros((sessions.users, days), dtype=np.bool_)
    for moment in (sessions.start, last):
        active[sessions.user, np.minimum(moment // DAY, days - 1)] = True
    first = active & (active.cumsum(axis=1) == 1)
    begun = np.zeros((sessions.users, days), dtype=np.int64)
    np.add.at(begun, (sessions.user, sessions.start // DAY), 1)
    begun = begun.cumsum(axis=1)
    anchors = {"every_day": active, "exposure": first, "first_activity": first & (sessions.pre_sessions == 0)[:, None]}
    found: dict[str, Integers] = {}
    for retention in retentions(study):
        after = retention.last_day
        anchor, later = (
            anchors[retention.anchor][:, : days - after],
            (begun if retention.counts_sessions else active)[:, after:],
        )
        eligible, returned = np.zeros((2, *active.shape), dtype=np.int64)
        eligible[:, after:] = anchor
        returned[:, after:] = anchor * later
        found |= {retention.eligible: eligible.cumsum(axis=1), retention.returned: returned.cumsum(axis=1)}
    return found
