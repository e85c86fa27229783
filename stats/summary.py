"""The decision and its reason in one sentence, for a person who reads nothing else."""

from livelift.study import Study
from stats.verdict import Decision, Guardrail, Health, Primary, Progress, Why


def summarise(
    study: Study,
    decision: Decision,
    why: Why | None,
    included: tuple[int, int],
    health: Health,
    primary: Primary,
    guardrails: dict[str, Guardrail],
    progress: Progress,
) -> str:
    """What is decided and why.

    Parameters
    ----------
    included
        Users of (control, treatment).

    Returns
    -------
    str
        One sentence; a second one where the first could be misread.
    """
    title = study.metrics[study.decision.primary].title
    change = "by an unknown amount" if primary.lift is None else f"{primary.lift:+.1%}"
    least = f"{study.decision.minimum_lift:+.0%}"
    if decision == "no_data":
        return (
            f"No verdict yet: {included[0]} and {included[1]} users, each group needs {study.statistics.minimum_users}."
        )
    if decision == "unhealthy":
        return f"Do not trust the numbers now: {_illness(study, why, health)}."
    if decision == "ship":
        return (
            f"Ship: {title} is better ({change} now), {_shown_at(primary.ship.at)}, and no guardrail stood against it."
        )
    if why == "harm":
        return f"Don't ship: {title} is harmed ({change} now), {_shown_at(primary.harm.at)}."
    if why == "guardrail":
        return (
            f"Don't ship: {_named(study, guardrails, 'fail')} worse by more than {study.decision.guardrail_margin:.0%}."
        )
    if why == "not_proven":
        return f"Don't ship: {_unproven(study, title, change, primary, guardrails)} That is no proof of no effect."
    if why == "ended_early":
        return f"Keep running: the stream ended with {progress.days_remaining} days missing, so nothing is decided."
    if why == "guardrail_gate":
        return f"Keep running: {title} is better ({change} now), but {_named(study, guardrails, 'gate')} worse at this look."
    if why == "minimum_lift":
        return f"Keep running: {title} is better, but {change} now, and ship needs more than {least}."
    return (
        f"Keep running: nothing is proven yet ({title} {change} now), look {progress.look} of {progress.looks}, "
        f"{progress.days_remaining} days remain."
    )


def _shown_at(look: int | None) -> str:
    return "shown when the study was closed" if look is None else f"shown at look {look}"


def _named(study: Study, guardrails: dict[str, Guardrail], status: str) -> str:
    """The guardrails of a status, with the verb."""
    titles = [study.metrics[name].title for name, reading in guardrails.items() if reading.status == status]
    if not titles:
        return "a guardrail is"
    return f"{' and '.join(titles)} {'are' if len(titles) > 1 else 'is'}"


def _unproven(study: Study, title: str, change: str, primary: Primary, guardrails: dict[str, Guardrail]) -> str:
    if primary.ship.at is None:
        return f"the period is over and {title} is not proven better ({change})."
    if any(reading.status == "gate" for reading in guardrails.values()):
        return (
            f"the period is over, and though {title} is better ({change}), {_named(study, guardrails, 'gate')} worse."
        )
    return (
        f"the period is over, and though {title} is better, {change} is not more than the "
        f"{study.decision.minimum_lift:+.0%} that ship needs."
    )


def _illness(study: Study, why: Why | None, health: Health) -> str:
    limits = study.health
    if why == "late_rows":
        return f"{health.late_share or 0.0:.1%} of the rows came too late, the limit is {limits.maximum_late_share:.0%}"
    if why == "rejected_rows":
        share = health.rejected_share or 0.0
        return f"{share:.1%} of the rows were rejected, the limit is {limits.maximum_rejected_share:.0%}"
    return f"the users are not split {study.experiment.control_percent}:{100 - study.experiment.control_percent} as promised"
