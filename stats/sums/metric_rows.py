"""The plan's readings (`livelift.plan`) in columns of a user's counts: how stats computes every metric of a user. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from livelift.output_log import Row
from livelift.plan import USERS, Covariate, MetricPlan, Reading, metric_plans
from livelift.study import Study
from livelift.totals import TotalColumns, total_columns

ONE, SESSIONS, SUMS = range(3)
"""COLUMNS of a user's counts: 1, and then the readable columns of the user's totals (`livelift.totals.TotalColumns`), which
begin with the sessions and the sum of each session measure."""


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
        The user's totals → x, frozen since the period opened; None: 0 for all.
    counts, has_ratio, divide_by
        As in `livelift.plan.MetricPlan`.
    """

    name: str
    measure: int
    numerator: int
    denominator: int
    scale: int
    covariate: Callable[[Row], int] | None
    counts: bool
    has_ratio: bool
    divide_by: int

    @property
    def per_session(self) -> bool:
        return self.measure >= 0


def metric_rows(study: Study, measures: tuple[str, ...]) -> list[MetricRow]:
    """One row per metric of the study, in its order; `measures` are the names of the session measures.

    >>> from livelift.study import load_study
    >>> rows = metric_rows(load_study("lastfm"), ("seconds", "plays", "skips", "artists"))
    >>> rows[0].name, rows[0].per_session, rows[0].numerator == SUMS, rows[0].denominator == SESSIONS, rows[0].scale
    ('session_duration', True, True, True, 10)
    """
    columns = total_columns(study, measures)
    return [_row(plan, plan.included, measures, columns) for plan in metric_plans(study)]


def exposed_rows(study: Study, measures: tuple[str, ...]) -> list[MetricRow]:
    """The metrics that are read over all exposed users as well: see `livelift.tick_sums.TickSums.exposed_sums`.

    >>> from livelift.study import load_study
    >>> rows = exposed_rows(load_study("lastfm"), ("seconds", "plays", "skips", "artists"))
    >>> [(row.name, row.denominator == ONE, row.scale) for row in rows]
    [('session_duration', True, 1), ('sessions_per_user', True, 1), ('d1_retention', False, 1000000)]
    """
    columns = total_columns(study, measures)
    return [_row(plan, plan.exposed, measures, columns) for plan in metric_plans(study) if plan.exposed is not None]


def _row(plan: MetricPlan, reading: Reading, measures: tuple[str, ...], columns: TotalColumns) -> MetricRow:
    counts = (USERS, *columns.names[: columns.readable])
    return MetricRow(
        name=plan.name,
        measure=-1 if plan.session_measure is None else measures.index(plan.session_measure),
        numerator=counts.index(reading.numerator),
        denominator=counts.index(reading.denominator),
        scale=reading.scale,
        covariate=None if reading.covariate is None else _of_totals(reading.covariate, columns),
        counts=plan.counts,
        has_ratio=plan.has_ratio,
        divide_by=plan.divide_by,
    )


def _of_totals(covariate: Covariate, columns: TotalColumns) -> Callable[[Row], int]:
    value, sessions = covariate.value, columns.pre_sessions
    if not covariate.measure:
        return lambda totals: value(0, totals[sessions])
    total = columns.place(f"pre.{covariate.measure}")
    return lambda totals: value(totals[total], totals[sessions])
