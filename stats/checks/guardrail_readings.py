"""Evaluates the guardrails at a tick: population, statistic, status."""

import numpy as np

from livelift.document.readings import Guardrail, Interval
from livelift.plan import metric_plan
from livelift.study import Study
from livelift.tick_sums import ExactSums, TickSums
from stats.checks.guardrails import boundary, gate, margin_z, ratio_error, status, worsening, worst
from stats.estimates import mixture, user_means
from stats.estimates.classic import classic
from stats.estimates.estimates import Totals, ratio_of, unreadable
from stats.estimates.user_means import AdjustedMeans
from stats.sequential.clock import Clock

Means = dict[str, AdjustedMeans | None]
"""Guardrail → adjusted means in its shown unit; None while an arm has too few users with a value."""


def read_guardrails(
    sums: TickSums, study: Study, totals: Totals, means: Means, clock: Clock, failed: dict[str, int]
) -> dict[str, Guardrail]:
    """Every guardrail's reading, in the study's order."""
    alpha, number = study.decision.guardrail_alpha, len(study.guardrails)
    readable = margin_statistics(study, means)
    # A guardrail that cannot be read counts in Holm's number with p = 1.
    fixed = gate({name: readable.get(name, -np.inf) for name in study.guardrails})
    limit = safe = np.inf
    if clock.look:
        limit = boundary(max(number - len(failed), 1), clock.times, clock.look, alpha)
        safe = boundary(1, clock.times, clock.look, alpha)
    awaited = min(sums.included) >= study.statistics.minimum_users
    found = {}
    for name in study.guardrails:
        mean, z, higher = means[name], readable.get(name), study.metrics[name].higher_is_better
        control, treatment = guardrail_sums(sums, study, totals, name)
        p, p_holm = fixed[name] if z is not None else (None, None)
        change = None if mean is None else worsening(mean, higher)
        lift = None if change is None else (-change if higher else change)
        se = None if mean is None else ratio_error(mean)
        found[name] = Guardrail(
            metric=name,
            users=(control[0], treatment[0]),
            lift=lift,
            cause=unreadable(control, treatment, study.statistics.minimum_users, z is not None),
            ratio=ratio_of(sums, study, name),
            population="exposed" if over_exposed(sums, study, name) else "included",
            control=None if mean is None else mean.control,
            treatment=None if mean is None else mean.treatment,
            se=se,
            ci=_interval(mean, se, study),
            worsening=change,
            margin_z=z,
            boundary=limit if clock.look else None,
            p=p,
            p_holm=p_holm,
            at_most=None if mean is None else worst(mean, safe, higher),
            status=status(
                name in failed, mean is not None or not awaited, p_holm, None if z is None else -z, alpha, safe
            ),
            failed_at=failed.get(name),
            estimate=lift,
        )
    return found


def _interval(mean: AdjustedMeans | None, se: float | None, study: Study) -> Interval | None:
    """The always-valid interval of a guardrail's lift: Fieller's, as wide in standard errors as the mixture asks.

    None where control's mean may be 0: no fraction of it is bounded then.
    """
    if mean is None or not se:
        return None
    rho = mixture.tuned_rho(study.statistics.planned_standard_error)
    width = float(mixture.radius(se * se, rho, study.decision.alpha)) / se
    low, high = worst(mean, width, higher_is_better=True), worst(mean, width, higher_is_better=False)
    return None if low is None or high is None else (max(-low, -1.0), high)


def over_exposed(sums: TickSums, study: Study, name: str) -> bool:
    """Is this guardrail read over all exposed users?"""
    return name in sums.exposed_sums and metric_plan(study, name).judged_over_exposed


def guardrail_sums(sums: TickSums, study: Study, totals: Totals, name: str) -> tuple[ExactSums, ExactSums]:
    """The sums over the users that the guardrail is read over: (control, treatment)."""
    return sums.exposed_sums[name] if over_exposed(sums, study, name) else totals[name]


def guardrail_means(sums: TickSums, study: Study, totals: Totals) -> Means:
    """The means of every guardrail, in the study's order."""
    return {name: _means_of(sums, study, totals, name) for name in study.guardrails}


def _means_of(sums: TickSums, study: Study, totals: Totals, name: str) -> AdjustedMeans | None:
    control, treatment = guardrail_sums(sums, study, totals, name)
    if min(control[0], treatment[0]) < max(study.statistics.minimum_users, 2):
        return None
    return user_means.adjusted_means(control, treatment, metric_plan(study, name).units)


def margin_statistics(study: Study, means: Means) -> dict[str, float]:
    """Z_g of each guardrail that can be read."""
    margin = study.decision.guardrail_margin
    found = {
        name: margin_z(mean, margin, study.metrics[name].higher_is_better)
        for name, mean in means.items()
        if mean is not None
    }
    return {name: z for name, z in found.items() if z is not None}


def worse_classically(sums: TickSums, study: Study) -> list[str]:
    """Guardrails that the batch rule finds worse: by more than the margin with Welch's p below the guardrails' α."""
    worse = []
    margin = study.decision.guardrail_margin
    for name in study.guardrails:
        control, treatment = sums.classic[name]
        p = classic(control, treatment).p
        sign = 1 if study.metrics[name].higher_is_better else -1
        beyond = sign * ((1 - sign * margin) * control.mean - treatment.mean) > 0
        if p is not None and beyond and p < study.decision.guardrail_alpha:
            worse.append(name)
    return worse
