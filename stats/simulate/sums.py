"""The sums of a simulated experiment, of every look and after every session, as the live pipeline would have them.

They are built for all looks at once with numpy, in the integer units of `livelift.plan`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livelift.errors import StudyError
from livelift.event_time import DAY
from livelift.measures import events_measure
from livelift.plan import SESSIONS, USERS, MetricPlan, Reading, metric_plan, metric_plans
from livelift.simulation.model import Flags, Integers
from livelift.study import Study
from livelift.tick_sums import ExactSums, InputCounts, Moments, TickSums
from livelift.totals import LARGEST
from stats.simulate.experiment import Assigned, Observed
from stats.sums.moments import from_sums
from stats.sums.user_changes import exact_sums
from stats.sums.user_value import in_units


def ticks(seen: Observed, assigned: Assigned, study: Study) -> list[TickSums]:
    """The sums of every look, first to last; buckets in full for the primary, totals for the guardrails."""
    users, looks = assigned.treated.size, study.experiment.days
    cell = seen.user * looks + (seen.look - 1)

    def so_far(values: Integers | None) -> Integers:
        """(U, K): Σ over the user's sessions closed by each look."""
        return _summed(cell, values, users * looks).reshape(users, looks).cumsum(axis=1)

    number = so_far(None)
    included = number >= study.experiment.minimum_sessions
    counting = events_measure(study.measures)
    totals = {USERS: np.ones_like(number), SESSIONS: number, **seen.daily}
    for measure in _needed(study, counting) & seen.measures.keys():
        values = seen.measures[measure]
        totals[measure] = so_far(values)
        # Σ v² ≤ (Σ|v|)², so the squares of the sessions fit an int64 too.
        _check_size(measure, so_far(np.abs(values)) if np.any(values < 0) else totals[measure])
    user_sums, classic, ratios = {}, {}, {}
    for plan in metric_plans(study):
        name, reading = plan.name, plan.included
        top, bottom = totals[reading.numerator], totals[reading.denominator]
        counted = included & (bottom > 0)
        rows = _rows(counted, _value(name, reading, top, bottom, counted), seen.covariates[name][:, None])
        in_full = name == study.decision.primary or not rows.fit(users)
        user_sums[name] = _by_bucket(rows, assigned, study) if in_full else _by_arm(rows, assigned)[:, :, None, :]
        if plan.has_ratio:
            ratios[name] = _ratio_sums(counted, top, bottom, assigned)
        per_session = plan.session_measure
        squares = None if per_session is None else so_far(seen.measures[per_session] ** 2)
        classic[name] = _classic(plan, top, bottom, squares, counted, assigned)
    exposed = seen.exposed[:, None] <= np.arange(1, looks + 1)
    of_exposed = {name: _by_arm(rows, assigned) for name, rows in _over_exposed(seen, study, exposed, totals)}
    per_arm = {
        "exposed": _count(exposed, assigned),
        "included": _count(included, assigned),
        "sessions": _count(number * included, assigned),
    }
    events = None if counting is None else _count(totals[counting] * included, assigned)
    closed = np.bincount(seen.look, minlength=looks + 1)[1:].cumsum()
    single = None
    if counting is not None and study.windows.kind == "gap":
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
            sessions_one_event=None if single is None else int(single[index]),
            events=None if events is None else (int(events[0, index]), int(events[1, index])),
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


def _needed(study: Study, counting: str | None) -> set[str]:
    """The totals that some metric divides, and the number of events."""
    readings = [reading for plan in metric_plans(study) for reading in (plan.included, plan.exposed)]
    named = {total for one in readings if one is not None for total in (one.numerator, one.denominator)}
    return named if counting is None else named | {counting}


def _summed(cell: Integers, values: Integers | None, size: int) -> Integers:
    """(size,): Σ of the values of each cell; numpy's quick way is in float64."""
    bound = 1 if values is None else int(np.abs(values).max(initial=0))
    if bound * cell.size < 2**53:
        return np.bincount(cell, values, size).astype(np.int64)
    exact = np.zeros(size, dtype=np.int64)
    np.add.at(exact, cell, 1 if values is None else values)
    return exact


def _value(name: str, reading: Reading, top: Integers, bottom: Integers, counted: Flags) -> Integers:
    """Users' values in the metric's integer unit, 0 where they have none."""
    y: Integers = np.where(counted, in_units(top, np.maximum(bottom, 1), reading.scale), 0)
    _check_size(name, y)
    return y


def _check_size(what: str, values: Integers) -> None:
    """Can the squares be summed exactly? The live pipeline refuses what cannot."""
    largest = _largest(values)
    if largest > LARGEST:
        raise StudyError(
            f"a simulated user's total or mean of '{what}' is {largest}, too large to be squared exactly",
            "give the metric fewer units per raw unit (metrics.NAME.resolution in the study)",
        )


def _largest(values: Integers) -> int:
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


@dataclass(frozen=True, slots=True)
class Rows:
    """(..., 6): every user's part of six sums; no number is further from 0 than `bound`."""

    parts: Integers
    bound: int

    def fit(self, users: int) -> bool:
        """Does an int64 hold the sums of so many users?"""
        return self.bound * users < 2**63


