"""The verdict as of a tick: the decision, why, and every number behind it. Values only; `stats.engine` makes them.

Lifts and intervals are fractions (0.05 = +5 %); `log_lift`, `se` and `worsening_log` are on the log scale; None = unknown.
"""

from typing import Literal

import msgspec

from livelift.study import Study
from stats.classic import Interval, Welch
from stats.guardrails import Status

Decision = Literal["no_data", "unhealthy", "keep_running", "ship", "dont_ship"]

Why = Literal[
    "too_few_users", "unreadable",  # no_data
    "missing_events", "sample_ratio", "left_out", "late_rows", "rejected_rows",  # unhealthy
    "minimum_lift", "guardrail_gate", "guardrail_unreadable", "left_out_gate", "not_clear", "ended_early",  # keep_running
    "harm", "guardrail", "not_proven", "closed",  # dont_ship
]  # fmt: skip


Cause = Literal["few_values", "all_zero", "zero_control", "zero_treatment", "all_equal", "no_spread"]
"""Why a metric cannot be read: users without a value; 0 for everybody, in both arms or in one; no spread, in both arms the
same value or not."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the decision: its number against its threshold, whether it is passed (None: cannot be judged), in words."""

    name: str
    number: float | None
    threshold: float | None
    passed: bool | None
    words: str


