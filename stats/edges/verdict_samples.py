"""Converts the document to samples of the metrics in `livelift/metrics/verdict.py`; unknown values are left out. Pure."""

from collections.abc import Iterator
from math import sqrt
from typing import Any

import msgspec

from livelift.assignment import CONTROL, TREATMENT, VARIANTS
from livelift.document import Document, HistoryEntry
from livelift.document.document import Sample
from livelift.event_time import DAY, SECOND, from_iso
from livelift.metrics import Metric
from livelift.metrics import Sample as Labelled
from livelift.metrics import verdict as declared
from livelift.study import Study

Shown = Document | HistoryEntry

Z_95 = 1.959963984540054
"""The standard normal's 0.975 quantile."""


def verdict_samples(document: Shown, study: Study, run: str) -> Iterator[Labelled]:
    """Samples of the document of `run`, or of what the history keeps of it; those of one metric one after the other."""
    for metric, labels, value in _all(document, study, run):
        if value is not None:
            yield metric, labels, value


def _all(document: Shown, study: Study, run: str) -> Iterator[tuple[Metric, dict[str, str], Any]]:
    yield declared.RUN_INFO, {"run": run, "title": study.title}, 1
    yield declared.DECISION, {}, document.decision
    yield declared.DECISION_CODE, {}, declared.DECISIONS.index(document.decision)
    yield declared.WHY, {}, document.why or "none"
    yield declared.DECIDED_AT, {}, _seconds(document.decided_at)
    yield from _decided(document, study)
    yield declared.TICK_EVENT_TIME, {}, _seconds(document.as_of)
    yield declared.ENDED, {}, int(document.progress.ended)
    yield from _counts(document)
    for name, variant, sample in _samples_of(document):
        yield declared.N, {"metric": name, "variant": variant}, sample.n
    for name, variant, sample in _samples_of(document):
        yield declared.MEAN, {"metric": name, "variant": variant}, sample.mean
    for metric, sign in ((declared.MEAN_LOW, -1), (declared.MEAN_HIGH, 1)):
        for name, variant, sample in _samples_of(document):
            yield metric, {"metric": name, "variant": variant}, _bound(sample, sign)
    yield from _readings(document, study)
    yield from _health(document, study)
    yield from _outlook(document, study)


def _decided(document: Shown, study: Study) -> Iterator[tuple[Metric, dict[str, str], Any]]:
    decided = document.decided
    yield declared.DECIDED_LIFT, {"estimate": "observed"}, decided and decided.lift
    yield declared.DECIDED_LIFT, {"estimate": "corrected"}, decided and decided.lift_corrected
    raised = {alarm.name for alarm in document.alarms}
    for name in ("harm", *(f"guardrail:{metric}" for metric in study.guardrails)):
        yield declared.ALARM, {"alarm": name}, int(name in raised)
    yield declared.CLOSED, {}, int(bool(document.deviations))
    yield declared.SHIP_FROM, {}, _seconds(document.progress.ship_from)
    yield declared.HARM_FROM, {}, _seconds(document.progress.harm_from)


def _seconds(iso: str | None) -> float | None:
    return None if iso is None else from_iso(iso) / SECOND


def _samples_of(document: Shown) -> Iterator[tuple[str, str, Sample]]:
    for name, metric in document.metrics.items():
        yield name, CONTROL, metric.control
        yield name, TREATMENT, metric.treatment


def _bound(sample: Sample, sign: int) -> float | None:
    """An end of the mean's 95 % interval, mean ± 1.96 √(variance / n)."""
    if sample.mean is None or sample.variance is None:
        return None
    return float(sample.mean + sign * Z_95 * sqrt(sample.variance / sample.n))


def _counts(document: Shown) -> Iterator[tuple[Metric, dict[str, str], Any]]:
    rows = document.input
    for outcome, number in (("accepted", rows.accepted), ("duplicate", rows.duplicates), ("late", rows.late)):
        yield declared.INPUT_ROWS, {"outcome": outcome, "reason": ""}, number
    for reason, number in rows.rejected.items():
        yield declared.INPUT_ROWS, {"outcome": "rejected", "reason": reason}, number
    for scope, number in msgspec.structs.asdict(document.sessions).items():
        yield declared.SESSIONS, {"scope": scope}, number
    for variant in VARIANTS:
        yield declared.EXPOSED, {"variant": variant}, document.variants[variant].users_exposed
    for variant in VARIANTS:
        yield declared.INCLUDED, {"variant": variant}, document.variants[variant].users_included
    for variant in VARIANTS:
        yield declared.LEFT_OUT, {"variant": variant}, document.health.excluded_shares[variant]


