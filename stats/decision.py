"""The one rule evaluator: from what is known at a tick to one of five decisions."""

from dataclasses import dataclass

from livelift.study import Study
from stats.verdict import Decision, Health, Why


@dataclass(frozen=True, slots=True)
class Findings:
    """All that decides.

    Attributes
    ----------
    enough_users
        Both arms have the users that the study asks for.
    readable
        The primary has a lift.
    ill
        Why the data cannot be trusted now; None when healthy.
    harm_crossed, ship_crossed
        The primary's boundary, latched.
    guardrail_failed
        Some guardrail has failed, latched.
    guardrail_gates, guardrail_unreadable
        Some guardrail blocks *ship* at this tick: it looks worse, or cannot be read although both arms have their users.
    left_out_gates
        Users seem to be left out unevenly at this tick: too little for an alarm, enough to block *ship*.
    improvement
        The primary's adjusted lift, turned so that more is better, a fraction.
    deciding
        This tick may decide: it is a look, or the period is complete.
    complete, ended
        The period is complete (or was closed early); the stream has ended.
    """

    enough_users: bool
    readable: bool
    ill: Why | None
    harm_crossed: bool
    ship_crossed: bool
    guardrail_failed: bool
    guardrail_gates: bool
    guardrail_unreadable: bool
    left_out_gates: bool
    improvement: float | None
    deciding: bool
    complete: bool
    ended: bool


def decide(found: Findings, minimum_lift: float) -> tuple[Decision, Why | None]:
    """The decision and why, the first that holds.

    no_data for too few users → unhealthy (overrides, never latches) → dont_ship for *harm*, then for a *guardrail* →
    no_data where the primary cannot be read → ship (crossed, above the rule's lift, nothing gating) →
    at the period's end dont_ship *not_proven* → keep_running.

    Examples
    --------
    >>> calm = Findings(True, True, None, False, True, False, False, False, False, 0.05, True, False, False)
    >>> decide(calm, minimum_lift=0.02), decide(calm, minimum_lift=0.06)
    (('ship', None), ('keep_running', 'minimum_lift'))
    """
    if not found.enough_users:
        return "no_data", "too_few_users"
    if found.ill is not None:
        return "unhealthy", found.ill
    if found.deciding and found.harm_crossed:
        return "dont_ship", "harm"
    if found.deciding and found.guardrail_failed:
        return "dont_ship", "guardrail"
    if not found.readable:
        return "no_data", "unreadable"
    enough = found.improvement is not None and found.improvement > minimum_lift
    blocked = found.guardrail_gates or found.guardrail_unreadable or found.left_out_gates
    if found.deciding:
        if found.ship_crossed and enough and not blocked:
            return "ship", None
        if found.complete:
            return "dont_ship", "not_proven"
    if found.ended and not found.complete:
        return "keep_running", "ended_early"
    return "keep_running", _held_back(found, enough) if found.ship_crossed else None


def _held_back(found: Findings, enough: bool) -> Why | None:
    """What keeps a crossed boundary from being a *ship*; None where only the next look is waited for."""
    if found.guardrail_gates:
        return "guardrail_gate"
    if found.guardrail_unreadable:
        return "guardrail_unreadable"
    if found.left_out_gates:
        return "left_out_gate"
    return None if enough else "minimum_lift"


def illness(health: Health, study: Study) -> Why | None:
    """Why the data cannot be trusted now, the gravest first; None when it can.

    Sample ratio and users left out: sequential p ≤ the study's α; late and rejected rows: their share above its limit.
    """
    limits = study.health
    if health.sample_ratio_p is not None and health.sample_ratio_p <= limits.sample_ratio_alpha:
        return "sample_ratio"
    if health.inclusion_p is not None and health.inclusion_p <= limits.inclusion_alpha:
        return "left_out"
    if health.late_share is not None and health.late_share > limits.maximum_late_share:
        return "late_rows"
    if health.rejected_share is not None and health.rejected_share > limits.maximum_rejected_share:
        return "rejected_rows"
    return None


def left_out_gates(health: Health, study: Study) -> bool:
    """Does the table of users left out block *ship* at this look? Its fixed p ≤ the study's α."""
    return health.inclusion_p_fixed is not None and health.inclusion_p_fixed <= study.health.inclusion_alpha
