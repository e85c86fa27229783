"""From the sums and the verdict of a tick to its document. Pure; what is infinite becomes None, since JSON has no infinity."""

from math import isfinite

import msgspec

from livelift.assignment import VARIANTS
from livelift.document import SCHEMA, Document
from livelift.document.decision import FinalDecision
from livelift.document.document import (
    ClassicReading,
    InputRows,
    MetricReadings,
    Sample,
    SessionCounts,
    VariantCounts,
)
from livelift.document.readings import Guardrail, Primary
from livelift.event_time import to_iso
from livelift.study import Study
from livelift.tick_sums import Moments, TickSums
from stats.decision.verdict import Decided, Verdict
from stats.estimates.classic import classic
from stats.sums.moments import variance

UNBOUNDED = {Primary: ("boundary", "harm_boundary"), Guardrail: ("boundary", "margin_z")}
"""Numbers that can be infinite, where nothing can cross or nothing is uncertain."""


def make_document(study: Study, run: str, sums: TickSums, verdict: Verdict) -> Document:
    """The document of one tick or preview."""
    return Document(
        schema=SCHEMA,
        study=study.name,
        run=run,
        as_of=to_iso(sums.time),
        preview=verdict.preview,
        decision=verdict.decision,
        why=verdict.why,
        summary=verdict.summary,
        decided_at=None if verdict.decided is None else to_iso(verdict.decided.time),
        decided=None if verdict.decided is None else _final(verdict.decided),
        alarms=verdict.alarms,
        reasons=tuple(rule.words for rule in verdict.reasons),
        rules=verdict.reasons,
        primary=study.decision.primary,
        input=InputRows(
            rows=sums.counts.rows,
            accepted=sums.counts.accepted,
            rejected=sums.counts.rejected,
            duplicates=sums.counts.duplicates,
            late=sums.counts.late,
            repeated=sums.counts.repeated,
        ),
        sessions=SessionCounts(
            all=sums.sessions_all,
            in_period=sums.sessions_in_period,
            one_event=sums.sessions_one_event,
            included=sum(sums.sessions),
            unfinished=sums.sessions_unfinished,
        ),
        variants={
            name: VariantCounts(
                users_exposed=sums.exposed[i],
                users_included=sums.included[i],
                sessions=sums.sessions[i],
                events=None if sums.events is None else sums.events[i],
            )
            for i, name in enumerate(VARIANTS)
        },
        metrics={name: _metric(name, study, sums, verdict) for name in study.metrics},
        health=verdict.health,
        progress=verdict.progress,
        planning=verdict.planning,
        classic_opinion=verdict.classic,
        deviations=verdict.deviations,
        guarantee=verdict.guarantee,
    )


def _final(decided: Decided) -> FinalDecision:
    return FinalDecision(
        decision=decided.decision,
        why=decided.why,
        time=to_iso(decided.time),
        look=decided.look,
        lift=decided.lift,
        lift_corrected=decided.lift_corrected,
    )


def _metric(name: str, study: Study, sums: TickSums, verdict: Verdict) -> MetricReadings:
    control, treatment = sums.classic[name]
    reading = classic(control, treatment)
    primary = name == study.decision.primary
    metric = study.metrics[name]
    return MetricReadings(
        title=metric.title,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        role="primary" if primary else "guardrail",
        control=_sample(control),
        treatment=_sample(treatment),
        lift=treatment.mean / control.mean - 1 if control.n and treatment.n and control.mean else None,
        classic=ClassicReading(
            t=reading.t, df=reading.df, p=reading.p, cohens_d=reading.cohens_d, ci95=reading.ci95, z_p=reading.z_p
        ),
        sequential=_finite(verdict.primary if primary else verdict.guardrails[name]),
    )


def _finite(reading: Primary | Guardrail) -> Primary | Guardrail:
    values = {key: getattr(reading, key) for key in UNBOUNDED[type(reading)]}
    infinite = {key: None for key, value in values.items() if value is not None and not isfinite(value)}
    return msgspec.structs.replace(reading, **infinite) if infinite else reading


def _sample(sample: Moments) -> Sample:
    return Sample(n=sample.n, mean=sample.mean if sample.n else None, variance=variance(sample))
