"""From a user's totals to the user's value of each metric: exact integers for the decision, floats for the classic reading.

Pure. A metric of kind *session_mean* has a value per session (classic) and a mean per user (decision); the other kinds
have one value a user.
"""

from collections.abc import Callable
from dataclasses import dataclass

from livelift.output_log import Totals
from livelift.study import Metric, Study
from livelift.user_value import count_covariate, duration_covariate, mean_deciseconds, millionths

Fraction = tuple[int, int]
"""(numerator S, denominator N) of a user's value; N = 0 means the user has none."""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """How one metric reads a user.

    measure
        Index of the session measure of a *session_mean* metric, else −1: its classic unit is the session.
    fraction
        Totals → (S, N), the user's numerator and denominator.
    integer
        (S, N) → y in the metric's integer unit; N > 0.
    covariate
        Totals → x, frozen since the period opened.
    counts
        Is the value a whole number, so that its classic moments follow exactly from the sums of y?
    has_ratio
        Is there a ratio reading, ΣS / ΣN?
    divide_by
        Raw value / divide_by = shown value.
    """

    name: str
    measure: int
    fraction: Callable[[Totals], Fraction]
    integer: Callable[[int, int], int]
    covariate: Callable[[Totals], int]
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
    >>> rows[0].name, rows[0].per_session, rows[0].integer(100, 3)
    ('session_duration', True, 333)
    """
    return [_metric_row(name, metric, study, measures) for name, metric in study.metrics.items()]


def _metric_row(name: str, metric: Metric, study: Study, measures: tuple[str, ...]) -> MetricRow:
    index = measures.index(metric.measure) if metric.measure else -1
    seconds = measures.index("seconds")
    prior = study.statistics.prior_session_seconds
    covariate: Callable[[Totals], int] = _no_covariate
    integer: Callable[[int, int], int] = millionths
    if metric.kind == "session_mean":

        def fraction(totals: Totals) -> Fraction:
            return totals.sums[index], totals.sessions

        if metric.measure == "seconds":
            integer = mean_deciseconds

            def covariate(totals: Totals) -> int:
                return duration_covariate(totals.pre_sums[seconds], totals.pre_sessions, prior)

    elif metric.kind == "user_ratio":
        per = measures.index(metric.per)

        def fraction(totals: Totals) -> Fraction:
            return totals.sums[index], totals.sums[per]

    elif metric.kind == "session_count":
        integer = _count

        def fraction(totals: Totals) -> Fraction:
            return totals.sessions, 1

        def covariate(totals: Totals) -> int:
            return count_covariate(totals.pre_sessions)

    else:

        def fraction(totals: Totals) -> Fraction:
            return totals.returned, totals.eligible

    return MetricRow(
        name=name,
        measure=index if metric.kind == "session_mean" else -1,
        fraction=fraction,
        integer=integer,
        covariate=covariate,
        counts=metric.kind == "session_count",
        has_ratio=metric.kind in ("session_mean", "user_ratio"),
        divide_by=metric.divide_by,
    )


def _no_covariate(_: Totals) -> int:
    return 0


def _count(numerator: int, _: int) -> int:
    return numerator
