"""The one rule evaluator: from what is known at a tick to one of five decisions, and to the reasons in words."""

from dataclasses import dataclass
from typing import Literal

from livelift.study import Study
from stats.verdict import ClassicOpinion, Decision, Guardrail, Health, Primary, Progress, Rule, Why

CLASSIC_ERRORS = "72 %", "83 to 98 %"
"""How often the t-test over sessions rejects without an effect, at the end and when watched: the table of
docs/02-error-rates.md (2,000 simulated experiments a regime), which a test of the documents compares."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that decides.

    Attributes
    ----------
    readable
        Enough users in both arms, and the primary can be read.
    ill
        Why the data cannot be trusted now; None when healthy.
    harm_crossed, ship_crossed
        The primary's boundary, latched.
    guardrail_failed
        Some guardrail has failed, latched.
    guardrail_gates
        Some guardrail blocks *ship* at this tick.
    improvement
        The primary's adjusted lift, turned so that more is better, a fraction.
    deciding
        This tick may decide: it is a look, or the period is complete.
    complete, ended
        The period is complete; the stream has ended.
    """

    readable: bool
    ill: Why | None
    harm_crossed: bool
    ship_crossed: bool
    guardrail_failed: bool
    guardrail_gates: bool
    improvement: float | None
    deciding: bool
    complete: bool
    ended: bool


def decide(found: Findings, minimum_lift: float) -> tuple[Decision, Why | None]:
    """The decision and why, the first that holds.

    no_data → unhealthy (overrides, never latches) → dont_ship for *harm*, then for a *guardrail* → ship (crossed, above the
    rule's lift, no guardrail gating) → at the period's end dont_ship *not_proven* → keep_running.

    Examples
    --------
    >>> calm = Findings(True, None, False, True, False, False, 0.05, True, False, False)
    >>> decide(calm, minimum_lift=0.02), decide(calm, minimum_lift=0.06)
    (('ship', None), ('keep_running', 'minimum_lift'))
    """
    if not found.readable:
        return "no_data", "too_few_users"
    if found.ill is not None:
        return "unhealthy", found.ill
    enough = found.improvement is not None and found.improvement > minimum_lift
    if found.deciding:
        if found.harm_crossed:
            return "dont_ship", "harm"
        if found.guardrail_failed:
            return "dont_ship", "guardrail"
        if found.ship_crossed and enough and not found.guardrail_gates:
            return "ship", None
        if found.complete:
            return "dont_ship", "not_proven"
    if found.ended and not found.complete:
        return "keep_running", "ended_early"
    if found.ship_crossed and found.guardrail_gates:
        return "keep_running", "guardrail_gate"
    if found.ship_crossed and not enough:
        return "keep_running", "minimum_lift"
    return "keep_running", None


def illness(health: Health, study: Study) -> Why | None:
    """Why the data cannot be trusted now, the gravest first; None when it can.

    Sample ratio: sequential p ≤ the study's α (Lindon & Malek 2022); late and rejected rows: their share above its limit.
    """
    limits = study.health
    if health.sample_ratio_p is not None and health.sample_ratio_p <= limits.sample_ratio_alpha:
        return "sample_ratio"
    if health.late_share is not None and health.late_share > limits.maximum_late_share:
        return "late_rows"
    if health.rejected_share is not None and health.rejected_share > limits.maximum_rejected_share:
        return "rejected_rows"
    return None


def reasons(
    study: Study, included: tuple[int, int], health: Health, primary: Primary, guardrails: dict[str, Guardrail],
    progress: Progress,
) -> tuple[Rule, ...]:  # fmt: skip
    """Every rule with its number, its threshold and a sentence, in the order in which they decide."""
    return (
        _users(study, included),
        *_health(study, health),
        _harm(study, primary),
        *(_guardrail(study, name, reading) for name, reading in guardrails.items()),
        _crossing(study, primary),
        _lift(study, primary),
        _end(progress),
    )


def _users(study: Study, included: tuple[int, int]) -> Rule:
    fewest, needed = min(included), study.statistics.minimum_users
    return Rule(
        name="users",
        number=fewest,
        threshold=needed,
        passed=fewest >= needed,
        words=f"{included[0]} users in {study.names.control}, {included[1]} in {study.names.treatment}; "
        f"each needs {needed}",
    )


def _health(study: Study, health: Health) -> tuple[Rule, ...]:
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
                words=f"{words} (p {_p(p)}, alarm at {limits.sample_ratio_alpha:g})",
            )
        )
    rows += _exposure(study, health)
    for name, share, limit, label in (
        ("late_rows", health.late_share, limits.maximum_late_share, "rows that came too late"),
        ("rejected_rows", health.rejected_share, limits.maximum_rejected_share, "rows that were rejected"),
    ):
        passed = None if share is None else share <= limit
        shown = "none read yet" if share is None else f"{share:.2%}"
        rows.append(
            Rule(name=name, number=share, threshold=limit, passed=passed, words=f"{label}: {shown}, limit {limit:.0%}")
        )
    return tuple(rows)


def _exposure(study: Study, health: Health) -> list[Rule]:
    """Warnings, which block nothing: users left out unevenly, users in both variants."""
    rows: list[Rule] = []
    p, alpha = health.inclusion_p, study.health.sample_ratio_alpha
    if health.excluded_share is not None:
        even = None if p is None else p > alpha
        said = {None: "", True: ", in both arms alike", False: f", unevenly in the arms (p {_p(p or 0.0)}): a warning"}
        rows.append(
            Rule(
                name="inclusion",
                number=p,
                threshold=alpha,
                passed=even,
                words=f"{health.excluded_share:.1%} of the users seen are left out, with fewer than "
                f"{study.experiment.minimum_sessions} sessions{said[even]}",
            )
        )
    both = health.users_in_both
    if both is not None:
        words = (
            "nobody was seen in both variants" if not both else f"{both} users were seen in both variants: a warning"
        )
        rows.append(Rule(name="users_in_both", number=both, threshold=0, passed=both == 0, words=words))
    return rows


