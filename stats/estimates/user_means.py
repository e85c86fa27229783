"""The estimator that decides: log ratio of the arms' means over users, adjusted by a pre-period covariate (CUPED).

Everything is computed from a metric's six sums over users, in the order of `livelift.tick_sums.SUM_COLUMNS`, and
broadcasts: one comparison, the 2,000 draws of a look, or every session of a simulated experiment are one call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, inf, isfinite

import numpy as np
from numpy.typing import NDArray

from livelift.document.readings import Welch
from livelift.tick_sums import ExactSums
from stats.estimates.classic import Estimate, welch

LARGEST_LOG = 700.0

Floats = NDArray[np.float64]
Sums = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogLift:
    """Treatment against control on the log scale, arrays of one shape; NaN where it is missing.

    Attributes
    ----------
    value
        L, the adjusted log ratio of the means; lift = e^L − 1.
    variance
        V, the variance of L; positive where not missing.
    theta
        The covariate's coefficient, in log units per unit of x.
    z
        Z = L/√V. Where the logarithm or the spread is 0 and the means differ, −∞ or +∞ by the sign of the difference: no
        mean of the comparison could be further apart. NaN where equal means have no spread, and for an arm that is too
        small.
    """

    value: Floats
    variance: Floats
    theta: Floats
    z: Floats


def log_lift(control: Sums, treatment: Sums, minimum_users: int = 2) -> LogLift:
    """The CUPED-adjusted log lift of user means.

    With n, means, variances and covariances (n − 1) over the users of arm a::

        L = ln(ȳ_T/ȳ_C) − θ (x̄_T − x̄_C)
        θ = Σ_a (n_a − 1) cov_a(x, y)/ȳ_a / Σ_a (n_a − 1) var_a(x)       0 if the denominator is 0
        V = Σ_a (var_a(y)/ȳ_a² + θ² var_a(x) − 2 θ cov_a(x, y)/ȳ_a) / n_a

    CUPED: Deng, Xu, Kohavi & Walker 2013; the log ratio by the delta method: Deng, Knoblich & Lu 2018.

    Parameters
    ----------
    control, treatment
        Sums n, Σy, Σy², Σx, Σx², Σxy over users, shapes (..., 6) that broadcast. x in its own unit; y's unit cancels.
    minimum_users
        An arm with fewer (never fewer than 2) makes the comparison missing.

    Returns
    -------
    LogLift
        Shapes (...); `value` and `variance` are missing (NaN) where an arm is too small, a mean is 0 or V ≤ 0.

    Examples
    --------
    >>> control = np.array([4, 40, 420, 0, 0, 0])
    >>> treatment = np.array([4, 44, 504, 0, 0, 0])
    >>> lift = log_lift(control, treatment)
    >>> round(float(np.expm1(lift.value)), 6), float(lift.theta)
    (0.1, 0.0)
    >>> bool(np.isnan(log_lift(control, treatment, minimum_users=50).value))
    True
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        c, t = _arm(control), _arm(treatment)
        spread_x = c.xx + t.xx
        theta = np.where(spread_x > 0, (c.xy + t.xy) / np.where(spread_x > 0, spread_x, 1.0), 0.0)
        value = np.log(t.mean / c.mean) - theta * (t.mean_x - c.mean_x)
        variance = c.variance_of_mean(theta) + t.variance_of_mean(theta)
        users = max(minimum_users, 2)
        enough = (c.n >= users) & (t.n >= users)
        positive = (c.mean > 0) & (t.mean > 0)
        known = enough & positive & (variance > 0)
        # A mean of 0 has no logarithm, and a comparison without spread no standard error: only the order is left.
        certain = enough & ~known & (c.mean != t.mean)
        z = np.where(certain, np.where(t.mean > c.mean, np.inf, -np.inf), value / np.sqrt(variance))
        z = np.where(known | certain, z, np.nan)
    missing = np.where(known, 0.0, np.nan)
    return LogLift(value + missing, variance + missing, theta + missing, z)


@dataclass(frozen=True, slots=True)
class _Arm:
    """`n`, means, and the sums of squares and products about the means, y relative to its mean."""

    n: Floats
    mean: Floats
    mean_x: Floats
    yy: Floats
    xx: Floats
    xy: Floats

    def variance_of_mean(self, theta: Floats) -> Floats:
        """Variance of ln ȳ − θ x̄."""
        scatter = self.yy + theta * (theta * self.xx - 2.0 * self.xy)
        return scatter / ((self.n - 1.0) * self.n)


def _arm(sums: Sums) -> _Arm:
    n, y, yy, x, xx, xy = (np.asarray(sums[..., column], dtype=np.float64) for column in range(6))
    mean, mean_x = y / n, x / n
    return _Arm(n, mean, mean_x, (yy / mean - y) / mean, xx - x * mean_x, (xy - x * mean) / mean)


