"""The document of one tick or preview: everything that is known of a study, as one value."""

from typing import Literal

import msgspec

from livelift.document.decision import Alarm, ClassicOpinion, Decision, FinalDecision, Rule, Why
from livelift.document.progress import Health, Planning, Progress
from livelift.document.readings import Guardrail, Interval, Primary, Reading


class InputRows(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the input's rows: accepted + Σ rejected + duplicates + late = rows.

    rows
        All that are accounted for.
    accepted
        Events that were sent and counted.
    rejected
        Reason → rows.
    duplicates
        Rows that say what an earlier one says.
    late
        Events behind the watermark by more than the allowed lateness.
    repeated
        Records that were passed over because a producer that had begun again may send them twice: no rows of the input.
    """

    rows: int
    accepted: int
    rejected: dict[str, int]
    duplicates: int
    late: int
    repeated: int = 0


class SessionCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Closed sessions.

    all
        Of any time.
    in_period
        Those that started in the period.
    one_event
        Of the latter those with one event only. None where the study has no measure that counts every event, and where each
        event is a session by itself.
    included
        In-period sessions of included users, both arms.
    unfinished
        Sessions that began in the period and are not counted in it: still open, or longer than the study waits.
    """

    all: int
    in_period: int
    one_event: int | None
    included: int
    unfinished: int


class VariantCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One arm's users, and what those of them did who are included.

    users_exposed
        Users with an event in the period.
    users_included
        Users with enough sessions in the period.
    sessions
        In-period sessions of included users.
    events
        Events in these sessions. None where the study has no measure that counts every event.
    """

    users_exposed: int
    users_included: int
    sessions: int
    events: int | None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One arm over the metric's classic unit: sessions of a mean over sessions, else users.

    n
        How many units.
    mean
        In the metric's shown unit; None of nothing.
    variance
        In the shown unit squared, n − 1 in the denominator; None of fewer than two.
    """

    n: int
    mean: float | None
    variance: float | None


class ClassicReading(msgspec.Struct, frozen=True, kw_only=True):
    """Welch's t-test over the two samples, as a batch analysis reports it once; it decides nothing.

    t, df, p
        Statistic, Welch–Satterthwaite degrees of freedom, two-sided p.
    z_p
        Two-sided p of the z-test: the statistic `t` against the normal distribution, as for large samples.
    cohens_d
        Difference over the pooled standard deviation.
    ci95
        95 % interval of the difference in the metric's shown unit.
    """

    t: float | None
    df: float | None
    p: float | None
    cohens_d: float | None
    ci95: Interval | None
    z_p: float | None = None


class MetricReadings(msgspec.Struct, frozen=True, kw_only=True):
    """One metric, read in both ways.

    title, unit
        For a person, from the study file.
    higher_is_better
        Which way is an improvement.
    role
        The *primary* decides, a *guardrail* must not suffer.
    control, treatment
        The arms' samples.
    lift
        Of the samples' means, not adjusted: a fraction.
    classic
        The t-test over the samples.
    sequential
        What decides: over adjusted user means, valid at every look. A `Primary` or a `Guardrail`, as `role` says.
    """

    title: str
    unit: str
    higher_is_better: bool
    role: Literal["primary", "guardrail"]
    control: Sample
    treatment: Sample
    lift: float | None
    classic: ClassicReading
    sequential: Reading


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a study as of one tick, or between two: what `livelift verdict --json` prints and Redis holds.

    schema
        Version of this form.
    study, run
        Names of the study and of the run.
    as_of
        Event time of the tick, ISO 8601 in UTC.
    preview
        Made between two ticks, from totals alone; it decides nothing.
    decision
        What is decided as of the tick.
    why
        For which reason; None where the decision needs none.
    summary
        The decision and its reason in one sentence.
    decided_at
        Event time at which a final decision was taken, ISO 8601 in UTC; None before.
    decided
        That decision, with what held then; None before.
    alarms
        What was proven against a *ship* after it had been decided.
    reasons
        The words of `rules`.
    rules
        Every rule of the decision.
    primary
        Name of the deciding metric.
    input
        What became of the input's rows.
    sessions
        Closed sessions.
    variants
        "control" and "treatment" → users and their sessions.
    metrics
        Metric → its readings, in the study file's order.
    health
        Whether the numbers may be trusted.
    progress
        How far the study and its stream are.
    planning
        What can still be found.
    classic_opinion
        What the original batch rule would say.
    deviations
        What departed from the plan, in words: a study closed early.
    guarantee
        What is promised of the verdict's errors, and what is not, in words.
    """

    schema: Literal[4]
    study: str
    run: str
    as_of: str
    preview: bool
    decision: Decision
    why: Why | None
    summary: str
    decided_at: str | None
    decided: FinalDecision | None
    alarms: tuple[Alarm, ...]
    reasons: tuple[str, ...]
    rules: tuple[Rule, ...]
    primary: str
    input: InputRows
    sessions: SessionCounts
    variants: dict[str, VariantCounts]
    metrics: dict[str, MetricReadings]
    health: Health
    progress: Progress
    planning: Planning
    classic_opinion: ClassicOpinion
    deviations: tuple[str, ...]
    guarantee: tuple[str, ...]

    @property
    def deciding(self) -> Primary:
        """The primary's reading."""
        reading = self.metrics[self.primary].sequential
        assert isinstance(reading, Primary)
        return reading

    @property
    def guardrails(self) -> dict[str, Guardrail]:
        """Guardrail → its reading, in the study file's order."""
        readings = {name: metric.sequential for name, metric in self.metrics.items()}
        return {name: reading for name, reading in readings.items() if isinstance(reading, Guardrail)}
