"""The decision and its reason in one sentence."""

from livelift.document.decision import Decision, Why
from livelift.event_time import to_iso
from stats.checks.health import in_both_share
from stats.decision.rules import guardrail_values, left_out_words, still_open
from stats.decision.verdict import Decided, Readings
from stats.words.formatting import (
    cause_of,
    days,
    improvement_of,
    is_better,
    is_harmed,
    limit,
    needed,
    p_value,
    percent,
    unnamed_arms,
)


def summarise(readings: Readings, decision: Decision, why: Why | None) -> str:
    """What is decided and why.

    Returns
    -------
    str
        One sentence; a second one where the first could be misread, or where something holds now that did not then.
    """
    if decision == "no_data":
        over = readings.progress.period_complete or readings.progress.ended
        return f"No verdict{'' if over else ' yet'}: {_no_data(readings, why)}."
    if decision == "unhealthy":
        return f"Do not trust the numbers now: {_problem(readings, why)}."
    if decision == "ship":
        return f"Ship: {_shipped(readings)}"
    if decision == "dont_ship":
        return f"Don't ship: {_refused(readings, why)}"
    return f"Keep running: {_waiting(readings, why)}."


def _title(readings: Readings) -> str:
    return readings.study.metrics[readings.study.decision.primary].title


def _now(readings: Readings) -> str:
    return f"{percent(readings.primary.lift)} now"


def _just_decided(readings: Readings) -> bool:
    """Is this the very tick of the decision? What holds now is then what held."""
    return readings.decided is None or (readings.decided.time == readings.time and not readings.preview)


def _when(decided: Decided, lift: bool = True) -> str:
    at = "" if decided.lift is None or not lift else f" at {percent(decided.lift)}"
    return f"on {to_iso(decided.time)[:10]} (look {decided.look}){at}"


def _no_data(readings: Readings, why: Why | None) -> str:
    study, primary, health = readings.study, readings.primary, readings.health
    if why == "unreadable" and primary.cause is not None:
        return f"{_title(readings)} cannot be compared, {cause_of(study, primary.cause, primary.users)}"
    if health.excluded_share is None and not readings.progress.ended:
        first, last = (to_iso(moment)[:10] for moment in (study.experiment.start_ms, study.experiment.end_ms - 1))
        begun = readings.time > study.experiment.start_ms
        past = "; events before it are the users' past"
        if begun and study.windows.kind == "row":
            past = "; the first totals come at the midnight after the first events"
        why_not = (begun and unnamed_arms(study, health)) or past
        return f"nobody has been seen yet in the period, {first} to {last}{why_not}"
    control, treatment = readings.included
    few = f"{control:,} and {treatment:,} users, each group needs {study.statistics.minimum_users:,}"
    few += unnamed_arms(study, health)
    rejected = health.rejected_share
    if rejected is not None and rejected > study.health.maximum_rejected_share:
        few += f"; {percent(rejected, signed=False)} of the rows were rejected"
    return few


def _shipped(readings: Readings) -> str:
    """What held when *ship* was decided, then what holds now."""
    study, decided, title = readings.study, readings.decided, _title(readings)
    unopposed = ", and no guardrail stood against it" if readings.guardrails else ""
    if decided is None or _just_decided(readings):
        crossed = readings.primary.ship.at
        return f"{title} {is_better(study)} ({_now(readings)}), shown at look {crossed}{unopposed}."
    then = f"{title} {is_better(study)}, decided {_when(decided)}"
    if readings.alarms:
        return f"{then}. But since then: {'; '.join(alarm.words for alarm in readings.alarms)}."
    if readings.primary.lift is None:
        return f"{then}."
    improvement = improvement_of(study, readings.primary.lift) or 0.0
    since = f"{then}, {_now(readings)}." if improvement > 0 else f"{then}; it is no longer ahead ({_now(readings)})."
    doubt = _named(readings, "gate", "worse by the look of it")
    return f"{since} Now {doubt}." if doubt else since


def _refused(readings: Readings, why: Why | None) -> str:
    study, decided, title = readings.study, readings.decided, _title(readings)
    if decided is None or _just_decided(readings):
        if why == "harm":
            now = "" if readings.primary.lift is None else f" ({_now(readings)})"
            return f"{title} {is_harmed(study)}{now}, shown at look {readings.primary.harm.at}."
        if why == "guardrail":
            return f"{_named(readings, 'fail', f'worse by more than {limit(study.decision.guardrail_margin)}')}."
    elif why == "harm":
        return f"{title} {is_harmed(study)}, decided {_when(decided)}, {_now(readings)}."
    elif why == "guardrail":
        return _failed(readings, decided)
    if readings.closed:
        return f"{_closed(readings, why)} That is no proof of no difference."
    return f"the period is over and {_unproven(readings)} That is no proof of no difference."


