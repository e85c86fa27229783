"""The document: what `--json` prints and Redis holds. Pure: sums and verdict of a tick in, plain JSON values out.

Null is unknown. Durations in minutes, lifts as fractions. Its keys are described in `docs/`.
"""

from math import isfinite
from typing import Any

import msgspec

from livelift.assignment import VARIANTS
from livelift.event_time import to_iso
from livelift.study import Study
from livelift.tick_sums import Moments, TickSums
from stats.classic import classic
from stats.moments import variance
from stats.verdict import Decided, Verdict

SCHEMA = 3

Document = dict[str, Any]

KEPT = (
    "as_of", "decision", "why", "summary", "decided_at", "reasons", "primary",
    "decided", "alarms", "deviations", "schema", "input", "sessions", "variants", "health", "progress", "planning",
)  # fmt: skip
KEPT_OF_READINGS = (
    "lift", "se", "z", "p", "p_lowest", "ci", "boundary", "harm_boundary", "interval", "lifts", "cause",
    "status", "population", "control", "treatment", "margin_z", "p_holm", "worsening", "at_most",
)  # fmt: skip
"""What the history has of a document, and of a metric's sequential reading."""


UNBOUNDED = ("boundary", "harm_boundary", "margin_z")
"""Numbers that can be infinite, where nothing can cross or nothing is uncertain: null in a document, since JSON has none."""


def make_document(study: Study, run: str, sums: TickSums, verdict: Verdict) -> Document:
    """The document of one tick or preview: nothing in it is infinite or NaN."""
    return {
        "schema": SCHEMA,
        "study": study.name,
        "run": run,
        "as_of": to_iso(sums.time),
        "preview": verdict.preview,
        "decision": verdict.decision,
        "why": verdict.why,
        "summary": verdict.summary,
        "decided_at": None if verdict.decided is None else to_iso(verdict.decided.time),
        "decided": None if verdict.decided is None else _decided(verdict.decided),
        "alarms": msgspec.to_builtins(verdict.alarms),
        "reasons": [rule.words for rule in verdict.reasons],
        "rules": msgspec.to_builtins(verdict.reasons),
        "primary": study.decision.primary,
        "input": {
            "rows": sums.counts.rows,
            "accepted": sums.counts.accepted,
            "rejected": sums.counts.rejected,
            "duplicates": sums.counts.duplicates,
            "late": sums.counts.late,
        },
        "sessions": {
            "all": sums.sessions_all,
            "in_period": sums.sessions_in_period,
            "one_event": sums.sessions_one_event,
            "included": sum(sums.sessions),
            "unfinished": sums.sessions_unfinished,
        },
        "variants": {
            name: {
                "users_exposed": sums.exposed[i],
                "users_included": sums.included[i],
                "sessions": sums.sessions[i],
                "plays": sums.plays[i],
            }
            for i, name in enumerate(VARIANTS)
        },
        "metrics": {name: _metric(name, study, sums, verdict) for name in study.metrics},
        "health": msgspec.to_builtins(verdict.health),
        "progress": msgspec.to_builtins(verdict.progress),
        "planning": msgspec.to_builtins(verdict.planning),
        "classic_opinion": msgspec.to_builtins(verdict.classic),
        "deviations": list(verdict.deviations),
        "guarantee": list(verdict.guarantee),
    }


def _decided(decided: Decided) -> Document:
    return msgspec.structs.asdict(decided) | {"time": to_iso(decided.time)}


def _metric(name: str, study: Study, sums: TickSums, verdict: Verdict) -> Document:
    control, treatment = sums.classic[name]
    reading = classic(control, treatment)
    welch = reading.welch
    primary = name == study.decision.primary
    sequential = msgspec.to_builtins(verdict.primary if primary else verdict.guardrails[name])
    for key in UNBOUNDED:
        if sequential.get(key) is not None and not isfinite(sequential[key]):
            sequential[key] = None
    sequential["estimate"] = sequential["lift"]
    return {
        "title": study.metrics[name].title,
        "unit": study.metrics[name].unit,
        "higher_is_better": study.metrics[name].higher_is_better,
        "role": "primary" if primary else "guardrail",
        "control": _sample(control),
        "treatment": _sample(treatment),
        "lift": treatment.mean / control.mean - 1 if control.n and treatment.n and control.mean else None,
        "classic": {
            "t": welch.t if welch else None,
            "df": welch.df if welch else None,
            "p": welch.p if welch else None,
            "cohens_d": reading.cohens_d,
            "ci95": list(welch.ci) if welch and welch.ci else None,
        },
        "sequential": sequential,
    }


def _sample(sample: Moments) -> Document:
    return {"n": sample.n, "mean": sample.mean if sample.n else None, "variance": variance(sample)}


def history_entry(document: Document) -> Document:
    """What the history keeps of a tick: the decision and the numbers a person compares over time."""
    metrics = {
        name: {
            "control": metric["control"],
            "treatment": metric["treatment"],
            "lift": metric["lift"],
            "classic": {"p": metric["classic"]["p"]},
            "sequential": {key: metric["sequential"][key] for key in KEPT_OF_READINGS if key in metric["sequential"]},
        }
        for name, metric in document["metrics"].items()
    }
    return {key: document[key] for key in KEPT} | {"metrics": metrics}