@dataclass(frozen=True, slots=True)
class AdjustedMeans:
    """The arms' user means, adjusted by the covariate about its mean over all users, in the shown unit.

    Adding a constant to every x changes nothing.

    Attributes
    ----------
    users
        Users of (control, treatment).
    control, treatment
        ȳ_a − θ (x̄_a − x̄).
    control_variance, treatment_variance
        Variances of these means, in the unit's square.
    plain_control
        ȳ_C, not adjusted.
    """

    users: tuple[int, int]
    control: float
    treatment: float
    control_variance: float
    treatment_variance: float
    plain_control: float


def adjusted_means(control: ExactSums, treatment: ExactSums, divide_by: float = 1.0) -> AdjustedMeans | None:
    """CUPED-adjusted user means of both arms, on the metric's own scale: no logarithm, so a mean of 0 can be read.

    θ = Σ_a (n_a − 1) cov_a(x, y) / Σ_a (n_a − 1) var_a(x), within the arms, 0 if the denominator is 0 (Deng et al. 2013).

    Parameters
    ----------
    control, treatment
        Exact sums n, Σy, Σy², Σx, Σx², Σxy over users.
    divide_by
        Integer units of y per shown unit.

    Returns
    -------
    AdjustedMeans or None
        None with fewer than two users in an arm.

    Examples
    --------
    Nobody in control has the value, half of the treated users do:

    >>> means = adjusted_means((4, 0, 0, 0, 0, 0), (4, 2, 2, 0, 0, 0))
    >>> means.control, means.treatment, means.control_variance, round(means.treatment_variance, 6)
    (0.0, 0.5, 0.0, 0.083333)
    """
    if min(control[0], treatment[0]) < 2:
        return None
    c, t = _scatter(control), _scatter(treatment)
    spread = c.xx + t.xx
    theta = (c.xy + t.xy) / spread if spread > 0 else 0.0
    return _adjusted(c, t, theta, divide_by)


def _adjusted(c: "_Scatter", t: "_Scatter", theta: float, divide_by: float) -> AdjustedMeans:
    centre = (c.x + t.x) / (c.n + t.n)
    plain = [arm.y / arm.n / divide_by for arm in (c, t)]
    shift = [theta * (arm.x / arm.n - centre) / divide_by for arm in (c, t)]
    variance = [
        max(arm.yy - 2 * theta * arm.xy + theta * theta * arm.xx, 0.0) / ((arm.n - 1) * arm.n) / divide_by**2
        for arm in (c, t)
    ]
    return AdjustedMeans((c.n, t.n), plain[0] - shift[0], plain[1] - shift[1], variance[0], variance[1], plain[0])


def difference(control: ExactSums, treatment: ExactSums, divide_by: float = 1.0) -> Welch | None:
    """The CUPED-adjusted difference of user means in the shown unit, by Welch's t.

    ȳ_T − ȳ_C − θ (x̄_T − x̄_C) with θ = cov(x, y)/var(x) over all users together (Deng et al. 2013; gbstats and
    tea-tasting do the same); each arm's variance is that of y − θx. The lift is the difference over control's own mean
    ȳ_C. For a person who wants minutes rather than per cent; it decides nothing.

    Parameters
    ----------
    control, treatment
        Exact sums n, Σy, Σy², Σx, Σx², Σxy.
    divide_by
        Integer units of y per shown unit.

    Returns
    -------
    Welch or None
        None with fewer than two users in an arm.

    Examples
    --------
    >>> result = difference((4, 40, 420, 0, 0, 0), (4, 44, 504, 0, 0, 0), divide_by=10)
    >>> round(result.difference, 6)
    0.1
    """
    if min(int(control[0]), int(treatment[0])) < 2:
        return None
    together = _scatter(tuple(int(a) + int(b) for a, b in zip(control, treatment, strict=True)))
    theta = together.xy / together.xx if together.xx > 0 else 0.0
    means = _adjusted(_scatter(control), _scatter(treatment), theta, divide_by)
    baseline = means.plain_control
    return welch(
        Estimate(baseline, means.control_variance, means.users[0]),
        Estimate(baseline + means.treatment - means.control, means.treatment_variance, means.users[1]),
    )


@dataclass(frozen=True, slots=True)
class _Scatter:
    n: int
    y: int
    x: int
    yy: float
    xx: float
    xy: float


def _scatter(sums: Sequence[int]) -> _Scatter:
    """Sums of squares and products about the means, from exact integers (Python's, so that nothing overflows)."""
    n, y, yy, x, xx, xy = (int(value) for value in sums)
    return _Scatter(n, y, x, (n * yy - y * y) / n, (n * xx - x * x) / n, (n * xy - x * y) / n)


def as_lift(log_scale: float) -> float:
    """e^L − 1: a log lift as a fraction; infinite where a float64 does not hold it.

    >>> round(as_lift(0.0953102), 6)
    0.1
    """
    return expm1(log_scale) if log_scale < LARGEST_LOG else inf


def known(value: float | np.float64 | Floats) -> float | None:
    """A missing number (NaN) as None, for a person: unknown is not zero.

    >>> known(float("nan")) is None, known(1.5)
    (True, 1.5)
    """
    number = float(value)
    return number if isfinite(number) else None
