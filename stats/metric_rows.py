"""From a user's totals to the user's value of each metric: exact integers for the decision, floats for the classic reading.

Pure. A metric of kind *session_mean* has a value per session (classic) and a mean per user (decision); the other kinds
have one value a user. A user's value is a fraction of two counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from livelift.output_log import Totals
from livelift.study import Metric, Study
from livelift.user_value import DECISECONDS, MILLIONTHS, count_covariate, duration_covariate, sum_covariate

ONE, SESSIONS, ELIGIBLE, RETURNED, SUMS = range(5)
"""COLUMNS of a user's counts: 1 for a user of the population (included, or exposed), sessions, resolved days, those
followed by an active one, and from `SUMS` on the sum of each session measure."""


def counts_of(totals: Totals) -> tuple[int, ...]:
    """The counts of a user of the population."""
    return (1, totals.sessions, totals.eligible, totals.returned, *totals.sums)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """How one metric reads a user.

    measure
        Index of the session measure of a *session_mean* metric, else −1: its classic unit is the session.
    numerator, denominator
        Columns of the user's S and N; the value is S / N, and there is none where N = 0.
    scale
        Integer units per raw value: y = S / N · scale, halves up.
    covariate
        Totals → x, frozen since the period opened; None: 0 for all.
    counts
        Is the value a whole number, so that its classic moments follow exactly from the sums of y?
    has_ratio
        Is there a ratio reading, ΣS / ΣN?
    divide_by
        Raw value / divide_by = shown value.
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
    >>> rows = metric_rows(load_study("lastfm"), ("seconds", "plays", "skips", "artists"))
    >>> rows[0].name, rows[0].per_session, rows[0].numerator == SUMS, rows[0].denominator == SESSIONS, rows[0].scale
    ('session_duration', True, True, True, 10)
    """
    return [_metric_row(name, metric, study, measures) for name, metric in study.metrics.items()]


def exposed_rows(study: Study, measures: tuple[str, ...]) -> list[MetricRow]:
    """The metrics that are read over all exposed users as well: see `livelift.tick_sums.TickSums.exposed_sums`.

    >>> from livelift.study import load_study
    >>> rows = exposed_rows(load_study("lastfm"), ("seconds", "plays", "skips", "artists"))
    >>> [(row.name, row.denominator == ONE, row.scale) for row in rows]
    [('session_duration', True, 1), ('sessions_per_user', True, 1), ('d1_retention', False, 1000000)]
    """
    rows = []
    for row in metric_rows(study, measures):
        kind = study.metrics[row.name].kind
        if kind in ("session_count", "next_day_return"):
            rows.append(row)
        elif kind == "session_mean" and row.name == study.decision.primary:
            rows.append(_sum_per_user(row, study, measures))
    return rows


def _sum_per_user(row: MetricRow, study: Study, measures: tuple[str, ...]) -> MetricRow:
    """The measure's sum per user, in raw units: the intention-to-treat companion of a mean over sessions."""
    prior = study.statistics.prior_session_seconds
    covariate = None
    if study.metrics[row.name].measure == "seconds":
        seconds = measures.index("seconds")

        def covariate(totals: Totals) -> int:
            return sum_covariate(totals.pre_sums[seconds], prior)

    return replace(row, denominator=ONE, scale=1, covariate=covariate)


def _metric_row(name: str, metric: Metric, study: Study, measures: tuple[str, ...]) -> MetricRow:
    index = measures.index(metric.measure) if metric.measure else -1
    seconds = measures.index("seconds")
    prior = study.statistics.prior_session_seconds
    covariate: Callable[[Totals], int] | None = None
    scale = MILLIONTHS
    if metric.kind == "session_mean":
        numerator, denominator = SUMS + index, SESSIONS
        if metric.measure == "seconds":
            scale = DECISECONDS

            def covariate(totals: Totals) -> int:
                return duration_covariate(totals.pre_sums[seconds], totals.pre_sessions, prior)

    elif metric.kind == "user_ratio":
        numerator, denominator = SUMS + index, SUMS + measures.index(metric.per)
    elif metric.kind == "session_count":
        numerator, denominator, scale = SESSIONS, ONE, 1

        def covariate(totals: Totals) -> int:
            return count_covariate(totals.pre_sessions)

    else:
        numerator, denominator = RETURNED, ELIGIBLE
    return MetricRow(
        name=name,
        measure=index if metric.kind == "session_mean" else -1,
        numerator=numerator,
        denominator=denominator,
        scale=scale,
        covariate=covariate,
        counts=metric.kind == "session_count",
        has_ratio=metric.kind in ("session_mean", "user_ratio"),
        divide_by=metric.divide_by,
    )
