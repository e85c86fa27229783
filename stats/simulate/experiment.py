"""One simulated experiment: its sessions as the sums of every tick, and the verdicts that the engine makes of them.

The sums are built for all looks at once with numpy, in the integer units of `livelift.user_value`; everything that judges
is the live code: the assignment's hashes, `stats.engine.step`, the flips, the display.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livelift.assignment import TREATMENT, bucket_of, variant_of
from livelift.event_time import DAY, SECOND
from livelift.study import Metric, Study
from livelift.tick_sums import ExactSums, InputCounts, Moments, TickSums
from livelift.user_value import count_covariate, duration_covariate, mean_deciseconds, millionths, sum_covariate
from stats.moments import from_sums
from stats.simulate.regimes import Sessions

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
    covariates
        Metric → (U,) integers.
    sum_covariate
        (U,) integers: that of the primary's sum per exposed user.
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
    sum_covariate: Integers
    returns: tuple[Integers, Integers]
    exposed: Integers


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
    covariates = {
        name: covariate(metric, sessions.pre_seconds, sessions.pre_sessions, study)
        for name, metric in study.metrics.items()
    }
    active = np.zeros((sessions.users, days), dtype=np.bool_)
    for moment in (sessions.start, sessions.start + seconds * SECOND):
        active[sessions.user, np.minimum(moment // DAY, days - 1)] = True
    # A session is in the sums of midnight M if due < M, strictly; the last look waits for every session.
    look = np.minimum(due // DAY + 1, days)
    exposed = np.full(sessions.users, days + 1)
    np.minimum.at(exposed, sessions.user, look)
    of_sums = covariate_of_sums(sessions.pre_seconds, study)
    return Observed(sessions.user, due, look, measures, covariates, of_sums, _returns(active), exposed)


def covariate(metric: Metric, pre_seconds: Integers, pre_sessions: Integers, study: Study) -> Integers:
    """(U,): the covariate of a metric, in its unit, from every user's totals of the pre-period."""
    prior, users = study.statistics.prior_session_seconds, range(pre_sessions.size)
    seconds, number = pre_seconds.tolist(), pre_sessions.tolist()
    if metric.kind == "session_mean" and metric.measure == "seconds":
        return np.array([duration_covariate(seconds[user], number[user], prior) for user in users], dtype=np.int64)
    if metric.kind == "session_count":
        return np.array([count_covariate(number[user]) for user in users], dtype=np.int64)
    return np.zeros(pre_sessions.size, dtype=np.int64)


def covariate_of_sums(pre_seconds: Integers, study: Study) -> Integers:
    """(U,): the covariate of the primary's sum per exposed user, from every user's seconds of the pre-period."""
    if study.metrics[study.decision.primary].measure != "seconds":
        return np.zeros(pre_seconds.size, dtype=np.int64)
    prior = study.statistics.prior_session_seconds
    return np.array([sum_covariate(seconds, prior) for seconds in pre_seconds.tolist()], dtype=np.int64)


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
    totals = {measure: so_far(values) for measure, values in seen.measures.items()}
    user_sums, classic, ratios = {}, {}, {}
    for name, metric in study.metrics.items():
        top, bottom = _parts(metric, totals, number, seen.returns)
        counted = included & (bottom > 0)
        y = np.where(counted, _value(metric, top, np.maximum(bottom, 1)), 0)
        rows = _rows(counted, y, seen.covariates[name][:, None])
        in_full = name == study.decision.primary
        user_sums[name] = _by_bucket(rows, assigned, study) if in_full else _by_arm(rows, assigned)
        if metric.kind in ("session_mean", "user_ratio"):
            ratios[name] = _ratio_sums(included, top, bottom, assigned)
        squares = so_far(seen.measures[metric.measure] ** 2) if metric.kind == "session_mean" else None
        classic[name] = _classic(metric, top, bottom, squares, counted, assigned)
    exposed = seen.exposed[:, None] <= np.arange(1, looks + 1)
    of_exposed = {
        name: _by_arm(rows, assigned)[:, :, 0, :] for name, rows in _over_exposed(seen, study, exposed, totals, number)
    }
    per_arm = {
        "exposed": _count(exposed, assigned),
        "included": _count(included, assigned),
        "sessions": _count(number * included, assigned),
        "plays": _count(totals["plays"] * included, assigned),
    }
    closed = np.bincount(seen.look, minlength=looks + 1)[1:].cumsum()
    single = np.bincount(seen.look[seen.measures["plays"] == 1], minlength=looks + 1)[1:].cumsum()
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
    seen: Observed, study: Study, exposed: Flags, totals: dict[str, Integers], number: Integers
) -> Iterator[tuple[str, Integers]]:
    """(metric, (U, K, 6)): every exposed user's part of `TickSums.exposed_sums`."""
    eligible, returned = seen.returns
    for name, metric in study.metrics.items():
        x = seen.covariates[name][:, None]
        if metric.kind == "session_count":
            yield name, _rows(exposed, number * exposed, x)
        elif metric.kind == "next_day_return":
            resolved = eligible > 0
            y = np.where(resolved, _value(metric, returned, np.maximum(eligible, 1)), 0)
            yield name, _rows(resolved, y, x)
        elif metric.kind == "session_mean" and name == study.decision.primary:
            yield name, _rows(exposed, totals[metric.measure] * exposed, seen.sum_covariate[:, None])


