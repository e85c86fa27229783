"""Classic fixed-sample analysis: Welch's t, Cohen's d, 95 % interval.

Shown beside the sequential reading, never deciding: taken over sessions, which are clustered in users, and looked at
repeatedly, it rejects far more often than its α says (docs/02-error-rates.md has the measured rates).
"""

from dataclasses import dataclass
from math import sqrt

from livelift.document.readings import Interval, Welch
from livelift.tick_sums import Moments
from stats.estimates.distributions import normal_above, student_quantile, student_two_sided
from stats.sums.moments import variance

LEVEL = 0.95
"""Coverage of the classic interval: what the original reports, whatever the study's α."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean (or ratio) in its unit u and the variance *of that estimate* in u², from `n` independent units."""

    value: float
    variance: float
    n: int


@dataclass(frozen=True, slots=True)
class Classic:
    """`welch` of the two samples and `cohens_d` = difference / pooled standard deviation; None where unknown."""

    welch: Welch | None = None
    cohens_d: float | None = None

    @property
    def t(self) -> float | None:
        return self.welch.t if self.welch else None

    @property
    def df(self) -> float | None:
        return self.welch.df if self.welch else None

    @property
    def p(self) -> float | None:
        return self.welch.p if self.welch else None

    @property
    def z_p(self) -> float | None:
        """Two-sided p of the z-test: `t` against the normal distribution."""
        return None if self.t is None else 2 * float(normal_above(abs(self.t)))

    @property
    def ci95(self) -> Interval | None:
        return self.welch.ci if self.welch else None

    @property
    def lift(self) -> float | None:
        return self.welch.lift if self.welch else None

    @property
    def lift_ci95(self) -> Interval | None:
        return self.welch.lift_ci if self.welch else None


def welch(control: Estimate, treatment: Estimate) -> Welch:
    """Compare two independent estimates without assuming equal variances.

    t = (T − C)/√(V_C + V_T), df = (V_C + V_T)² / (V_C²/(n_C − 1) + V_T²/(n_T − 1)) (Welch 1947). The lift T/C − 1 has
    variance V_T/C² + T² V_C/C⁴ (delta method) and keeps the absolute scale's df, as gbstats does.

    Raises
    ------
    ValueError
        If an estimate stands on fewer than two units.

    Examples
    --------
    >>> result = welch(Estimate(58.2, 31.5**2 / 496, 496), Estimate(61.9, 33.1**2 / 489, 489))
    >>> round(result.t, 6), round(result.p, 6)
    (1.796664, 0.072697)
    """
    if control.n < 2 or treatment.n < 2:
        raise ValueError("an estimate from fewer than two units has no variance")
    difference = treatment.value - control.value
    lift = difference / control.value if control.value else None
    total = control.variance + treatment.variance
    if total <= 0:
        return Welch(difference, lift=lift)
    share = control.variance / total  # of shares, so that no square underflows
    df = 1.0 / (share**2 / (control.n - 1) + (1.0 - share) ** 2 / (treatment.n - 1))
    se = sqrt(total)
    t = difference / se
    width = student_quantile((1 + LEVEL) / 2, df)
    ci = (difference - width * se, difference + width * se)
    p = student_two_sided(t, df)
    if lift is None:
        return Welch(difference, se, t, df, p, ci)
    ratio = treatment.value / control.value
    lift_se = sqrt(treatment.variance + ratio * ratio * control.variance) / abs(control.value)
    if lift_se == 0:  # the treatment is 0 without spread: the linearised lift has none either
        return Welch(difference, se, t, df, p, ci, lift)
    lift_ci = (lift - width * lift_se, lift + width * lift_se)
    return Welch(difference, se, t, df, p, ci, lift, lift_se, lift_ci, student_two_sided(lift / lift_se, df))


def classic(control: Moments, treatment: Moments) -> Classic:
    """The classic reading of two samples.

    d = (mean_T − mean_C) / √((m2_C + m2_T)/(n_C + n_T − 2)) (Cohen 1988).

    Parameters
    ----------
    control, treatment
        Moments in the metric's shown unit, over its classic unit (the session, or the user).

    Returns
    -------
    Classic
        Everything None while a variance is unknown (a sample of fewer than two).

    Examples
    --------
    >>> result = classic(Moments(496, 58.2, 495 * 31.5**2), Moments(489, 61.9, 488 * 33.1**2))
    >>> round(result.cohens_d, 6), [round(limit, 4) for limit in result.ci95]
    (0.114536, [-0.3413, 7.7413])
    >>> classic(Moments(1, 2.0, 0.0), Moments(2, 2.0, 1.0)).p is None
    True
    """
    control_variance, treatment_variance = variance(control), variance(treatment)
    if control_variance is None or treatment_variance is None:
        return Classic()
    result = welch(
        Estimate(control.mean, control_variance / control.n, control.n),
        Estimate(treatment.mean, treatment_variance / treatment.n, treatment.n),
    )
    pooled = (control.m2 + treatment.m2) / (control.n + treatment.n - 2)
    return Classic(result, result.difference / sqrt(pooled) if pooled > 0 else None)
