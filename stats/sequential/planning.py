"""Planning figures with the users that a study has: needed and detectable lifts, power, days to the boundary."""

from math import log1p

import numpy as np

from livelift.document.progress import Planning
from livelift.study import Study
from stats.estimates import power
from stats.estimates.estimates import Estimate, direction
from stats.estimates.user_means import as_lift
from stats.sequential.boundaries import constants, harm_spending, obrien_fleming
from stats.sequential.clock import Clock, reachable


def read_planning(study: Study, estimate: Estimate, clock: Clock) -> Planning:
    """What the study can find with the precision it has, and at its planned end."""
    if estimate.log_lift is None or estimate.se is None:
        return Planning(
            needed_lift=None,
            needed_lift_at_end=None,
            minimum_detectable_effect=None,
            power_at_rule=None,
            power_at_estimate=None,
            days_to_boundary=None,
        )
    every = constants(clock.times, study.decision.alpha / 2, obrien_fleming)
    limit = reachable(study, clock.times, obrien_fleming)[clock.look - 1] if clock.look else np.inf
    at_end = power.end_standard_error(estimate.se, clock.information, study.statistics.planned_standard_error)
    toward = direction(study)
    rule = toward * log1p(toward * study.decision.minimum_lift)
    return Planning(
        needed_lift=as_lift(toward * limit * estimate.se) if np.isfinite(limit) else None,
        needed_lift_at_end=as_lift(toward * every[-1] * estimate.se),
        minimum_detectable_effect=as_lift(toward * power.detectable(estimate.se, every[-1])),
        power_at_rule=power.power_of(rule, at_end, every[-1]),
        power_at_estimate=power.power_of(toward * estimate.log_lift, at_end, every[-1]),
        days_to_boundary=_days_to_boundary(study, toward * estimate.log_lift, estimate.se, clock),
    )


def _days_to_boundary(study: Study, improvement: float, se: float, clock: Clock) -> int | None:
    """Toward *ship* for a better estimate, toward *harm* for a worse one; `improvement` on the log scale."""
    if not clock.look:
        return None
    spending = obrien_fleming if improvement >= 0 else harm_spending
    limits = reachable(study, clock.times, spending)
    return power.days_to_boundary(
        abs(improvement) / se, se, limits, clock.look, study.statistics.planned_standard_error
    )
