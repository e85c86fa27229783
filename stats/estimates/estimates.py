"""A metric's log lift at a tick, from exact sums, with its always-valid p and interval."""

from dataclasses import dataclass

import msgspec
import numpy as np

from livelift.document.readings import Cause, Interval, Welch
from livelift.study import Study
from livelift.tick_sums import ExactSums, TickSums
from stats.estimates import mixture, ratio, user_means
from stats.estimates.user_means import as_lift, known
from stats.sums.user_changes import exact_sums


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's log lift at a tick: users of (control, treatment), L, its variance, θ; None where missing."""

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

    @property
    def lift(self) -> float | None:
        return None if self.log_lift is None else as_lift(self.log_lift)


Totals = dict[str, tuple[ExactSums, ExactSums]]
"""Metric → exact sums over the included users of (control, treatment)."""


def totals_of(sums: TickSums) -> Totals:
    """The sums over all buckets, exact whatever their size: the cost of reading them does not grow with users."""
    return {name: _of_arms(exact_sums(rows)) for name, rows in sums.users.items()}


def _of_arms(rows: list[list[int]]) -> tuple[ExactSums, ExactSums]:
    control, treatment = rows
    return tuple(control), tuple(treatment)


def estimate_of(control: ExactSums, treatment: ExactSums, study: Study) -> Estimate:
    """The adjusted log lift of user means."""
    arms = np.array([control, treatment], dtype=np.float64)
    found = user_means.log_lift(arms[0], arms[1], study.statistics.minimum_users)
    return Estimate((control[0], treatment[0]), known(found.value), known(found.variance), known(found.theta))


def plain_estimate(control: ExactSums, treatment: ExactSums, study: Study) -> Estimate:
    """The log lift of user means without the covariate."""
    plain = [(*sums[:3], 0, 0, 0) for sums in (control, treatment)]
    return estimate_of(plain[0], plain[1], study)


class LowestP(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of the always-valid layer over the ticks: the lowest p, against *no effect ever*; None before the first."""

    p: float | None = None

    def after(self, estimate: Estimate, study: Study) -> "LowestP":
        """With one more tick's estimate; unchanged where that is missing."""
        p = p_of(estimate, study)
        if p is None:
            return self
        return LowestP(p if self.p is None else min(self.p, p))


def p_of(estimate: Estimate, study: Study) -> float | None:
    """The always-valid p of an estimate; None where it is missing."""
    if estimate.log_lift is None or estimate.variance is None:
        return None
    rho = mixture.tuned_rho(study.statistics.planned_standard_error)
    return float(mixture.p_value(estimate.log_lift, estimate.variance, rho))


def interval_of(estimate: Estimate, study: Study) -> Interval | None:
    """The always-valid interval of an estimate as lifts; None where it is missing, or has no upper end."""
    if estimate.log_lift is None or estimate.variance is None:
        return None
    rho = mixture.tuned_rho(study.statistics.planned_standard_error)
    width = float(mixture.radius(estimate.variance, rho, study.decision.alpha))
    high = as_lift(estimate.log_lift + width)
    return (as_lift(estimate.log_lift - width), high) if np.isfinite(high) else None


def direction(study: Study) -> int:
    """+1 where a higher primary is better, else −1."""
    return 1 if study.metrics[study.decision.primary].higher_is_better else -1


def unreadable(control: ExactSums, treatment: ExactSums, minimum_users: int, readable: bool) -> Cause | None:
    """Why a metric's means cannot be compared; None where they can (`readable`)."""
    if readable:
        return None
    if min(control[0], treatment[0]) < max(minimum_users, 2):
        return "few_values"
    if control[1] == treatment[1] == 0:
        return "all_zero"
    if control[1] == 0 or treatment[1] == 0:
        return "zero_control" if control[1] == 0 else "zero_treatment"
    return "all_equal" if control[1] * treatment[0] == treatment[1] * control[0] else "no_spread"


def ratio_of(sums: TickSums, study: Study, name: str) -> Welch | None:
    return ratio.compare(sums.ratios[name], study.metrics[name].divide_by) if name in sums.ratios else None
