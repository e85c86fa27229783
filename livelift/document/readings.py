"""What each metric says at a tick: the deciding one, and each guardrail.

Lifts and intervals are fractions (0.05 = +5 %), means are in the metric's shown unit, None is unknown.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

Interval = tuple[float, float]
"""(low, high)."""

Status = Literal["fail", "gate", "unreadable", "inconclusive", "proven_safe"]

Cause = Literal["few_values", "all_zero", "zero_control", "zero_treatment", "all_equal", "no_spread"]
"""Why a metric cannot be read: users without a value; 0 for everybody, in both arms or in one; no spread, in both arms the
same value or not."""


@dataclass(frozen=True, slots=True)
class Welch:
    """Treatment − control by Welch's t. None where unknown.

    Attributes
    ----------
    difference
        In the metric's unit.
    se
        Its standard error, in the metric's unit.
    t, df, p
        Statistic, Welch–Satterthwaite degrees of freedom, two-sided p.
    ci
        Two-sided interval (low, high) of the difference, in the metric's unit.
    lift
        treatment/control − 1 as a fraction, by the linear delta method.
    lift_se
        Its standard error, a fraction.
    lift_ci
        Its two-sided interval with the same df, as fractions.
    lift_p
        Its two-sided p with the same df.
    """

    difference: float
    se: float | None = None
    t: float | None = None
    df: float | None = None
    p: float | None = None
    ci: Interval | None = None
    lift: float | None = None
    lift_se: float | None = None
    lift_ci: Interval | None = None
    lift_p: float | None = None


class Reading:
    """What every metric's reading has: a `Primary` or a `Guardrail`, which JSON tells apart by their keys."""

    __slots__ = ()

    lift: float | None
    ci: Interval | None
    control: float | None
    treatment: float | None
    cause: Cause | None
    users: tuple[int, int]


class Sequential(msgspec.Struct, Reading, frozen=True, kw_only=True):
    """What a metric's user means, adjusted by the covariate, say.

    metric
        The metric's name in the study file.
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
        Error that the calendar lets this tail spend by the look: a probability.
    allowed, rank
        At this look: how many of the re-assignments may cross, and how many of those still in the race are at least as
        extreme as the study (itself included; crossing = rank ≤ allowed). None between looks and without draws.
    running
        How many re-assignments are still in the race at this look, the study itself included.
    limit
        At this look: the Z toward this tail that had to be exceeded; None between looks and without draws.
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
    lift
        A fraction.
    ci
        Of *sessions* the classic 95 % interval, valid for one look; of the others always valid. Fractions.
    words
        What makes this way differ from the others, for a person.
    """

    name: Literal["sessions", "users", "users_adjusted", "per_exposed_user"]
    lift: float | None
    ci: Interval | None
    words: str


class PerExposedUser(msgspec.Struct, frozen=True, kw_only=True):
    """The primary's measure summed per exposed user, whether the analysis includes them or not: intention to treat.

    control, treatment
        Plain means in the shown unit.
    lift
        Adjusted, a fraction; None where it cannot be read.
    ci
        Its always-valid interval, as fractions.
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
    p
        Always valid, for the effect so far: as of this tick.
    ci
        Always-valid interval of the lift so far, as fractions.
    p_lowest
        The lowest p of all ticks: against *no effect ever*.
    at_least
        One-sided always-valid lower bound of the improvement, a fraction (the lift, turned where lower is better).
    boundary, harm_boundary
        The constants c that L/√V has to exceed toward *ship* and toward *harm* at this look. None between looks, and in a
        document where nothing can cross yet.
    interval
        What both constants make as lifts: L − c √V and L + c √V, each with the constant of the tail that decides on that side.
    lifts
        The lifts of the three ways to count, and of the sum per exposed user.
    adjustment_gain
        Share of the variance that the covariate takes away.
    per_exposed_user
        The measure's sum per exposed user; only a mean over sessions has one.
    ship, harm
        The boundary's tails toward *ship* and toward *harm*.
    estimate
        The same as `lift`.
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
    estimate: float | None


class Guardrail(Sequential, frozen=True, kw_only=True):
    """A metric that must not suffer.

    population
        Over whom it is read: *included* users, or all *exposed* ones.
    control, treatment
        Adjusted user means in the shown unit.
    se
        Standard error of the lift, a fraction.
    ci
        The lift's always-valid interval, as fractions.
    worsening
        How much worse treatment is, a fraction of control; negative = better. None where control's mean is 0.
    margin_z, boundary
        Z_g, and the c_k that it must exceed to fail. Z_g is infinite where nothing is uncertain (no spread, different means);
        both are None in a document where they are infinite.
    p, p_holm
        Fixed one-sided p of Z_g at this look; adjusted for the number of guardrails.
    at_most
        Upper bound of the worsening at c_k(α), a fraction; below the margin = proven safe.
    status
        *fail*: worse by more than the margin; *gate*: it may be, which holds back a ship; *unreadable*; *inconclusive*;
        *proven_safe*.
    failed_at
        The look at which it failed, for good.
    estimate
        The same as `lift`.
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
    estimate: float | None