def _readings(document: Shown, study: Study) -> Iterator[tuple[Metric, dict[str, str], Any]]:
    metrics = document.metrics
    primary, guardrails = document.deciding, document.guardrails
    for name, metric in metrics.items():
        yield declared.LIFT, {"metric": name}, metric.lift
    for name, metric in metrics.items():
        yield declared.ADJUSTED, {"metric": name}, metric.sequential.lift
    for declaration, end in ((declared.LOW, 0), (declared.HIGH, 1)):
        for name, metric in metrics.items():
            interval = metric.sequential.ci
            yield declaration, {"metric": name}, None if interval is None else interval[end]
    for way in primary.lifts:
        yield declared.LIFT_BY, {"by": way.name}, way.lift
    for declaration, end in ((declared.LIFT_BY_LOW, 0), (declared.LIFT_BY_HIGH, 1)):
        for way in primary.lifts:
            yield declaration, {"by": way.name}, None if way.ci is None else way.ci[end]
    toward = 1 if study.metrics[document.primary].higher_is_better else -1
    yield declared.P, {"metric": document.primary}, primary.p
    for name, reading in guardrails.items():
        yield declared.P, {"metric": name}, reading.p_holm
    yield declared.Z, {"metric": document.primary}, primary.z
    for name, reading in guardrails.items():
        yield declared.Z, {"metric": name}, reading.margin_z
    yield declared.BOUNDARY, {"metric": document.primary}, _signed(toward, primary.boundary)
    for name, reading in guardrails.items():
        yield declared.BOUNDARY, {"metric": name}, reading.boundary
    yield declared.HARM_BOUNDARY, {"metric": document.primary}, _signed(-toward, primary.harm_boundary)
    for name, metric in metrics.items():
        yield declared.CLASSIC_P, {"metric": name}, metric.classic.p
    for name, reading in guardrails.items():
        yield declared.WORSENING, {"metric": name}, reading.worsening
    for name, reading in guardrails.items():
        yield declared.AT_MOST, {"metric": name}, reading.at_most
    yield declared.MARGIN, {}, study.decision.guardrail_margin
    for name, reading in guardrails.items():
        yield declared.STATUS, {"metric": name}, reading.status
    for name, reading in guardrails.items():
        yield declared.STATUS_CODE, {"metric": name}, declared.STATUSES.index(reading.status)


def _signed(sign: int, constant: float | None) -> float | None:
    """A tail's constant as a place on the statistic's own axis."""
    return None if constant is None else sign * constant


def _health(document: Shown, study: Study) -> Iterator[tuple[Metric, dict[str, str], Any]]:
    health = document.health
    yield declared.SAMPLE_RATIO_P, {}, health.sample_ratio_p
    yield declared.SAMPLE_RATIO_ALPHA, {}, study.health.sample_ratio_alpha
    yield declared.INCLUSION_P, {}, health.inclusion_p
    yield declared.INCLUSION_ALPHA, {}, study.health.inclusion_alpha
    yield declared.LATE_SHARE, {}, health.late_share
    yield declared.REJECTED_SHARE, {}, health.rejected_share
    yield declared.LATE_LIMIT, {}, study.health.maximum_late_share
    yield declared.REJECTED_LIMIT, {}, study.health.maximum_rejected_share


def _outlook(document: Shown, study: Study) -> Iterator[tuple[Metric, dict[str, str], Any]]:
    progress, planning = document.progress, document.planning
    yield declared.LOOK, {}, progress.look
    yield declared.LOOKS, {}, progress.looks
    yield declared.INFORMATION, {}, progress.information
    yield declared.REMAINING, {}, progress.days_remaining * DAY / SECOND
    yield declared.MINIMUM_LIFT, {}, study.decision.minimum_lift
    yield declared.NEEDED_LIFT, {}, planning.needed_lift
    yield declared.DETECTABLE, {}, planning.minimum_detectable_effect
    yield declared.POWER, {"lift": "rule"}, planning.power_at_rule
    yield declared.POWER, {"lift": "estimate"}, planning.power_at_estimate
