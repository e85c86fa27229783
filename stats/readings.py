"""From the sums of a tick to the readings of a verdict: what is known of each metric, of the health, and of the plan."""

from dataclasses import dataclass
from math import log1p

import msgspec
import numpy as np

from livelift.assignment import VARIANTS
from livelift.study import Study
from livelift.tick_sums import InputCounts, TickSums
from livelift.user_value import DECISECONDS, MILLIONTHS
from stats import mixture, power, ratio, user_means
from stats.boundaries import Spending, constants, crossings, harm_spending, obrien_fleming
from stats.classic import Interval, Welch, classic
from stats.guardrails import boundary, gate, status, worsening
from stats.sample_ratio import fixed_p, sequential_p
from stats.user_means import as_lift, known
from stats.verdict import Crossed, Guardrail, Health, Planning, Primary, Sequential

NOT_CHOSEN = "not_selected"
"""Rows that the person left out with --from/--to are neither good nor bad."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a verdict stands in the registered looks.

    Attributes
    ----------
    look
        Looks taken, this one included; 0 before the first.
    times
        Information times of the looks as planned, or as closed early.
    now
        Is a look taken at this tick?
    """

    look: int
    times: tuple[float, ...]
    now: bool

    @property
    def information(self) -> float:
        return self.times[self.look - 1] if self.look else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric at a tick: users of (control, treatment), L, its variance, θ; None where missing."""

    users: tuple[int, int]
    log_lift: float | None
    variance: float | None
    theta: float | None

    @property
    def se(self) -> float | None:
        return None if self.variance is None else float(np.sqrt(self.variance))

    @property
    def z(self) -> float | None:
        return None if self.log_lift is None or self.se is None else self.log_lift / self.se


def estimate_metrics(sums: TickSums, study: Study) -> dict[str, Estimate]:
    """Every metric's adjusted log lift, from totals over the buckets: the cost does not grow with users."""
    # (metrics, 2, 6), in float64: exact to 2⁵³, and above, where int64 would overflow, to 16 digits.
    totals = np.stack([sums.users[name].sum(axis=1, dtype=np.float64) for name in study.metrics])
    lifts = user_means.log_lift(totals[:, 0], totals[:, 1], study.statistics.minimum_users)
    return {
        name: Estimate(
            (int(totals[row, 0, 0]), int(totals[row, 1, 0])),
            known(lifts.value[row]),
            known(lifts.variance[row]),
            known(lifts.theta[row]),
        )
        for row, name in enumerate(study.metrics)
    }


class Display(msgspec.Struct, frozen=True, array_like=True):
    """The always-valid layer as kept over the ticks: running minimum of p, running intersection of L's interval.

    `low` above `high`: the intervals of the ticks have no point in common.
    """

    p: float = 1.0
    low: float | None = None
    high: float | None = None

    def after(self, estimate: Estimate, study: Study) -> "Display":
        """The display with one more tick's estimate; unchanged where that is missing."""
        if estimate.log_lift is None or estimate.variance is None:
            return self
        rho = mixture.tuned_rho(study.statistics.planned_standard_error)
        width = float(mixture.radius(estimate.variance, rho, study.decision.alpha))
        low, high = estimate.log_lift - width, estimate.log_lift + width
        return Display(
            min(self.p, float(mixture.p_value(estimate.log_lift, estimate.variance, rho))),
            low if self.low is None else max(self.low, low),
            high if self.high is None else min(self.high, high),
        )

    @property
    def ci(self) -> Interval | None:
        """The intersection as lifts; None while unknown or empty."""
        if self.low is None or self.high is None or self.low > self.high:
            return None
        return as_lift(self.low), as_lift(self.high)


def _sequential(sums: TickSums, study: Study, name: str, estimate: Estimate) -> Sequential:
    metric = study.metrics[name]
    beside = ratio.compare(sums.ratios[name], metric.divide_by) if name in sums.ratios else None
    return Sequential(
        metric=name,
        users=estimate.users,
        log_lift=estimate.log_lift,
        se=estimate.se,
        z=estimate.z,
        theta=estimate.theta,
        lift=None if estimate.log_lift is None else as_lift(estimate.log_lift),
        ratio=beside,
    )


