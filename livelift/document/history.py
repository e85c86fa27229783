"""What the history keeps of a tick: the decision, and the numbers that a person compares over time."""

from typing import Any, Literal, TypeVar

import msgspec

from livelift.document.decision import Alarm, Decision, FinalDecision, Why
from livelift.document.document import Document, InputRows, MetricReadings, Sample, SessionCounts, VariantCounts
from livelift.document.progress import Health, Planning, Progress
from livelift.document.readings import Cause, Interval, Lift, Primary, Status


class KeptReading:
    """What the history keeps of every metric's reading: a `KeptPrimary` or a `KeptGuardrail`."""

    __slots__ = ()

    lift: float | None
    se: float | None
    p: float | None
    ci: Interval | None


class KeptPrimary(msgspec.Struct, KeptReading, frozen=True, kw_only=True):
    """Of a document's `Primary`; the fields mean the same."""

    lift: float | None
    se: float | None
    z: float | None
    p: float | None
    p_lowest: float | None
    ci: Interval | None
    boundary: float | None
    harm_boundary: float | None
    interval: Interval | None
    lifts: tuple[Lift, ...]
    cause: Cause | None
    control: float | None
    treatment: float | None


class KeptGuardrail(msgspec.Struct, KeptReading, frozen=True, kw_only=True):
    """Of a document's `Guardrail`; the fields mean the same."""

    lift: float | None
    se: float | None
    p: float | None
    ci: Interval | None
    boundary: float | None
    cause: Cause | None
    status: Status
    population: Literal["included", "exposed"]
    control: float | None
    treatment: float | None
    margin_z: float | None
    p_holm: float | None
    worsening: float | None
    at_most: float | None


class KeptClassic(msgspec.Struct, frozen=True, kw_only=True):
    """Of a document's `ClassicReading`; the field means the same."""

    p: float | None


class KeptMetric(msgspec.Struct, frozen=True, kw_only=True):
    """Of a document's `MetricReadings`; the fields mean the same."""

    control: Sample
    treatment: Sample
    lift: float | None
    classic: KeptClassic
    sequential: KeptReading


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the history keeps of a tick: one line of `livelift history --json`. The fields mean what a `Document`'s mean."""

    as_of: str
    decision: Decision
    why: Why | None
    summary: str
    decided_at: str | None
    reasons: tuple[str, ...]
    primary: str
    decided: FinalDecision | None
    alarms: tuple[Alarm, ...]
    deviations: tuple[str, ...]
    schema: Literal[4]
    input: InputRows
    sessions: SessionCounts
    variants: dict[str, VariantCounts]
    health: Health
    progress: Progress
    planning: Planning
    metrics: dict[str, KeptMetric]

    @property
    def deciding(self) -> KeptPrimary:
        """The primary's reading."""
        reading = self.metrics[self.primary].sequential
        assert isinstance(reading, KeptPrimary)
        return reading

    @property
    def guardrails(self) -> dict[str, KeptGuardrail]:
        """Guardrail → its reading, in the study file's order."""
        readings = {name: metric.sequential for name, metric in self.metrics.items()}
        return {name: reading for name, reading in readings.items() if isinstance(reading, KeptGuardrail)}


def history_entry(document: Document) -> HistoryEntry:
    """What the history keeps of `document`."""
    return _kept(HistoryEntry, document, metrics={name: _metric(metric) for name, metric in document.metrics.items()})


def _metric(metric: MetricReadings) -> KeptMetric:
    reading = metric.sequential
    kind = KeptPrimary if isinstance(reading, Primary) else KeptGuardrail
    return _kept(KeptMetric, metric, classic=KeptClassic(p=metric.classic.p), sequential=_kept(kind, reading))


Kept = TypeVar("Kept", bound=msgspec.Struct)


def _kept(kind: type[Kept], of: object, **changed: Any) -> Kept:
    """A `kind` with the fields of the same names in `of`, but for those that are `changed`."""
    same = {name: getattr(of, name) for name in kind.__struct_fields__ if name not in changed}
    return kind(**same, **changed)
