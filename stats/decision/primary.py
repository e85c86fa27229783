"""Evaluates the primary metric: estimate, intervals, boundaries, and the three ways to count its lift."""

import numpy as np

from livelift.document.readings import Crossed, Lift, PerExposedUser, Primary
from livelift.plan import metric_plan
from livelift.study import Study
from livelift.tick_sums import TickSums
from stats.estimates import mixture, user_means
from stats.estimates.classic import classic
from stats.estimates.estimates import (
    Estimate,
    LowestP,
    Totals,
    direction,
    estimate_of,
    interval_of,
    p_of,
    plain_estimate,
    ratio_of,
    unreadable,
)
from stats.estimates.user_means import as_lift
from stats.sequential.boundaries import constants, harm_spending, obrien_fleming
from stats.sequential.clock import Clock
from stats.words.formatting import percent

LEAST_GAIN = 0.0005
"""Share of the variance below which the adjustment is not worth a word."""


def tail_constants(study: Study, clock: Clock) -> tuple[float, float]:
    """The constants on Z toward *ship* and toward *harm* at the clock's look; inf where nothing is spent."""
    half = study.decision.alpha / 2
    ship, harm = (
        constants(clock.times, half, spending)[clock.look - 1] for spending in (obrien_fleming, harm_spending)
    )
    return ship, harm


def read_primary(
    sums: TickSums, study: Study, totals: Totals, estimate: Estimate, clock: Clock, lowest: LowestP, ship: Crossed,
    harm: Crossed,
) -> Primary:  # fmt: skip
    """The primary's reading: estimate, always-valid layer, the look's constants and interval, both tails."""
    name, toward = study.decision.primary, direction(study)
    control, treatment = totals[name]
    up = down = at_least = interval = None
    if clock.look:
        up, down = tail_constants(study, clock)
        # At its own crossing the study lies beyond the re-assignments' limit: the interval must not deny it.
        up = up if ship.limit is None or ship.at != clock.look else min(up, ship.limit)
        down = down if harm.limit is None or harm.at != clock.look else min(down, harm.limit)
    if estimate.log_lift is not None and estimate.variance is not None and estimate.se is not None:
        rho = mixture.tuned_rho(study.statistics.planned_standard_error)
        below = float(mixture.one_sided_radius(estimate.variance, rho, study.decision.alpha))
        bound = as_lift(estimate.log_lift - toward * below)
        at_least = toward * bound if np.isfinite(bound) else None
        if up is not None and down is not None and np.isfinite(up) and np.isfinite(down):
            low, high = (up, down) if toward > 0 else (down, up)
            ends = as_lift(estimate.log_lift - low * estimate.se), as_lift(estimate.log_lift + high * estimate.se)
            interval = ends if np.isfinite(ends[1]) else None
    plain, everyone = plain_estimate(control, treatment, study), _per_exposed_user(sums, study)
    means = user_means.adjusted_means(control, treatment, metric_plan(study, name).units)
    gain = None
    if estimate.variance is not None and plain.variance is not None:
        gain = 1.0 - estimate.variance / plain.variance
    cause = unreadable(control, treatment, study.statistics.minimum_users, estimate.log_lift is not None)
    return Primary(
        metric=name,
        users=estimate.users,
        control=None if means is None else means.control,
        treatment=None if means is None else means.treatment,
        lift=-1.0 if cause == "zero_treatment" else estimate.lift,
        cause=cause,
        ratio=ratio_of(sums, study, name),
        log_lift=estimate.log_lift,
        se=estimate.se,
        z=estimate.z,
        theta=estimate.theta,
        difference=user_means.difference(control, treatment, metric_plan(study, name).units),
        p=p_of(estimate, study),
        p_lowest=lowest.p,
        ci=interval_of(estimate, study),
        at_least=at_least,
        boundary=up,
        harm_boundary=down,
        interval=interval,
        lifts=_lifts(sums, study, plain, estimate, everyone, gain),
        adjustment_gain=gain,
        per_exposed_user=everyone,
        ship=ship,
        harm=harm,
        estimate=estimate.lift,
    )


def _lifts(
    sums: TickSums,
    study: Study,
    plain: Estimate,
    adjusted: Estimate,
    everyone: PerExposedUser | None,
    gain: float | None,
) -> tuple[Lift, ...]:
    """The primary's lift by each way to count, and what makes them differ."""
    name = study.decision.primary
    found = []
    if metric_plan(study, name).classic_unit == "session":
        of_sessions = classic(*sums.classic[name])
        words = "every session counts the same, so users with many sessions weigh most; the interval holds for one look"
        found.append(Lift(name="sessions", lift=of_sessions.lift, ci=of_sessions.lift_ci95, words=words))
    found.append(Lift(name="users", lift=plain.lift, ci=interval_of(plain, study), words="every user counts the same"))
    if metric_plan(study, name).included.covariate is None:
        words = "the same: this metric has no covariate from before the period; this one decides"
    elif gain is None or gain < LEAST_GAIN:
        words = "the same, adjusted by what users did before the period, which tells nothing here: this one decides"
    else:
        won = percent(gain, signed=False)
        words = f"the same, adjusted by what users did before the period, which takes away {won} of the variance: this one decides"
    found.append(Lift(name="users_adjusted", lift=adjusted.lift, ci=interval_of(adjusted, study), words=words))
    if everyone is not None:
        words = (
            f"{study.metrics[name].unit} in all per exposed user, also of those who are left out (intention to treat)"
        )
        found.append(Lift(name="per_exposed_user", lift=everyone.lift, ci=everyone.ci, words=words))
    return tuple(found)


def _per_exposed_user(sums: TickSums, study: Study) -> PerExposedUser | None:
    """The primary's intention-to-treat companion, in the shown unit; only a mean over sessions has one."""
    name = study.decision.primary
    plan = metric_plan(study, name)
    if not plan.has_total or name not in sums.exposed_sums:
        return None
    control, treatment = sums.exposed_sums[name]
    if min(control[0], treatment[0]) == 0:
        return None
    estimate = estimate_of(control, treatment, study)
    return PerExposedUser(
        control=control[1] / control[0] / plan.divide_by,
        treatment=treatment[1] / treatment[0] / plan.divide_by,
        lift=estimate.lift,
        ci=interval_of(estimate, study),
    )


def is_clear(primary: Primary, study: Study, harm: bool) -> bool:
    """Does the statistic lie beyond this look's boundary toward *harm*, or toward *ship*?

    Without a logarithm (a mean of 0) there is an order only, and the crossing is as clear as it can be.
    """
    constant = primary.harm_boundary if harm else primary.boundary
    if primary.z is None or constant is None:
        return primary.cause in ("zero_control", "zero_treatment", "no_spread")
    return (-1 if harm else 1) * direction(study) * primary.z > constant