def read_primary(
    sums: TickSums, study: Study, estimate: Estimate, clock: Clock, display: Display, ship: Crossed, harm: Crossed
) -> Primary:
    """The primary's reading: estimate, always-valid layer, the look's constant and interval, both tails."""
    name, decision = study.decision.primary, study.decision
    limit = (
        constants(clock.times, decision.alpha, obrien_fleming, two_sided=True)[clock.look - 1] if clock.look else None
    )
    at_least = interval = p_now = None
    if estimate.log_lift is not None and estimate.variance is not None and estimate.se is not None:
        rho = mixture.tuned_rho(study.statistics.planned_standard_error)
        p_now = float(mixture.p_value(estimate.log_lift, estimate.variance, rho))
        toward = 1 if study.metrics[name].higher_is_better else -1
        below = float(mixture.one_sided_radius(estimate.variance, rho, decision.alpha))
        at_least = as_lift(toward * estimate.log_lift - below)
        if limit is not None:
            width = limit * estimate.se
            interval = as_lift(estimate.log_lift - width), as_lift(estimate.log_lift + width)
    return Primary(
        **msgspec.structs.asdict(_sequential(sums, study, name, estimate)),
        difference=_difference(sums, study),
        p=display.p if display.low is not None else None,
        p_now=p_now,
        ci=display.ci,
        at_least=at_least,
        boundary=limit,
        interval=interval,
        ship=ship,
        harm=harm,
    )


UNITS = {"seconds": DECISECONDS}
"""Integer units of a user's value per raw unit (`livelift.user_value`): deciseconds; other rates are in millionths."""


def integer_units(study: Study, name: str) -> int:
    """Integer units of a metric's user value per shown unit: 600 deciseconds a minute.

    >>> from livelift.study import load_study
    >>> integer_units(load_study("lastfm"), "session_duration"), integer_units(load_study("lastfm"), "skip_rate")
    (600, 1000000)
    """
    metric = study.metrics[name]
    if metric.kind == "session_count":
        return metric.divide_by
    per_raw = UNITS.get(metric.measure, MILLIONTHS) if metric.kind == "session_mean" else MILLIONTHS
    return per_raw * metric.divide_by


def _difference(sums: TickSums, study: Study) -> Welch | None:
    name = study.decision.primary
    control, treatment = sums.users[name].sum(axis=1)
    return user_means.difference(control, treatment, integer_units(study, name))


def margin_z(study: Study, name: str, estimate: Estimate) -> float | None:
    """Z_g = (h − m)/SE of a guardrail, h its worsening and m = ln(1 + margin); None while it cannot be read.

    >>> from livelift.study import load_study
    >>> round(margin_z(load_study("lastfm"), "skip_rate", Estimate((500, 500), 0.1, 0.0064, 0.0)), 3)
    1.126
    """
    if estimate.log_lift is None or estimate.se is None:
        return None
    margin = log1p(study.decision.guardrail_margin)
    return (worsening(estimate.log_lift, study.metrics[name].higher_is_better) - margin) / estimate.se


def read_guardrails(
    sums: TickSums, study: Study, estimates: dict[str, Estimate], clock: Clock, failed: dict[str, int]
) -> dict[str, Guardrail]:
    """Every guardrail's reading, in the study's order."""
    alpha, number = study.decision.guardrail_alpha, len(study.guardrails)
    every = {name: margin_z(study, name, estimates[name]) for name in study.guardrails}
    readable = {name: z for name, z in every.items() if z is not None}
    # A guardrail that cannot be read counts in Holm's number with p = 1.
    fixed = gate({name: readable.get(name, -np.inf) for name in study.guardrails})
    limit = safe = None
    if clock.look:
        limit = boundary(max(number - len(failed), 1), clock.times, clock.look, alpha)
        safe = boundary(1, clock.times, clock.look, alpha)
    found = {}
    for name in study.guardrails:
        estimate, z = estimates[name], readable.get(name)
        h = at_most = safe_z = None
        if z is not None and estimate.log_lift is not None and estimate.se is not None:
            h = worsening(estimate.log_lift, study.metrics[name].higher_is_better)
            safe_z = -z
            at_most = None if safe is None else as_lift(h + safe * estimate.se)
        p, p_holm = fixed[name] if z is not None else (None, None)
        found[name] = Guardrail(
            **msgspec.structs.asdict(_sequential(sums, study, name, estimate)),
            worsening=None if h is None else as_lift(h),
            worsening_log=h,
            margin_z=z,
            boundary=limit,
            p=p,
            p_holm=p_holm,
            at_most=at_most,
            status=status(name in failed, p_holm, safe_z, alpha, np.inf if safe is None else safe),
            failed_at=failed.get(name),
        )
    return found