def _exact(sums: Integers) -> tuple[ExactSums, ExactSums]:
    """(2, 6) as Python's integers."""
    control, treatment = sums.tolist()
    return tuple(control), tuple(treatment)


def _parts(
    metric: Metric, totals: dict[str, Integers], number: Integers, returns: tuple[Integers, Integers]
) -> tuple[Integers, Integers]:
    """Numerator and denominator of the user's value, (U, K) each."""
    if metric.kind == "session_mean":
        return totals[metric.measure], number
    if metric.kind == "user_ratio":
        return totals[metric.measure], totals[metric.per]
    if metric.kind == "session_count":
        return number, np.ones_like(number)
    eligible, returned = returns
    return returned, eligible


def _value(metric: Metric, top: Integers, bottom: Integers) -> Integers:
    """The user's value in integer units: `livelift.user_value`'s own functions, which take arrays as they take numbers."""
    if metric.kind == "session_count":
        return top
    rounded = mean_deciseconds if metric.kind == "session_mean" and metric.measure == "seconds" else millionths
    values: Integers = rounded(top, bottom)  # type: ignore[arg-type, assignment]
    return values


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
    metric: Metric, top: Integers, bottom: Integers, squares: Integers | None, counted: Flags, assigned: Assigned
) -> list[tuple[Moments, Moments]]:
    """Moments of (control, treatment) at every look: over sessions where there are session squares, else over users."""
    if squares is not None:
        n, total, square = (_count(part * counted, assigned) for part in (bottom, top, squares))
        return [
            (_moments(n, total, square, 0, look, metric), _moments(n, total, square, 1, look, metric))
            for look in range(top.shape[1])
        ]
    rates = np.where(counted, top / np.maximum(bottom, 1), 0.0) / metric.divide_by
    return [
        (_of_users(rates[:, look], counted[:, look] & ~assigned.treated),
         _of_users(rates[:, look], counted[:, look] & assigned.treated))
        for look in range(top.shape[1])
    ]  # fmt: skip


def _moments(n: Integers, total: Integers, square: Integers, arm: int, look: int, metric: Metric) -> Moments:
    return from_sums(int(n[arm, look]), int(total[arm, look]), int(square[arm, look]), metric.divide_by)


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
    metric = study.metrics[name]
    order = np.lexsort((seen.due, seen.user))  # within each user by close
    user = seen.user[order]
    first = np.searchsorted(user, np.arange(assigned.treated.size))[user]  # where the user's sessions begin
    number = np.arange(user.size) - first + 1
    running = np.cumsum(seen.measures[metric.measure][order])
    before = np.concatenate([[0], running])[first]
    counted = number >= study.experiment.minimum_sessions
    y = np.where(counted, _value(metric, running - before, number), 0)
    after = _rows(counted, y, seen.covariates[name][user])
    change = after.copy()
    change[1:] -= np.where((number[1:] > 1)[:, None], after[:-1], 0)
    in_time = np.argsort(seen.due[order], kind="stable")
    arms = assigned.treated[user][in_time][:, None, None] == np.array([[[False], [True]]])
    return np.cumsum(change[in_time][:, None, :] * arms, axis=0)