def _over_exposed(
    seen: Observed, study: Study, exposed: Flags, totals: dict[str, Integers]
) -> Iterator[tuple[str, Rows]]:
    """(metric, (U, K, 6)): every exposed user's part of `TickSums.exposed_sums`."""
    for plan in metric_plans(study):
        if plan.exposed is not None:
            reading = plan.exposed
            bottom = exposed.astype(np.int64) if reading.denominator == USERS else totals[reading.denominator]
            has = bottom > 0
            y = _value(plan.name, reading, totals[reading.numerator], bottom, has)
            yield plan.name, _rows(has, y, seen.exposed_covariates[plan.name][:, None])


def _exact(sums: NDArray[Any]) -> tuple[ExactSums, ExactSums]:
    """(2, 6) as Python's integers."""
    control, treatment = sums.tolist()
    return tuple(control), tuple(treatment)


def _rows(counted: Flags, y: Integers, covariate: Integers) -> Rows:
    """Every user's part of the sums n, y, yy, x, xx, xy; the shapes broadcast."""
    x = covariate * counted
    parts = np.stack([counted.astype(np.int64), y, y * y, x, x * x, x * y], axis=-1)
    return Rows(parts, max(1, _largest(y), _largest(covariate)) ** 2)


def _by_arm(rows: Rows, assigned: Assigned) -> NDArray[Any]:
    """(K, 2, 6), as Python's integers where an int64 does not hold them."""
    arms = [rows.parts[~assigned.treated], rows.parts[assigned.treated]]
    if rows.fit(assigned.treated.size):
        return np.stack([part.sum(axis=0) for part in arms], axis=1)
    return np.stack([np.array(exact_sums(part.transpose(1, 0, 2)), dtype=object) for part in arms], axis=1)


def _by_bucket(rows: Rows, assigned: Assigned, study: Study) -> Integers:
    """(K, 2, buckets, 6)."""
    looks, buckets = rows.parts.shape[1], study.statistics.buckets
    most = int(np.bincount(assigned.bucket, minlength=1).max())
    if not rows.fit(most):
        raise StudyError(
            f"the sums of {most} simulated users, as many as are in one bucket, leave an int64",
            "use more buckets (statistics.buckets), or give the metric fewer units per raw unit (metrics.NAME.resolution)",
        )
    sums = np.zeros((2 * buckets, looks * 6), dtype=np.int64)
    np.add.at(sums, assigned.treated * buckets + assigned.bucket, rows.parts.reshape(rows.parts.shape[0], -1))
    return sums.reshape(2, buckets, looks, 6).transpose(2, 0, 1, 3)


def _ratio_sums(counted: Flags, top: Integers, bottom: Integers, assigned: Assigned) -> NDArray[Any]:
    """(K, 2, 6) in the order of `RATIO_COLUMNS`."""
    s, m = top * counted, bottom * counted
    parts = np.stack([counted.astype(np.int64), s, m, s * s, m * m, s * m], axis=-1)
    return _by_arm(Rows(parts, max(1, _largest(s), _largest(m)) ** 2), assigned)


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


def changes_with_sessions(seen: Observed, study: Study) -> bool:
    """Does the primary change whenever a session closes, and at no other time?"""
    reading = metric_plan(study, study.decision.primary).included
    return not {reading.numerator, reading.denominator} & seen.daily.keys()


def watched(seen: Observed, assigned: Assigned, study: Study) -> NDArray[Any]:
    """The primary's sums after every closed session, (S, 2, 6), control first: what the display sees live.

    Each close replaces the user's value by the next: the third close of a user adds all three. Float64 where an int64
    does not hold the sums. Not for a primary of totals over days, which change at midnights: `changes_with_sessions`.
    """
    name = study.decision.primary
    reading = metric_plan(study, name).included
    order = np.lexsort((seen.due, seen.user))  # within each user by close
    user = seen.user[order]
    first = np.searchsorted(user, np.arange(assigned.treated.size))[user]  # where the user's sessions begin
    number = np.arange(user.size) - first + 1

    def so_far(total: str) -> Integers:
        """(S,): the user's total with that close."""
        if total == USERS:
            return np.ones_like(number)
        if total == SESSIONS:
            return number
        running: Integers = np.cumsum(seen.measures[total][order])
        before: Integers = np.concatenate([[0], running])[first]
        return running - before

    top, bottom = so_far(reading.numerator), so_far(reading.denominator)
    counted = (number >= study.experiment.minimum_sessions) & (bottom > 0)
    after = _rows(counted, _value(name, reading, top, bottom, counted), seen.covariates[name][user])
    exact = after.fit(assigned.treated.size)
    change: NDArray[Any] = after.parts.astype(np.int64 if exact else np.float64)
    change[1:] -= np.where((number[1:] > 1)[:, None], after.parts[:-1], 0)
    in_time = np.argsort(seen.due[order], kind="stable")
    arms = assigned.treated[user][in_time][:, None, None] == np.array([[[False], [True]]])
    return np.cumsum(change[in_time][:, None, :] * arms, axis=0)