def read_health(sums: TickSums, study: Study, lowest: float | None) -> Health:
    """Sample ratio of exposed and of included users, shares of late and rejected rows, and the health of the exposure.

    `lowest` is the smallest sequential p of the earlier ticks.
    """
    late, rejected = _shares(sums.counts)
    now = fixed = inclusion = None
    if study.experiment.assignment == "randomised":
        share = study.experiment.control_percent / 100
        concentration = study.health.sample_ratio_concentration
        now = sequential_p(sums.exposed, (share, 1 - share), concentration)
        fixed = fixed_p(sums.exposed, (share, 1 - share))
        lowest = now if lowest is None else min(now, lowest)
        if min(sums.exposed) > 0:
            seen = sums.exposed[0] / sum(sums.exposed)
            inclusion = sequential_p(sums.included, (seen, 1 - seen), concentration)
    return Health(
        sample_ratio_p=now,
        sample_ratio_p_lowest=lowest,
        sample_ratio_p_fixed=fixed,
        inclusion_p=inclusion,
        late_share=late,
        rejected_share=rejected,
        excluded_share=_excluded(sum(sums.included), sum(sums.exposed)),
        excluded_shares={
            variant: _excluded(sums.included[arm], sums.exposed[arm]) for arm, variant in enumerate(VARIANTS)
        },
        one_event_share=sums.sessions_one_event / sums.sessions_in_period if sums.sessions_in_period else None,
        users_in_both=sums.users_in_both,
    )


def _excluded(included: int, exposed: int) -> float | None:
    return 1.0 - included / exposed if exposed else None


def _shares(counts: InputCounts) -> tuple[float | None, float | None]:
    """Late and rejected rows as shares of the selected rows."""
    rows = counts.rows - counts.rejected.get(NOT_CHOSEN, 0)
    if rows <= 0:
        return None, None
    rejected = sum(number for reason, number in counts.rejected.items() if reason != NOT_CHOSEN)
    return counts.late / rows, rejected / rows


def read_planning(study: Study, estimate: Estimate, clock: Clock) -> Planning:
    """What the study can find with the precision it has, and at its planned end."""
    if estimate.log_lift is None or estimate.se is None:
        return Planning(
            needed_lift=None,
            minimum_detectable_effect=None,
            power_at_rule=None,
            power_at_estimate=None,
            days_to_boundary=None,
        )
    every = constants(clock.times, study.decision.alpha, obrien_fleming, two_sided=True)
    limit = _reachable(study, clock.times, obrien_fleming, every)[clock.look - 1] if clock.look else np.inf
    at_end = power.end_standard_error(estimate.se, clock.information, study.statistics.planned_standard_error)
    toward = 1 if study.metrics[study.decision.primary].higher_is_better else -1
    return Planning(
        needed_lift=power.needed_lift(estimate.se, limit) if np.isfinite(limit) else None,
        minimum_detectable_effect=power.minimum_detectable_effect(estimate.se, every[-1]),
        power_at_rule=power.power_of(study.decision.minimum_lift, at_end, every[-1]),
        power_at_estimate=power.power_of(as_lift(toward * estimate.log_lift), at_end, every[-1]),
        days_to_boundary=_days_to_boundary(study, toward * estimate.log_lift, estimate.se, clock),
    )


def _days_to_boundary(study: Study, improvement: float, se: float, clock: Clock) -> int | None:
    """Toward *ship* for a better estimate, toward *harm* for a worse one; `improvement` on the log scale."""
    if not clock.look:
        return None
    spending = obrien_fleming if improvement >= 0 else harm_spending
    limits = _reachable(study, clock.times, spending, constants(clock.times, study.decision.alpha / 2, spending))
    return power.days_to_boundary(
        abs(improvement) / se, se, limits, clock.look, study.statistics.planned_standard_error
    )


def _reachable(
    study: Study, times: tuple[float, ...], spending: Spending, limits: tuple[float, ...]
) -> tuple[float, ...]:
    """The constants `limits` of a tail of the primary; inf where its flips leave no crossing yet, whatever the estimate.

    A tail whose spent error is less than one flip's share lets nobody cross: with 2,000 flips and 61 looks *ship* opens at
    look 26 and *harm* at look 9.
    """
    if study.experiment.assignment == "observed":
        return limits
    allowed = crossings(times, study.decision.alpha / 2, spending, study.statistics.flips)
    return tuple(limit if most else np.inf for limit, most in zip(limits, allowed, strict=True))


def worse_classically(sums: TickSums, study: Study) -> list[str]:
    """Guardrails that the batch rule finds worse: by more than the margin with Welch's p below the guardrails' α."""
    worse = []
    for name in study.guardrails:
        reading = classic(*sums.classic[name])
        if reading.lift is None or reading.p is None:
            continue
        change = -reading.lift if study.metrics[name].higher_is_better else reading.lift
        if change > study.decision.guardrail_margin and reading.p < study.decision.guardrail_alpha:
            worse.append(name)
    return worse
