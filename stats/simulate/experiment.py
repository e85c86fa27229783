"""One simulated experiment: sums of every tick, and the engine's verdicts on them.

The sums are built for all looks at once with numpy, in the integer units of `livelift.plan`; everything that judges
is the live code: the assignment's hashes, `stats.decision.engine.step`, the flips, the display.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livelift.assignment import TREATMENT, bucket_of, variant_of
from livelift.errors import StudyError
from livelift.event_time import DAY, SECOND
from livelift.measures import events_measure
from livelift.plan import SESSIONS, USERS, Covariate, MetricPlan, Retention, metric_plan, metric_plans
from livelift.study import Study
from livelift.study_checks import OWN_TOTALS
from livelift.tick_sums import ExactSums, InputCounts, Moments, TickSums
from stats.simulate.regimes import Sessions
from stats.sums.moments import from_sums
from stats.sums.user_value import in_units

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


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
    returns
        (U, K) each: eligible and returned user-days resolved by every look.
    exposed
        (U,): the look (1 … K) from which on the user counts as exposed; K + 1 = never.
    """

    user: Integers
    due: Integers
    look: Integers
    measures: dict[str, Integers]
    covariates: dict[str, Integers]
    exposed_covariates: dict[str, Integers]
    returns: tuple[Integers, Integers]
    exposed: Integers


NEXT_DAY = Retention("every_day", 1)

SIMULATED = ("seconds", "plays", "skips", "artists")
"""The session measures that the simulation makes."""


def require_simulated(study: Study) -> None:
    """Can the simulation stand for this study?

    Raises
    ------
    StudyError
        If the study has a measure that the simulation does not make, or a primary that it cannot watch.
    """
    plans = {plan.name: plan for plan in metric_plans(study)}
    for plan in plans.values():
        for total in (plan.included.numerator, plan.included.denominator):
            if total not in (*OWN_TOTALS, *SIMULATED, NEXT_DAY.eligible, NEXT_DAY.returned):
                raise StudyError(
                    f"metric '{plan.name}' of study '{study.name}' asks for '{total}', which the simulation does not make",
                    f"simulate a study of {', '.join(SIMULATED)}",
                )
    if plans[study.decision.primary].session_measure is None:
        raise StudyError(
            f"the simulation watches a mean over sessions, which '{study.decision.primary}' of study '{study.name}' is not",
            "simulate a study whose primary is a mean over sessions",
        )