def _harm(study: Study, primary: Primary) -> Rule:
    tail, title = primary.harm, study.metrics[primary.metric].title
    if tail.at is not None:
        words = f"{title} is harmed: boundary crossed at look {tail.at}"
    else:
        words = f"no harm to {title} shown{_compared(study, primary, harm=True)}"
    return Rule(name="harm", number=tail.rank, threshold=tail.allowed, passed=tail.at is None, words=words)


def _crossing(study: Study, primary: Primary) -> Rule:
    tail, title = primary.ship, study.metrics[primary.metric].title
    if tail.at is not None:
        words = f"{title} is better: boundary crossed at look {tail.at}"
    else:
        words = f"{title} is not proven better yet{_compared(study, primary, harm=False)}"
    return Rule(name="primary", number=tail.rank, threshold=tail.allowed, passed=tail.at is not None, words=words)


def _compared(study: Study, primary: Primary, harm: bool) -> str:
    """How far the study is from the boundary, where this look has re-assignments to say it."""
    tail = primary.harm if harm else primary.ship
    if tail.rank is None or tail.allowed is None:
        return ""
    extreme = "as bad" if harm else "as good"
    return (
        f": by chance alone {tail.rank} of {study.statistics.flips} re-assignments look at least {extreme}, "
        f"this look allows {max(tail.allowed, 0)}"
    )


def _guardrail(study: Study, name: str, reading: Guardrail) -> Rule:
    metric, margin = study.metrics[name], study.decision.guardrail_margin
    worse = "unknown" if reading.worsening is None else _worse(reading.worsening)
    said = {
        "fail": f"worse by more than {margin:.0%} (shown at look {reading.failed_at})",
        "gate": f"looks worse by more than {margin:.0%}: no ship at this look",
        "proven_safe": f"proven not worse by more than {margin:.0%}",
        "inconclusive": f"neither proven worse nor proven safe against {margin:.0%}",
    }[reading.status]
    return Rule(
        name=f"guardrail:{name}",
        number=reading.worsening,
        threshold=margin,
        passed={"fail": False, "gate": False, "proven_safe": True, "inconclusive": None}[reading.status],
        words=f"{metric.title}: {said}; now {worse}",
    )


def _worse(worsening: float) -> str:
    return f"{abs(worsening):.1%} {'worse' if worsening > 0 else 'better'}"


def _lift(study: Study, primary: Primary) -> Rule:
    improvement = improvement_of(study, primary.lift)
    needed = study.decision.minimum_lift
    shown = "unknown" if improvement is None else f"{improvement:+.1%}"
    return Rule(
        name="minimum_lift",
        number=improvement,
        threshold=needed,
        passed=None if improvement is None else improvement > needed,
        words=f"lift of {study.metrics[primary.metric].title} {shown}, ship needs more than {needed:+.0%}",
    )


def _end(progress: Progress) -> Rule:
    if progress.period_complete:
        words = "the period is complete"
    elif progress.ended:
        words = f"the stream ended early, {progress.days_remaining} days are missing: no final look"
    else:
        words = f"look {progress.look} of {progress.looks}, {progress.days_remaining} days remain"
    return Rule(
        name="period", number=progress.look, threshold=progress.looks, passed=progress.period_complete, words=words
    )


def improvement_of(study: Study, lift: float | None) -> float | None:
    """The primary's lift turned so that more is better, a fraction.

    >>> from livelift.study import load_study
    >>> improvement_of(load_study("lastfm"), -0.02)
    -0.02
    """
    if lift is None or study.metrics[study.decision.primary].higher_is_better:
        return lift
    return -lift


def classic_opinion(
    study: Study, decision: Decision, lift: float | None, p: float | None, worse: list[str]
) -> ClassicOpinion:
    """What the batch rule would say of the classic reading now.

    Ship if the lift exceeds the minimum with p < α and no guardrail is worse by more than the margin at its α (`worse`
    names those that are), else don't ship; it knows no *keep running*. Opposite: one of the two says *ship*, the other not.

    Examples
    --------
    >>> from livelift.study import load_study
    >>> found = classic_opinion(load_study("lastfm"), "keep_running", 0.05, 0.001, [])
    >>> found.decision, found.opposite
    ('ship', True)
    """
    improvement = improvement_of(study, lift)
    if improvement is None or p is None:
        return ClassicOpinion(decision=None, opposite=False, words="the classic reading has too little data")
    significant = p < study.decision.alpha
    ships = significant and improvement > study.decision.minimum_lift and not worse
    opinion: Literal["ship", "dont_ship"] = "ship" if ships else "dont_ship"
    opposite = decision not in ("no_data", "unhealthy") and ships != (decision == "ship")
    because = f", guardrail worse: {', '.join(worse)}" if worse else ""
    clustered = study.metrics[study.decision.primary].kind == "session_mean"
    words = (
        f"a t-test over {'sessions' if clustered else 'users'} would say {'ship' if ships else 'don’t ship'} "
        f"({improvement:+.1%}, p {_p(p)}{because}); "
    )
    if clustered:
        once, watched = CLASSIC_ERRORS
        words += (
            f"sessions of one user are not independent: without any effect it finds one in {once} of studies at one look "
            f"and in {watched} when watched (simulated, docs/02-error-rates.md), not in {study.decision.alpha:.0%}"
        )
    else:
        words += f"watched, it errs far more often than {study.decision.alpha:.0%}"
    return ClassicOpinion(decision=opinion, opposite=opposite, words=words)


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
