"""The verdict as of a tick: the decision, why, and every number behind it. Values only; `stats.engine` makes them.

Lifts and intervals are fractions (0.05 = +5 %); `log_lift`, `se` and `worsening_log` are on the log scale; None = unknown.
"""

from typing import Literal

import msgspec

from stats.classic import Interval, Welch
from stats.guardrails import Status

Decision = Literal["no_data", "unhealthy", "keep_running", "ship", "dont_ship"]

Why = Literal[
    "too_few_users",  # no_data
    "sample_ratio", "late_rows", "rejected_rows",  # unhealthy
    "minimum_lift", "guardrail_gate", "ended_early",  # keep_running
    "harm", "guardrail", "not_proven",  # dont_ship
]  # fmt: skip


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the decision: its number against its threshold, whether it is passed (None: cannot be judged), in words."""

    name: str
    number: float | None
    threshold: float | None
    passed: bool | None
    words: str


class Sequential(msgspec.Struct, frozen=True, kw_only=True):
    """What the adjusted log lift of a metric's user means says.

    users
        Users of (control, treatment) with a value.
    log_lift, se, z, theta
        L, √V, L/√V and the covariate's coefficient.
    lift
        e^L − 1.
    ratio
        The same metric as ratio of sums with users as clusters, where it has one: shown beside, decides nothing.
    """

    metric: str
    users: tuple[int, int]
    log_lift: float | None
    se: float | None
    z: float | None
    theta: float | None
    lift: float | None
    ratio: Welch | None


class Crossed(msgspec.Struct, frozen=True, kw_only=True):
    """A tail of the primary's boundary.

    spent
        Error that the calendar lets this tail spend by the look.
    allowed, rank
        At this look: how many of the re-assignments may cross, and how many of those still in the race are at least as
        extreme as the study (itself included; crossing = rank ≤ allowed). None between looks and without flips.
    at
        The look at which the study crossed, for good; None = not crossed.
    """

    spent: float
    allowed: int | None
    rank: int | None
    at: int | None


class Primary(Sequential, frozen=True, kw_only=True):
    """The deciding metric.

    difference
        Adjusted difference of the user means in the shown unit.
    p, ci
        Always valid: running minimum and running intersection over the ticks; `p_now` is this tick's alone. `ci` is None
        while unknown, and where the tick's intervals have no point in common.
    at_least
        One-sided always-valid lower bound of the improvement (the lift, turned where lower is better), of this tick.
    boundary, interval
        c_k of the look and L ± c_k √V as lifts.
    """

    difference: Welch | None
    p: float | None
    p_now: float | None
    ci: Interval | None
    at_least: float | None
    boundary: float | None
    interval: Interval | None
    ship: Crossed
    harm: Crossed


class Guardrail(Sequential, frozen=True, kw_only=True):
    """A metric that must not suffer.

    worsening, worsening_log
        How much worse as a fraction, e^h − 1, and h.
    margin_z, boundary
        Z_g = (h − m)/SE, and the c_k that it must exceed to fail.
    p, p_holm
        Fixed one-sided p of Z_g at this look; adjusted for the number of guardrails.
    at_most
        Upper bound of the worsening as a fraction: h + c_k(α) SE; below the margin = proven safe.
    failed_at
        The look at which it failed, for good.
    """

    worsening: float | None
    worsening_log: float | None
    margin_z: float | None
    boundary: float | None
    p: float | None
    p_holm: float | None
    at_most: float | None
    status: Status
    failed_at: int | None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """May the numbers be trusted?

    sample_ratio_p, sample_ratio_p_lowest, sample_ratio_p_fixed
        Sequential p of the exposed users as they stand (judged), its minimum over the ticks, and the one-look chi-square p.
        None for an observed assignment.
    inclusion_p
        The same for included against exposed users: a warning.
    late_share, rejected_share
        Of the rows that were selected; None before the first row.
    excluded_share, excluded_shares
        Of the exposed users, the share without the sessions that inclusion asks for: of all, and variant → of its own;
        None while nobody is exposed.
    one_event_share
        Of the closed sessions of the period, the share with one event only, whose duration is 0; None before the first.
    users_in_both
        Users seen in both variants; None where a hash of the user assigns: it cannot happen.
    """

    sample_ratio_p: float | None
    sample_ratio_p_lowest: float | None
    sample_ratio_p_fixed: float | None
    inclusion_p: float | None
    late_share: float | None
    rejected_share: float | None
    excluded_share: float | None
    excluded_shares: dict[str, float | None]
    one_event_share: float | None
    users_in_both: int | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Looks taken of all looks, information time k/K, days to the planned end, and how the stream stands."""

    look: int
    looks: int
    information: float
    days_remaining: int
    period_complete: bool
    ended: bool


class Planning(msgspec.Struct, frozen=True, kw_only=True):
    """What can be found; lifts as fractions.

    needed_lift
        The observed lift that would reach the boundary of this look; None while no look has been taken, and while the
        error that the calendar has released is too small for any crossing.
    minimum_detectable_effect
        True lift that the final look finds with probability 0.8, with today's standard error.
    power_at_rule, power_at_estimate
        Probability of crossing at the planned end if the true lift is the rule's minimum, or today's estimate.
    days_to_boundary
        Days until the boundary on the estimate's side is reached if the estimate stays and precision keeps growing at the
        present rate; None before the first look, and where the planned end comes first.
    """

    needed_lift: float | None
    minimum_detectable_effect: float | None
    power_at_rule: float | None
    power_at_estimate: float | None
    days_to_boundary: int | None


class ClassicOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """What the original batch rule would say now, and whether that is the opposite of the verdict."""

    decision: Literal["ship", "dont_ship"] | None
    opposite: bool
    words: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The decision as of `time` (ms), or a preview between ticks.

    summary
        The decision and its reason in one sentence.
    decided_at
        The tick (ms) at which a final decision (ship, dont_ship) was taken; it stands from then on.
    deviations
        What departed from the plan, in words: a study closed early.
    """

    time: int
    preview: bool
    decision: Decision
    why: Why | None
    decided_at: int | None
    summary: str
    reasons: tuple[Rule, ...]
    primary: Primary
    guardrails: dict[str, Guardrail]
    health: Health
    progress: Progress
    planning: Planning
    classic: ClassicOpinion
    deviations: tuple[str, ...]