def observe(
    sessions: Sessions, assigned: Assigned, study: Study, lift: float = 0.0, later_lift: float | None = None
) -> Observed:
    """Sessions with durations lifted by the fraction `lift` in treatment, in whole seconds, each closing at last + gap.

    `later_lift` takes the place of `lift` in the second half of the period: an effect that fades, or turns.
    """
    treated, days = assigned.treated[sessions.user], study.experiment.days
    late = sessions.start >= days // 2 * DAY
    lifts = np.where(late, lift if later_lift is None else later_lift, lift)
    seconds = np.round(60.0 * sessions.minutes * np.where(treated, 1.0 + lifts, 1.0)).astype(np.int64)
    due = sessions.start + seconds * SECOND + study.sessions.gap_ms
    measures = {"seconds": seconds, "plays": sessions.plays, "skips": sessions.skips, "artists": sessions.artists}
    included, exposed_x = covariates(sessions.pre_seconds, sessions.pre_sessions, study)
    active = np.zeros((sessions.users, days), dtype=np.bool_)
    for moment in (sessions.start, sessions.start + seconds * SECOND):
        active[sessions.user, np.minimum(moment // DAY, days - 1)] = True
    # A session is in the sums of midnight M if due < M, strictly; the last look waits for every session.
    look = np.minimum(due // DAY + 1, days)
    exposed = np.full(sessions.users, days + 1)
    np.minimum.at(exposed, sessions.user, look)
    return Observed(sessions.user, due, look, measures, included, exposed_x, _returns(active), exposed)


def covariates(
    pre_seconds: Integers, pre_sessions: Integers, study: Study
) -> tuple[dict[str, Integers], dict[str, Integers]]:
    """Metric → (U,), of the reading over included and of that over exposed users, from the users' pre-period."""
    plans = metric_plans(study)
    return (
        {plan.name: _covariate(plan.included.covariate, pre_seconds, pre_sessions) for plan in plans},
        {
            plan.name: _covariate(plan.exposed.covariate, pre_seconds, pre_sessions)
            for plan in plans
            if plan.exposed is not None
        },
    )


def _covariate(covariate: Covariate | None, pre_seconds: Integers, pre_sessions: Integers) -> Integers:
    if covariate is None:
        return np.zeros(pre_sessions.size, dtype=np.int64)
    assert covariate.measure in ("", "seconds"), "the simulation knows of no other pre-period"
    users = zip(pre_seconds.tolist(), pre_sessions.tolist(), strict=True)
    return np.array([covariate.value(seconds, sessions) for seconds, sessions in users], dtype=np.int64)


def _returns(active: Flags) -> tuple[Integers, Integers]:
    """Day d counts from midnight d + 2 on, if d + 1 is in the period; look k is midnight k."""
    eligible, returned = np.zeros((2, *active.shape), dtype=np.int64)
    eligible[:, 1:] = active[:, :-1]
    returned[:, 1:] = active[:, :-1] & active[:, 1:]
    return eligible.cumsum(axis=1), returned.cumsum(axis=1)


def ticks(seen: Observed, assigned: Assigned, study: Study) -> list[TickSums]:
    """The sums of every look, first to last; buckets in full for the primary, totals for the guardrails."""
    users, looks = assigned.treated.size, study.experiment.days
    cell = seen.user * looks + (seen.look - 1)

    def so_far(values: Integers | None) -> Integers:
        """(U, K): Σ over the user's sessions closed by each look."""
        summed = np.bincount(cell, values, users * looks)
        return summed.astype(np.int64).reshape(users, looks).cumsum(axis=1)

    number = so_far(None)
    included = number >= study.experiment.minimum_sessions
    eligible, returned = seen.returns
    own = {USERS: np.ones_like(number), SESSIONS: number}
    own |= {NEXT_DAY.eligible: eligible, NEXT_DAY.returned: returned}
    totals = own | {measure: so_far(values) for measure, values in seen.measures.items()}
    user_sums, classic, ratios = {}, {}, {}
    for plan in metric_plans(study):
        name, reading = plan.name, plan.included
        top, bottom = totals[reading.numerator], totals[reading.denominator]
        counted = included & (bottom > 0)
        y = np.where(counted, in_units(top, np.maximum(bottom, 1), reading.scale), 0)
        rows = _rows(counted, y, seen.covariates[name][:, None])
        in_full = name == study.decision.primary
        user_sums[name] = _by_bucket(rows, assigned, study) if in_full else _by_arm(rows, assigned)
        if plan.has_ratio:
            ratios[name] = _ratio_sums(included, top, bottom, assigned)
        measure = plan.session_measure
        squares = None if measure is None else so_far(seen.measures[measure] ** 2)
        classic[name] = _classic(plan, top, bottom, squares, counted, assigned)
    exposed = seen.exposed[:, None] <= np.arange(1, looks + 1)
    of_exposed = {
        name: _by_arm(rows, assigned)[:, :, 0, :] for name, rows in _over_exposed(seen, study, exposed, totals)
    }
    counting = events_measure(study.measures)
    assert counting is not None, "what is simulated has a measure of all events"
    per_arm = {
        "exposed": _count(exposed, assigned),
        "included": _count(included, assigned),
        "sessions": _count(number * included, assigned),
        "events": _count(totals[counting] * included, assigned),
    }
    closed = np.bincount(seen.look, minlength=looks + 1)[1:].cumsum()
    single = np.bincount(seen.look[seen.measures[counting] == 1], minlength=looks + 1)[1:].cumsum()
    complete = max(looks, int(seen.due.max(initial=0)) // DAY + 1)
    return [
        TickSums(
            time=study.experiment.start_ms + (index + 1 if index + 1 < looks else complete) * DAY,
            ended=False,
            period_complete=index + 1 == looks,
            counts=InputCounts(rows=int(closed[index]), accepted=int(closed[index])),
            sessions_all=int(closed[index]),
            sessions_in_period=int(closed[index]),
            sessions_one_event=int(single[index]),
            classic={name: pairs[index] for name, pairs in classic.items()},
            users={name: sums[index] for name, sums in user_sums.items()},
            ratios={name: _exact(sums[index]) for name, sums in ratios.items()},
            exposed_sums={name: _exact(sums[index]) for name, sums in of_exposed.items()},
            users_in_both=None,
            sessions_unfinished=0,
            **{name: (int(counts[0, index]), int(counts[1, index])) for name, counts in per_arm.items()},
        )
        for index in range(looks)
    ]


def _over_exposed(
    seen: Observed, study: Study, exposed: Flags, totals: dict[str, Integers]
) -> Iterator[tuple[str, Integers]]:
    """(metric, (U, K, 6)): every exposed user's part of `TickSums.exposed_sums`."""
    for plan in metric_plans(study):
        if plan.exposed is not None:
            reading = plan.exposed
            bottom = exposed.astype(np.int64) if reading.denominator == USERS else totals[reading.denominator]
            has = bottom > 0
            y = np.where(has, in_units(totals[reading.numerator], np.maximum(bottom, 1), reading.scale), 0)
            yield plan.name, _rows(has, y, seen.exposed_covariates[plan.name][:, None])


def _exact(sums: Integers) -> tuple[ExactSums, ExactSums]:
    """(2, 6) as Python's integers."""
    control, treatment = sums.tolist()
    return tuple(control), tuple(treatment)


def _rows(counted: Flags, y: Integers, covariate: Integers) -> Integers:
    """(..., 6): every user's part of the sums n, y, yy, x, xx, xy; the shapes broadcast."""
    x = covariate * counted
    return np.stack([counted.astype(np.int64), y, y * y, x, x * x, x * y], axis=-1)


def _by_arm(rows: Integers, assigned: Assigned) -> Integers:
    """(K, 2, 1, 6): one bucket with everything."""
    arms = [rows[~assigned.treated].sum(axis=0), rows[assigned.treated].sum(axis=0)]
    return np.stack(arms, axis=1)[:, :, None, :]


def _by_bucket(rows: Integers, assigned: Assigned, study: Study) -> Integers:
    """(K, 2, buckets, 6)."""
    looks, buckets = rows.shape[1], study.statistics.buckets
    sums = np.zeros((2 * buckets, looks * 6), dtype=np.int64)
    np.add.at(sums, assigned.treated * buckets + assigned.bucket, rows.reshape(rows.shape[0], -1))
    return sums.reshape(2, buckets, looks, 6).transpose(2, 0, 1, 3)


def _ratio_sums(included: Flags, top: Integers, bottom: Integers, assigned: Assigned) -> Integers:
    """(K, 2, 6) in the order of `RATIO_COLUMNS`."""
    s, m = top * included, bottom * included
    rows = np.stack([included.astype(np.int64), s, m, s * s, m * m, s * m], axis=-1)
    return _by_arm(rows, assigned)[:, :, 0, :]


def _count(values: NDArray[np.generic], assigned: Assigned) -> Integers:
    """(2, K): Σ over the users of each arm."""
    numbers = np.asarray(values, dtype=np.int64)
    return np.stack([numbers[~assigned.treated].sum(axis=0), numbers[assigned.treated].sum(axis=0)])


def _classic(
    plan: MetricPlan, top: Integers, bottom: Integers, squares: Integers | None, counted: Flags, assigned: Assigned
) -> list[tuple[Moments, Moments]]:
    """Moments of (control, treatment) at every look: over sessions where there are session squares, else over users."""
    if squares is not None:
        n, total, square = (_count(part * counted, assigned) for part in (bottom, top, squares))
        return [
            (_moments(n, total, square, 0, look, plan), _moments(n, total, square, 1, look, plan))
            for look in range(top.shape[1])
        ]
    rates = np.where(counted, top / np.maximum(bottom, 1), 0.0) / plan.divide_by
    return [
        (_of_users(rates[:, look], counted[:, look] & ~assigned.treated),
         _of_users(rates[:, look], counted[:, look] & assigned.treated))
        for look in range(top.shape[1])
    ]  # fmt: skip


def _moments(n: Integers, total: Integers, square: Integers, arm: int, look: int, plan: MetricPlan) -> Moments:
    return from_sums(int(n[arm, look]), int(total[arm, look]), int(square[arm, look]), plan.divide_by)


def _of_users(rates: NDArray[np.float64], which: Flags) -> Moments:
    values = rates[which]
    if not values.size:
        return Moments()
    return Moments(values.size, float(values.mean()), float(((values - values.mean()) ** 2).sum()))


def watched(seen: Observed, assigned: Assigned, study: Study) -> Integers:
    """The primary's sums after every closed session, (S, 2, 6), control first: what the display sees live.

    Each close replaces the user's value by the next: the third close of a user adds all three.
    """
    name = study.decision.primary
    plan = metric_plan(study, name)
    assert plan.session_measure is not None, "only a mean over sessions changes with every session"
    order = np.lexsort((seen.due, seen.user))  # within each user by close
    user = seen.user[order]
    first = np.searchsorted(user, np.arange(assigned.treated.size))[user]  # where the user's sessions begin
    number = np.arange(user.size) - first + 1
    running = np.cumsum(seen.measures[plan.session_measure][order])
    before = np.concatenate([[0], running])[first]
    counted = number >= study.experiment.minimum_sessions
    y = np.where(counted, in_units(running - before, number, plan.included.scale), 0)
    after = _rows(counted, y, seen.covariates[name][user])
    change = after.copy()
    change[1:] -= np.where((number[1:] > 1)[:, None], after[:-1], 0)
    in_time = np.argsort(seen.due[order], kind="stable")
    arms = assigned.treated[user][in_time][:, None, None] == np.array([[[False], [True]]])
    return np.cumsum(change[in_time][:, None, :] * arms, axis=0)
