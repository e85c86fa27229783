"""The decision rule: from the findings of a tick to one of five decisions."""

from dataclasses import dataclass

from livelift.document.decision import Decision, Why
from livelift.document.progress import Health
from livelift.study import Study
from stats.checks.health import in_both_share


@dataclass(frozen=True, slots=True)
class Findings:
    """All that decides.

    Attributes
    ----------
    enough_exposed
        As many users are exposed as the two arms need together: the data can be judged.
    enough_users
        Both arms have the users in the analysis that the study asks for.
    readable
        The primary has a lift.
    problem
        Why the data cannot be trusted now; None when healthy.
    harm_crossed, ship_crossed
        The primary's boundary, latched.
    harm_clear, ship_clear
        The statistic lies beyond the boundary of this look as well: a crossing that could not decide when it came, and
        has faded since, decides nothing.
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
        The period is complete, or the study is being closed; the stream has ended.
    """

    enough_exposed: bool
    enough_users: bool
    readable: bool
    problem: Why | None
    harm_crossed: bool
    harm_clear: bool
    ship_crossed: bool
    ship_clear: bool
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

    no_data while too few are exposed → unhealthy (overrides, never latches) → dont_ship for *harm*, then for a
    *guardrail* → no_data while too few users are in the analysis, or the primary cannot be read → ship (crossed, and nothing
    holds it back) → at the period's end dont_ship *not_proven* → keep_running.

    Harm and a failed guardrail also decide at the end of a stream that ends early: they were shown at a look.

    Examples
    --------
    >>> calm = Findings(
    ...     True, True, True, None, False, False, True, True, False, False, False, False, 0.05, True, False, False
    ... )
    >>> decide(calm, minimum_lift=0.02), decide(calm, minimum_lift=0.06)
    (('ship', None), ('keep_running', 'minimum_lift'))
    """
    if not found.enough_exposed:
        return "no_data", "too_few_users"
    if found.problem is not None:
        return "unhealthy", found.problem
    if found.deciding or found.ended:
        if found.harm_crossed and found.harm_clear:
            return "dont_ship", "harm"
        if found.guardrail_failed:
            return "dont_ship", "guardrail"
    if not found.enough_users:
        return "no_data", "too_few_users"
    if not found.readable:
        return "no_data", "unreadable"
    held_back = blocker(found, minimum_lift)
    if found.deciding:
        if found.ship_crossed and held_back is None:
            return "ship", None
        if found.complete:
            return "dont_ship", "not_proven"
    if found.ended and not found.complete:
        return "keep_running", "ended_early"
    return "keep_running", held_back


def blocker(found: Findings, minimum_lift: float) -> Why | None:
    """What keeps a crossed boundary from being a *ship*; None where nothing does, or nothing is crossed."""
    if not found.ship_crossed:
        return None
    if found.guardrail_gates:
        return "guardrail_gate"
    if found.guardrail_unreadable:
        return "guardrail_unreadable"
    if found.left_out_gates:
        return "left_out_gate"
    if found.improvement is None or found.improvement <= minimum_lift:
        return "minimum_lift"
    return None if found.ship_clear else "not_clear"


def health_problem(health: Health, study: Study, exposed: tuple[int, int]) -> Why | None:
    """Why the data cannot be trusted now, the gravest first; None when it can.

    Sample ratio and users left out: sequential p ≤ the study's α; users in both arms, late and rejected rows: their share
    above its limit. `exposed` are the users of (control, treatment).
    """
    limits = study.health
    if health.missing_events:
        return "missing_events"
    if health.sample_ratio_p is not None and health.sample_ratio_p <= limits.sample_ratio_alpha:
        return "sample_ratio"
    if health.inclusion_p is not None and health.inclusion_p <= limits.inclusion_alpha:
        return "left_out"
    in_both = in_both_share(health, exposed)
    if in_both is not None and in_both > limits.maximum_in_both_share:
        return "users_in_both"
    if health.late_share is not None and health.late_share > limits.maximum_late_share:
        return "late_rows"
    if health.rejected_share is not None and health.rejected_share > limits.maximum_rejected_share:
        return "rejected_rows"
    return None


def left_out_gates(health: Health, study: Study) -> bool:
    """Does the table of users left out block *ship* at this look? Its fixed p ≤ the study's α."""
    return health.inclusion_p_fixed is not None and health.inclusion_p_fixed <= study.health.inclusion_alpha
