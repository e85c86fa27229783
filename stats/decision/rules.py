"""Every rule of the decision with its number, threshold and a sentence, in the order of evaluation."""

from livelift.assignment import VARIANTS
from livelift.document.decision import Rule
from livelift.document.progress import Health
from livelift.document.readings import Guardrail, Primary
from livelift.event_time import to_iso
from livelift.study import Study
from stats.checks.health import in_both_share
from stats.decision.verdict import Readings
from stats.words.formatting import (
    amount,
    cause_of,
    days,
    improvement_of,
    is_better,
    is_harmed,
    limit,
    needed,
    p_value,
    percent,
)


def still_open(readings: Readings) -> str:
    """What the last look waits for, and how long at most."""
    experiment, sessions = readings.study.experiment, readings.unfinished
    which = (
        "1 session that began in it and still goes on"
        if sessions == 1
        else (f"{sessions:,} sessions that began in it and still go on")
    )
    return f"the period is over, and the last look waits for {which}, until {to_iso(experiment.wait_until_ms)[:10]} at the latest"


def _never_counted(readings: Readings) -> str:
    """The sessions that the last look did not wait for."""
    sessions = readings.unfinished
    if not sessions:
        return ""
    until = f"still open on {to_iso(readings.study.experiment.wait_until_ms)[:10]}"
    if sessions == 1:
        return f"; 1 session that began in it was {until} and is not counted"
    return f"; {sessions:,} sessions that began in it were {until} and are not counted"


def rules_of(readings: Readings) -> tuple[Rule, ...]:
    """The rules, for a person and for programs."""
    study, primary = readings.study, readings.primary
    return (
        _users(study, readings.included),
        *_health(readings),
        _harm(study, primary),
        *(_guardrail(study, name, reading) for name, reading in readings.guardrails.items()),
        _crossing(readings),
        _lift(study, primary),
        _end(readings),
        *(Rule(name="alarm", number=alarm.look, threshold=None, passed=False, words=alarm.words) for alarm in readings.alarms),
    )  # fmt: skip


def _users(study: Study, included: tuple[int, int]) -> Rule:
    fewest, least = min(included), study.statistics.minimum_users
    return Rule(
        name="users",
        number=fewest,
        threshold=least,
        passed=fewest >= least,
        words=f"{included[0]:,} users in {study.names.control}, {included[1]:,} in {study.names.treatment}; "
        f"each needs {least:,}",
    )


def _health(readings: Readings) -> tuple[Rule, ...]:
    study, health = readings.study, readings.health
    limits = study.health
    rows: list[Rule] = []
    p = health.sample_ratio_p
    if p is not None:
        kept = p > limits.sample_ratio_alpha
        words = "the split between the arms is as promised" if kept else "the split between the arms is not as promised"
        rows.append(
            Rule(
                name="sample_ratio",
                number=p,
                threshold=limits.sample_ratio_alpha,
                passed=kept,
                words=f"{words} (p {p_value(p)}, alarm at {limits.sample_ratio_alpha:g})",
            )
        )
    rows += [*_inclusion(study, health), *_in_both(readings)]
    for name, share, most, label in (
        ("late_rows", health.late_share, limits.maximum_late_share, "rows that came too late"),
        ("rejected_rows", health.rejected_share, limits.maximum_rejected_share, "rows that were rejected"),
    ):
        passed = None if share is None else share <= most
        shown = "none read yet" if share is None else percent(share, signed=False)
        rows.append(
            Rule(name=name, number=share, threshold=most, passed=passed, words=f"{label}: {shown}, limit {limit(most)}")
        )
    return tuple(rows)


def left_out_words(study: Study, health: Health) -> str:
    """The shares of users left out, arm by arm."""
    arms = zip((study.names.control, study.names.treatment), VARIANTS, strict=True)
    shares = ", ".join(f"{percent(health.excluded_shares[key], signed=False)} of {name}" for name, key in arms)
    return f"left out, with fewer than {study.experiment.minimum_sessions} sessions: {shares}"


def _inclusion(study: Study, health: Health) -> list[Rule]:
    """Users left out of the analysis."""
    rows: list[Rule] = []
    p, alpha = health.inclusion_p, study.health.inclusion_alpha
    if health.excluded_share is not None:
        at_once = health.inclusion_p_fixed
        tested = "" if p is None else f" (p of a difference {p_value(p)}, alarm at {alpha:g})"
        if p is not None and at_once is not None and at_once <= alpha < p:
            tested += f", no ship at this look (p of one look {p_value(at_once)})"
        rows.append(
            Rule(
                name="inclusion",
                number=p,
                threshold=alpha,
                passed=None if p is None else p > alpha and (at_once is None or at_once > alpha),
                words=left_out_words(study, health) + tested,
            )
        )
    return rows