def _failed(readings: Readings, decided: Decided) -> str:
    """Which guardrails decided, which failed since, and the values of all of them now."""
    study = readings.study
    failed = {name: one for name, one in readings.guardrails.items() if one.failed_at is not None}
    titles = [study.metrics[name].title for name, one in failed.items() if (one.failed_at or 0) <= decided.look]
    since = [
        f"{study.metrics[name].title} (look {one.failed_at})"
        for name, one in failed.items()
        if (one.failed_at or 0) > decided.look
    ]
    verb = "was" if len(titles) == 1 else "were"
    worse = f"{verb} shown to be worse by more than {limit(study.decision.guardrail_margin)}"
    later = f", and since then {' and '.join(since)}" if since else ""
    values = "; ".join(guardrail_values(study, name, one) for name, one in failed.items())
    return f"{' and '.join(titles)} {worse} {_when(decided, lift=False)}{later}. Now {values}."


def _closed(readings: Readings, why: Why | None) -> str:
    """What a study that a person closed could say when it was closed."""
    decided = readings.decided
    if why == "closed":
        return "the study was closed early, before it could say anything."
    if decided is None or _just_decided(readings):
        return f"the study was closed early and {_unproven(readings)}"
    then, now = percent(decided.lift), percent(readings.primary.lift)
    change = now if then == now else f"{then} then, {now} now"
    day = to_iso(decided.time)[:10]
    return f"the study was closed early on {day} (look {decided.look}): {_title(readings)} was not proven better ({change})."


def _unproven(readings: Readings) -> str:
    title, change = _title(readings), percent(readings.primary.lift)
    if readings.held_back is None:
        return f"{title} is not proven better ({change})."
    return f"{_held_back(readings, change)}."


def _held_back(readings: Readings, change: str) -> str:
    """A crossed boundary, and what keeps it from being a *ship*."""
    study, title, why = readings.study, _title(readings), readings.held_back
    better = f"{title} {is_better(study)} ({change})"
    if why == "guardrail_gate":
        return f"{better}, but {_named(readings, 'gate', 'worse at this look')}"
    if why == "guardrail_unreadable":
        return f"{better}, but {_named(readings, 'unreadable', 'not readable')}"
    if why == "left_out_gate":
        return f"{better}, but at this look {_uneven(readings)}"
    if why == "not_clear":
        return f"{title} was shown better at look {readings.primary.ship.at}, but is not clearly so any more ({change})"
    return f"{title} {is_better(study)}, but the lift is {change}, and ship needs {needed(study)}"


def _waiting(readings: Readings, why: Why | None) -> str:
    progress, title = readings.progress, _title(readings)
    if why == "ended_early":
        return f"the stream ended with {days(progress.days_remaining, 'missing', 'missing')}, so nothing is decided"
    if why is not None:
        return _held_back(readings, _now(readings))
    if readings.time >= readings.study.experiment.end_ms and not progress.ended:
        return f"{still_open(readings)} ({title} {_now(readings)})"
    if readings.primary.harm.at is not None:
        return f"{title} was shown worse at look {readings.primary.harm.at} ({_now(readings)}), which the next look decides"
    if readings.primary.ship.at is not None:
        return f"{title} was shown better at look {readings.primary.ship.at} ({_now(readings)}), which the next look decides"
    return f"nothing is proven yet ({title} {_now(readings)}), look {progress.look} of {progress.looks}, " + days(
        progress.days_remaining, "remains", "remain"
    )


def _named(readings: Readings, status: str, verb: str) -> str:
    """The guardrails of a status with a verb and both arms' values; empty if there are none."""
    study = readings.study
    return " and ".join(
        f"{study.metrics[name].title} is {verb} ({guardrail_values(study, name, reading)})"
        for name, reading in readings.guardrails.items()
        if reading.status == status
    )


def _uneven(readings: Readings) -> str:
    return f"the arms lose users unevenly ({left_out_words(readings.study, readings.health)})"


def _problem(readings: Readings, why: Why | None) -> str:
    study, health = readings.study, readings.health
    limits = study.health
    if why == "missing_events":
        return f"{health.missing_events:,} events that were sent had not arrived when the stream ended"
    if why == "late_rows":
        late = percent(health.late_share, signed=False)
        return f"{late} of the rows came too late, the limit is {limit(limits.maximum_late_share)}"
    if why == "users_in_both":
        share = percent(in_both_share(health, readings.exposed), signed=False)
        return f"{share} of the users were seen in both groups, the limit is {limit(limits.maximum_in_both_share)}"
    if why == "rejected_rows":
        share = percent(health.rejected_share, signed=False)
        return f"{share} of the rows were rejected, the limit is {limit(limits.maximum_rejected_share)}"
    if why == "left_out":
        return f"{_uneven(readings)}, so those who are left cannot be compared (p {p_value(health.inclusion_p or 0.0)})"
    control = study.experiment.control_percent
    split = f"the users are not split {control}:{100 - control} as promised (p {p_value(health.sample_ratio_p or 0.0)})"
    return split + unnamed_arms(study, health)
