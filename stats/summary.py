"""The decision and its reason in one sentence, for a person who reads nothing else."""

from livelift.event_time import to_iso
from stats.rules import guardrail_values, left_out_words
from stats.verdict import Decided, Decision, Readings, Why
from stats.words import cause_of, improvement_of, is_better, is_harmed, limit, needed, p_value, percent


def summarise(readings: Readings, decision: Decision, why: Why | None) -> str:
    """What is decided and why.

    Returns
    -------
    str
        One sentence; a second one where the first could be misread, or where something was proven since.
    """
    if decision == "no_data":
        return f"No verdict yet: {_no_data(readings, why)}."
    if decision == "unhealthy":
        return f"Do not trust the numbers now: {_illness(readings, why)}."
    if decision == "ship":
        return f"Ship: {_shipped(readings)}"
    if decision == "dont_ship":
        return f"Don't ship: {_refused(readings, why)}"
    return f"Keep running: {_waiting(readings, why)}."


def _title(readings: Readings) -> str:
    return readings.study.metrics[readings.study.decision.primary].title


def _now(readings: Readings) -> str:
    return f"{percent(readings.primary.lift)} now"


def _no_data(readings: Readings, why: Why | None) -> str:
    study, primary = readings.study, readings.primary
    if why == "unreadable" and primary.cause is not None:
        return f"{_title(readings)} cannot be compared, {cause_of(study, primary.cause, primary.users)}"
    control, treatment = readings.included
    return f"{control:,} and {treatment:,} users, each group needs {study.statistics.minimum_users:,}"


def _shipped(readings: Readings) -> str:
    """What held when *ship* was decided, then what holds now."""
    study, decided = readings.study, readings.decided
    title, at_first = _title(readings), decided is None or decided.look == readings.progress.look
    if at_first or decided is None:
        return (
            f"{title} {is_better(study)} ({_now(readings)}), {_shown_at(readings.primary.ship.at)}, "
            f"and no guardrail stood against it."
        )
    then = f"{title} {is_better(study)}, decided {_when(decided)}"
    if readings.alarms:
        return f"{then}. But now: {'; '.join(alarm.words for alarm in readings.alarms)}."
    if readings.primary.lift is None:
        return f"{then}."
    improvement = improvement_of(study, readings.primary.lift) or 0.0
    since = f", {_now(readings)}" if improvement > 0 else f"; it is no longer ahead ({_now(readings)})"
    return f"{then}{since}. No guardrail stood against it."


def _when(decided: Decided) -> str:
    lift = "" if decided.lift is None else f" at {percent(decided.lift)}"
    return f"on {to_iso(decided.time)[:10]} (look {decided.look}){lift}"


def _refused(readings: Readings, why: Why | None) -> str:
    study, title = readings.study, _title(readings)
    if why == "harm":
        now = "" if readings.primary.lift is None else f" ({_now(readings)})"
        return f"{title} {is_harmed(study)}{now}, {_shown_at(readings.primary.harm.at)}."
    if why == "guardrail":
        verb = f"worse by more than {limit(study.decision.guardrail_margin)}"
        return f"{_named(readings, 'fail', verb)}."
    closed = "the period is over" if readings.progress.period_complete else "the study was closed early"
    return f"{closed} and {_unproven(readings)} That is no proof of no effect."


def _unproven(readings: Readings) -> str:
    study, title, change = readings.study, _title(readings), percent(readings.primary.lift)
    if readings.primary.ship.at is None:
        return f"{title} is not proven better ({change})."
    for status, verb in (("gate", "worse"), ("unreadable", "not readable")):
        if any(reading.status == status for reading in readings.guardrails.values()):
            return f"though {title} {is_better(study)} ({change}), {_named(readings, status, verb)}."
    return f"though {title} {is_better(study)}, the lift is {change} and ship needs {needed(study)}."


def _waiting(readings: Readings, why: Why | None) -> str:
    study, progress, title = readings.study, readings.progress, _title(readings)
    if why == "ended_early":
        return f"the stream ended with {progress.days_remaining} days missing, so nothing is decided"
    if why == "guardrail_gate":
        return f"{title} {is_better(study)} ({_now(readings)}), but {_named(readings, 'gate', 'worse at this look')}"
    if why == "guardrail_unreadable":
        return f"{title} {is_better(study)} ({_now(readings)}), but {_named(readings, 'unreadable', 'not readable')}"
    if why == "left_out_gate":
        return f"{title} {is_better(study)} ({_now(readings)}), but at this look {_uneven(readings)}"
    if why == "minimum_lift":
        return f"{title} {is_better(study)}, but the lift is {_now(readings)}, and ship needs {needed(study)}"
    return (
        f"nothing is proven yet ({title} {_now(readings)}), look {progress.look} of {progress.looks}, "
        f"{progress.days_remaining} days remain"
    )


def _uneven(readings: Readings) -> str:
    return f"the arms lose users unevenly ({left_out_words(readings.study, readings.health)})"


def _shown_at(look: int | None) -> str:
    return "shown when the study was closed" if look is None else f"shown at look {look}"


def _named(readings: Readings, status: str, verb: str) -> str:
    """The guardrails of a status with a verb and both arms' values."""
    study = readings.study
    found = [
        f"{study.metrics[name].title} is {verb} ({guardrail_values(study, name, reading)})"
        for name, reading in readings.guardrails.items()
        if reading.status == status
    ]
    return " and ".join(found) if found else f"a guardrail is {verb}"


def _illness(readings: Readings, why: Why | None) -> str:
    study, health = readings.study, readings.health
    limits = study.health
    if why == "late_rows":
        return f"{percent(health.late_share, signed=False)} of the rows came too late, the limit is {limit(limits.maximum_late_share)}"
    if why == "rejected_rows":
        share = percent(health.rejected_share, signed=False)
        return f"{share} of the rows were rejected, the limit is {limit(limits.maximum_rejected_share)}"
    if why == "left_out":
        return f"{_uneven(readings)}, so those who are left cannot be compared (p {p_value(health.inclusion_p or 0.0)})"
    control = study.experiment.control_percent
    return f"the users are not split {control}:{100 - control} as promised (p {p_value(health.sample_ratio_p or 0.0)})"