class Sequential(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric's user means, adjusted by the covariate, say.

    users
        Users of (control, treatment) with a value.
    lift
        Adjusted lift, a fraction.
    cause
        Why the metric cannot be read; None where it can.
    ratio
        The same metric as ratio of sums with users as clusters, where it has one: shown beside, decides nothing.
    """

    metric: str
    users: tuple[int, int]
    lift: float | None
    cause: Cause | None
    ratio: Welch | None


class Crossed(msgspec.Struct, frozen=True, kw_only=True):
    """A tail of the primary's boundary.

    spent
        Error that the calendar lets this tail spend by the look.
    allowed, rank
        At this look: how many of the re-assignments may cross, and how many of those still in the race are at least as
        extreme as the study (itself included; crossing = rank ≤ allowed). None between looks and without flips.
    running
        How many re-assignments are still in the race at this look, the study itself included.
    limit
        At this look: the Z toward this tail that had to be exceeded; None between looks and without flips.
    at
        The look at which the study crossed, for good; None = not crossed.
    """

    spent: float
    allowed: int | None
    rank: int | None
    running: int | None
    limit: float | None
    at: int | None


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """One of the ways to read the primary's lift, all of the same tick.

    name
        *sessions*: of the means over sessions; *users*: of the means over users; *users_adjusted*: the same, adjusted by
        the covariate, which decides; *per_exposed_user*: of the measure's sum per exposed user, whoever is included.
    ci
        Of *sessions* the classic 95 % interval, valid for one look; of the others always valid.
    """

    name: Literal["sessions", "users", "users_adjusted", "per_exposed_user"]
    lift: float | None
    ci: Interval | None
    words: str


class PerExposedUser(msgspec.Struct, frozen=True, kw_only=True):
    """The primary's measure summed per exposed user, whether the analysis includes them or not: intention to treat.

    control, treatment
        Plain means in the shown unit.
    lift, ci
        Adjusted, with its always-valid interval; None where they cannot be read.
    """

    control: float
    treatment: float
    lift: float | None
    ci: Interval | None


class Primary(Sequential, frozen=True, kw_only=True):
    """The deciding metric.

    control, treatment
        Adjusted user means in the shown unit.
    log_lift, se, z, theta
        L = ln(1 + lift), √V, L/√V and the covariate's coefficient.
    difference
        Adjusted difference of the user means in the shown unit.
    p, ci
        Always valid, for the effect so far: as of this tick.
    p_lowest
        The lowest p of all ticks: against *no effect ever*.
    at_least
        One-sided always-valid lower bound of the improvement (the lift, turned where lower is better).
    boundary, harm_boundary, interval
        The constants c that L/√V has to exceed toward *ship* and toward *harm* at this look, and the interval that they
        make as lifts: L − c √V and L + c √V, each with the constant of the tail that decides on that side.
    lifts
        The lifts of the three ways to count, and of the sum per exposed user.
    adjustment_gain
        Share of the variance that the covariate takes away.
    per_exposed_user
        The measure's sum per exposed user; only a mean over sessions has one.
    """

    control: float | None
    treatment: float | None
    log_lift: float | None
    se: float | None
    z: float | None
    theta: float | None
    difference: Welch | None
    p: float | None
    p_lowest: float | None
    ci: Interval | None
    at_least: float | None
    boundary: float | None
    harm_boundary: float | None
    interval: Interval | None
    lifts: tuple[Lift, ...]
    adjustment_gain: float | None
    per_exposed_user: PerExposedUser | None
    ship: Crossed
    harm: Crossed


class Guardrail(Sequential, frozen=True, kw_only=True):
    """A metric that must not suffer.

    population
        Over whom it is read: *included* users, or all *exposed* ones.
    control, treatment
        Adjusted user means in the shown unit.
    se, ci
        Standard error of the lift, and the lift's always-valid interval.
    worsening
        How much worse treatment is, a fraction of control; negative = better. None where control's mean is 0.
    margin_z, boundary
        Z_g, infinite where nothing is uncertain (no spread, different means), and the c_k that it must exceed to fail.
    p, p_holm
        Fixed one-sided p of Z_g at this look; adjusted for the number of guardrails.
    at_most
        Upper bound of the worsening at c_k(α); below the margin = proven safe.
    failed_at
        The look at which it failed, for good.
    """

    population: Literal["included", "exposed"]
    control: float | None
    treatment: float | None
    se: float | None
    ci: Interval | None
    worsening: float | None
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
        Sequential p of *left out × arm* over the exposed users as they stand (judged). None for an observed assignment.
    inclusion_p_fixed
        p of the same table at one look: at or below the limit it blocks *ship* at this look.
    missing_events
        Events that were sent and had not arrived when the stream ended.
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
    inclusion_p_fixed: float | None
    missing_events: int
    late_share: float | None
    rejected_share: float | None
    excluded_share: float | None
    excluded_shares: dict[str, float | None]
    one_event_share: float | None
    users_in_both: int | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Looks taken of all looks, information time k/K, days to the planned end, and how the stream stands.

    ship_from, harm_from
        The first day (UTC date) on which *ship*, and *harm*, can be said at all: before, the calendar has released too
        little error for any crossing.
    """

    look: int
    looks: int
    information: float
    days_remaining: int
    ship_from: str
    harm_from: str
    period_complete: bool
    ended: bool


class Planning(msgspec.Struct, frozen=True, kw_only=True):
    """What can be found with the users that the study has; lifts as fractions, negative where lower is better.

    needed_lift
        The observed lift that would reach the boundary of this look; None while no look has been taken, and while the
        error that the calendar has released is too small for any crossing.
    needed_lift_at_end
        The same at the final look, with today's standard error.
    minimum_detectable_effect
        True lift that the final look finds with probability 0.8, with today's standard error.
    power_at_rule, power_at_estimate
        Probability of crossing at the planned end if the true lift is the rule's minimum, or today's estimate.
    days_to_boundary
        Days until the boundary on the estimate's side is reached if the estimate stays and precision keeps growing at the
        present rate; None before the first look, and where the planned end comes first.
    """

    needed_lift: float | None
    needed_lift_at_end: float | None
    minimum_detectable_effect: float | None
    power_at_rule: float | None
    power_at_estimate: float | None
    days_to_boundary: int | None


class ClassicOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """What the original batch rule would say now, and whether that is the opposite of the verdict."""

    decision: Literal["ship", "dont_ship"] | None
    opposite: bool
    words: str


class Decided(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A decision that stands, with what held when it was taken. An array when stored: it is part of the engine's state.

    time, look
        The tick (ms) and the looks taken by then.
    lift
        The primary's adjusted lift at that tick.
    lift_corrected
        `lift` corrected for having stopped there: such an estimate is too large on average (`stats.stopping`). None where
        no boundary of the primary decided.
    """

    decision: Decision
    why: Why | None
    time: int
    look: int
    lift: float | None
    lift_corrected: float | None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Harm, or a failed guardrail, that was proven after *ship* had been decided.

    name
        "harm", or "guardrail:<metric>".
    look
        The look at which it was proven.
    """

    name: str
    look: int
    words: str


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known at a tick and from which words are made: what decides, and what stands beside it.

    time, preview
        As of when (ms), and whether it is between ticks.
    included
        Users of (control, treatment) in the analysis.
    unfinished
        Sessions that began in the period and are not counted in it: still open, or longer than the study waits.
    held_back
        What keeps a crossed boundary from being a *ship*; None where nothing does.
    closed
        A person closed the study early.
    """

    study: Study
    time: int
    preview: bool
    included: tuple[int, int]
    health: Health
    primary: Primary
    guardrails: dict[str, Guardrail]
    progress: Progress
    decided: Decided | None
    alarms: tuple[Alarm, ...]
    held_back: Why | None
    closed: bool
    unfinished: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The decision as of `time` (ms), or a preview between ticks.

    summary
        The decision and its reason in one sentence.
    decided
        The final decision (ship, dont_ship), which stands from its tick on; None before.
    alarms
        What was proven against a *ship* after it had been decided.
    deviations
        What departed from the plan, in words: a study closed early.
    guarantee
        What is promised of the verdict's errors, and what is not.
    """

    time: int
    preview: bool
    decision: Decision
    why: Why | None
    decided: Decided | None
    alarms: tuple[Alarm, ...]
    summary: str
    reasons: tuple[Rule, ...]
    primary: Primary
    guardrails: dict[str, Guardrail]
    health: Health
    progress: Progress
    planning: Planning
    classic: ClassicOpinion
    deviations: tuple[str, ...]
    guarantee: tuple[str, ...]
