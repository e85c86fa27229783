"""The plan's readings (`livelift.plan`) in columns of a user's counts: how stats computes every metric of a user. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from livelift.output_log import Totals
from livelift.plan import Covariate, MetricPlan, Reading, metric_plans
from livelift.study import Study
from livelift.study_checks import OWN_TOTALS

ONE, SESSIONS, ELIGIBLE, RETURNED, SUMS = range(5)
"""COLUMNS of a user's counts: `livelift.study_checks.OWN_TOTALS`, and from `SUMS` on the sum of each session measure."""


def counts_of(totals: Totals) -> tuple[int, ...]:
    """The counts of a user of the population."""
    return (1, totals.sessions, totals.eligible, totals.returned, *totals.sums)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """How one metric reads a user.

    measure
        Index of the session measure whose values are the classic reading's, where its unit is the session; else −1.
    numerator, denominator
        Columns of the user's S and N; the value is S / N, and there is none where N = 0.
    scale
        Integer units per raw value: y = S / N · scale, halves up.
    covariate
        Totals → x, frozen since the period opened; None: 0 for all.
    counts, has_ratio, divide_by
        As in `livelift.plan.MetricPlan`.
    """

    name: str
    measure: int
    numerator: int
    denominator: int
    scale: int
    covariate: Callable[[Totals], int] | None
    counts: bool
    has_ratio: bool
    divide_by: int

    @property
    def per_session(self) -> bool:
        return self.measure >= 0


def metric_rows(study: Study, measures: tuple[str, ...]) -> list[MetricRow]:
    """One row per metric of the study, in its order; `measures` are the names of the session measures.

    >>> from livelift.study import load_study
    >>> from livelift.sessions import session_measures
    >>> from studies import DEFAULT
    >>> study = load_study(DEFAULT)
    >>> rows = metric_rows(study, session_measures(study).names)
    >>> rows[0].name, rows[0].per_session, rows[0].numerator == SUMS, rows[0].denominator == SESSIONS, rows[0].scale
    ('session_duration', True, True, True, 10)
    """
    return [_row(plan, plan.included, measures) for plan in metric_plans(study)]


def exposed_rows(study: Study, measures: tuple[str, ...]) -> list[MetricRow]:
    """The metrics that are read over all exposed users as well: see `livelift.tick_sums.TickSums.exposed_sums`.

    >>> from livelift.study import load_study
    >>> from livelift.sessions import session_measures
    >>> from studies import DEFAULT
    >>> study = load_study(DEFAULT)
    >>> rows = exposed_rows(study, session_measures(study).names)
    >>> [(row.name, row.denominator == ONE, row.scale) for row in rows]
    [('session_duration', True, 1), ('sessions_per_user', True, 1), ('d1_retention', False, 1000000)]
    """
    return [_row(plan, plan.exposed, measures) for plan in metric_plans(study) if plan.exposed is not None]


def _row(plan: MetricPlan, reading: Reading, measures: tuple[str, ...]) -> MetricRow:
    columns = (*OWN_TOTALS, *measures)
    return MetricRow(
        name=plan.name,
        measure=-1 if plan.session_measure is None else measures.index(plan.session_measure),
        numerator=columns.index(reading.numerator),
        denominator=columns.index(reading.denominator),
        scale=reading.scale,
        covariate=None if reading.covariate is None else _of_totals(reading.covariate, measures),
        counts=plan.counts,
        has_ratio=plan.has_ratio,
        divide_by=plan.divide_by,
    )


def _of_totals(covariate: Covariate, measures: tuple[str, ...]) -> Callable[[Totals], int]:
    value = covariate.value
    if not covariate.measure:
        return lambda totals: value(0, totals.pre_sessions)
    index = measures.index(covariate.measure)
    return lambda totals: value(totals.pre_sums[index], totals.pre_sessions)