def _in_both(readings: Readings) -> list[Rule]:
    """Users whose events named both variants."""
    both, most = readings.health.users_in_both, readings.study.health.maximum_in_both_share
    if both is None:
        return []
    share = in_both_share(readings.health, readings.exposed)
    who = {0: "nobody was", 1: "1 user was"}.get(both, f"{both:,} users were")
    of_all = f" ({percent(share, signed=False)} of the exposed)" if both and share is not None else ""
    words = f"{who} seen in both variants{of_all}, limit {limit(most)}"
    passed = None if share is None else share <= most
    return [Rule(name="users_in_both", number=share, threshold=most, passed=passed, words=words)]


def _harm(study: Study, primary: Primary) -> Rule:
    tail, title = primary.harm, study.metrics[primary.metric].title
    if tail.at is not None:
        words = f"{title} {is_harmed(study)}: boundary crossed at look {tail.at}"
    else:
        words = f"{title} is not shown to be worse{_compared(study, primary, harm=True)}"
    return Rule(name="harm", number=tail.rank, threshold=tail.allowed, passed=tail.at is None, words=words)


def _crossing(readings: Readings) -> Rule:
    study, primary = readings.study, readings.primary
    tail, title = primary.ship, study.metrics[primary.metric].title
    yet = "" if readings.progress.period_complete or readings.closed else " yet"
    if tail.at is not None:
        words = f"{title} {is_better(study)}: boundary crossed at look {tail.at}"
    elif primary.cause is not None and primary.cause != "few_values":
        words = f"{title} cannot be read: {cause_of(study, primary.cause, primary.users)}"
    else:
        words = f"{title} is not proven better{yet}{_compared(study, primary, harm=False)}"
    return Rule(name="primary", number=tail.rank, threshold=tail.allowed, passed=tail.at is not None, words=words)


def _compared(study: Study, primary: Primary, harm: bool) -> str:
    """How far the study is from the boundary, where this look has re-assignments to say it."""
    tail = primary.harm if harm else primary.ship
    if tail.rank is None or tail.allowed is None:
        return ""
    extreme = "as bad" if harm else "as good"
    return (
        f": {tail.rank:,} of {tail.running:,} random splits of the users look at least {extreme} as this one, "
        f"at most {max(tail.allowed, 0):,} may at this look"
    )


def _guardrail(study: Study, name: str, reading: Guardrail) -> Rule:
    metric, margin = study.metrics[name], limit(study.decision.guardrail_margin)
    said = {
        "fail": f"worse by more than {margin} (shown at look {reading.failed_at})",
        "gate": f"looks worse by more than {margin}: no ship at this look",
        "unreadable": "cannot be read, so no ship",
        "proven_safe": f"proven not worse by more than {margin}",
        "inconclusive": f"neither proven worse nor proven safe against {margin}",
    }[reading.status]
    return Rule(
        name=f"guardrail:{name}",
        number=reading.worsening,
        threshold=study.decision.guardrail_margin,
        passed={"fail": False, "gate": False, "unreadable": False, "proven_safe": True, "inconclusive": None}[
            reading.status
        ],
        words=f"{metric.title}: {said}; {guardrail_values(study, name, reading)}",
    )


def guardrail_values(study: Study, name: str, reading: Guardrail) -> str:
    """Both arms' values of a guardrail and what they make, or why there are none."""
    if reading.cause is not None and (reading.control is None or reading.status == "unreadable"):
        return cause_of(study, reading.cause, reading.users)
    metric, names = study.metrics[name], study.names
    values = f"{amount(reading.control, metric)} in {names.control}, {amount(reading.treatment, metric)} in {names.treatment}"
    if reading.cause is not None:
        return f"{values}: {cause_of(study, reading.cause, reading.users)}"
    if reading.worsening is None:
        return values
    if reading.worsening == 0:
        return f"{values}: the same"
    change = percent(abs(reading.worsening), signed=False)
    return f"{values}: {change} {'worse' if reading.worsening > 0 else 'better'}"


def _lift(study: Study, primary: Primary) -> Rule:
    improvement = improvement_of(study, primary.lift)
    return Rule(
        name="minimum_lift",
        number=improvement,
        threshold=study.decision.minimum_lift,
        passed=None if improvement is None else improvement > study.decision.minimum_lift,
        words=f"lift of {study.metrics[primary.metric].title} {percent(primary.lift)}, ship needs {needed(study)}",
    )


def _end(readings: Readings) -> Rule:
    progress = readings.progress
    if progress.period_complete:
        words = f"the period is complete{_never_counted(readings)}"
    elif readings.closed:
        words = (
            f"closed early at look {readings.decided.look if readings.decided else progress.look} of {progress.looks}"
        )
    elif progress.ended and readings.time < readings.study.experiment.end_ms:
        words = f"the stream ended early, {days(progress.days_remaining, 'is', 'are')} missing: no final look"
    elif readings.time >= readings.study.experiment.end_ms:
        words = f"look {progress.look} of {progress.looks}; {still_open(readings)}"
    else:
        possible = f"a worse primary can be said from {progress.harm_from} on, ship from {progress.ship_from} on"
        words = f"look {progress.look} of {progress.looks}, {days(progress.days_remaining, 'remains', 'remain')}; {possible}"
    return Rule(
        name="period", number=progress.look, threshold=progress.looks, passed=progress.period_complete, words=words
    )
