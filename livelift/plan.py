"""A study's metrics, read once: which totals of a user each one divides, and how it is judged.

The only place where a metric's declaration is interpreted: statistics, simulator, words, pages and panels read the plan. The
batch oracle does not: it compiles the same declaration by its own code, so that an error here is seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

from livelift.covariates import count_covariate, duration_covariate, sum_covariate
from livelift.retention import LaterDay
from livelift.study import Metric, Study
from livelift.study_checks import SESSIONS as SESSIONS
from livelift.study_checks import USERS as USERS

DECISECONDS = 10
MILLIONTHS = 1_000_000
"""Integer units per raw unit."""

DURATION = "seconds"
"""The measure with a unit of its own, and a covariate: how long a session lasts."""


def retentions(study: Study) -> tuple[LaterDay, ...]:
    """What the study's metrics read that is known at the end of a later day, each once, in the study's order."""
    found = [metric.later_day for metric in study.metrics.values() if metric.later_day is not None]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Covariate:
    """x of a user: `value(sum of `measure` over the pre-period's sessions, their number)`; without a measure the sum is 0."""

    measure: str
    value: Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Reading:
    """A user's value: total `numerator` / total `denominator` in integer units of 1 / `scale`, halves up.

    A user whose denominator is 0 has none. `covariate` None: 0 for all.
    """

    numerator: str
    denominator: str
    scale: int
    covariate: Covariate | None = None


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """How one metric is read.

    included
        The reading over included users: what the decision is made of.
    exposed
        The reading over all exposed users, where there is one.
    judged_over_exposed
        Is a guardrail of this metric judged by `exposed`? Sessions and returns are: both depend on who stays.
    has_total
        Is `exposed` a sum per user beside a mean over sessions: its intention-to-treat companion?
    classic_unit
        What the classic reading takes for independent.
    has_ratio
        Is there a ratio reading, ΣS / ΣN?
    counts
        Is the value a whole number, so that its classic moments follow exactly from the sums of y, and a population's total
        from its mean?
    units
        Integer units of a user's value per shown unit: 600 deciseconds a minute.
    divide_by
        Raw value / divide_by = shown value.
    """

    name: str
    included: Reading
    exposed: Reading | None
    judged_over_exposed: bool
    has_total: bool
    classic_unit: Literal["session", "user"]
    has_ratio: bool
    counts: bool
    divide_by: int

    @property
    def units(self) -> int:
        return self.included.scale * self.divide_by

    @property
    def session_measure(self) -> str | None:
        """What a session's own value is, where the classic unit is the session."""
        return self.included.numerator if self.classic_unit == "session" else None


def metric_plans(study: Study) -> list[MetricPlan]:
    """Every metric's plan, in the study's order.

    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> [(plan.name, plan.included.numerator, plan.included.denominator) for plan in metric_plans(load_study(DEFAULT))][2:4]
    [('sessions_per_user', 'sessions', 'users'), ('d1_retention', 'returned.every_day.1', 'eligible.every_day.1')]
    """
    return [metric_plan(study, name) for name in study.metrics]


def metric_plan(study: Study, name: str) -> MetricPlan:
    """The plan of the metric `name`.

    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> metric_plan(load_study(DEFAULT), "session_duration").units
    600
    """
    primary, prior = name == study.decision.primary, study.statistics.prior_session_seconds
    return _plan(name, study.metrics[name], primary, prior)


@lru_cache(maxsize=256)
def _plan(name: str, metric: Metric, primary: bool, prior: int) -> MetricPlan:
    """`metric_plan` of what it depends on: a study cannot be a key. Asked several times a tick."""
    included = _included(metric, prior)
    exposed: Reading | None = None
    per_session, per_user = metric.denominator == SESSIONS, metric.denominator == USERS
    has_total = per_session and primary
    over_exposed = per_user or metric.later_day is not None
    if over_exposed:
        exposed = included
    elif has_total:
        exposed = Reading(metric.numerator, USERS, 1, _covariate_of_sum(metric, prior))
    return MetricPlan(
        name=name,
        included=included,
        exposed=exposed,
        judged_over_exposed=over_exposed,
        has_total=has_total,
        classic_unit="session" if per_session else "user",
        has_ratio=metric.later_day is None and not per_user,
        counts=per_user or metric.first_days is not None,
        divide_by=metric.divide_by,
    )


def _included(metric: Metric, prior: int) -> Reading:
    if metric.first_days is not None:
        return Reading(metric.first_days.returned, metric.first_days.eligible, 1)
    if metric.retention is not None:
        return Reading(metric.retention.returned, metric.retention.eligible, metric.resolution or MILLIONTHS)
    match metric.numerator, metric.denominator:
        case "seconds", "sessions":
            covariate = Covariate(DURATION, partial(duration_covariate, prior_seconds=prior))
            return Reading(DURATION, SESSIONS, metric.resolution or DECISECONDS, covariate)
        case "sessions", "users":
            return Reading(SESSIONS, USERS, 1, Covariate("", lambda _, sessions: count_covariate(sessions)))
        case total, "users":
            return Reading(total, USERS, 1, _covariate_of_sum(metric, prior))
        case top, bottom:
            return Reading(top, bottom, metric.resolution or MILLIONTHS)


def _covariate_of_sum(metric: Metric, prior: int) -> Covariate | None:
    if metric.numerator != DURATION:
        return None
    return Covariate(DURATION, lambda seconds, _: sum_covariate(seconds, prior))
