"""Guardrail tests: is a metric worse by more than its margin, or proven not to be?

Judged on the metric's own scale, on CUPED-adjusted user means, without a logarithm: a mean of 0 is read like any other.
With higher better, worse by more than m means ȳ_T < (1 − m) ȳ_C; with lower better, ȳ_T > (1 + m) ȳ_C.
"""

from collections.abc import Mapping, Sequence
from math import inf, sqrt

import numpy as np

from livelift.document.readings import Status
from stats.estimates.distributions import normal_above
from stats.estimates.user_means import AdjustedMeans
from stats.sequential.boundaries import constants, obrien_fleming


def margin_z(means: AdjustedMeans, margin: float, higher_is_better: bool) -> float | None:
    """Z of *worse by more than the margin*, positive = worse: Z_g = ((1 − m) ȳ_C − ȳ_T) / √(v_T + (1 − m)² v_C).

    With lower better the signs turn and 1 + m stands for 1 − m (non-inferiority against a fraction of control's mean;
    Fieller 1954). Without any spread ±∞ where the means differ, since nothing is uncertain, and None where they are equal,
    since then nothing is said.

    Parameters
    ----------
    margin
        m, a fraction: 0.01 = 1 %.

    Examples
    --------
    >>> from stats.estimates.user_means import adjusted_means
    >>> misses = adjusted_means((4, 0, 0, 0, 0, 0), (4, 2, 2, 0, 0, 0))
    >>> round(margin_z(misses, 0.01, higher_is_better=False), 6)
    1.732051
    >>> same = adjusted_means((4, 8, 16, 0, 0, 0), (4, 8, 16, 0, 0, 0))
    >>> margin_z(same, 0.01, True) is None, margin_z(adjusted_means((4, 8, 16, 0, 0, 0), (4, 4, 4, 0, 0, 0)), 0.01, True)
    (True, inf)
    """
    sign = 1.0 if higher_is_better else -1.0
    kept = 1.0 - sign * margin
    distance = sign * (kept * means.control - means.treatment)
    variance = means.treatment_variance + kept * kept * means.control_variance
    if variance > 0:
        return distance / sqrt(variance)
    if means.treatment == means.control:
        return None
    return inf if distance > 0 else -inf


def worsening(means: AdjustedMeans, higher_is_better: bool) -> float | None:
    """How much worse treatment is, as a fraction of control: 1 − ȳ_T/ȳ_C, or ȳ_T/ȳ_C − 1 with lower better.

    None where control's mean is 0: no fraction of it says anything.

    >>> from stats.estimates.user_means import adjusted_means
    >>> round(worsening(adjusted_means((9, 90, 901, 0, 0, 0), (9, 13, 20, 0, 0, 0)), higher_is_better=True), 3)
    0.856
    """
    if means.control <= 0:
        return None
    change = means.treatment / means.control - 1.0
    return -change if higher_is_better else change


def ratio_error(means: AdjustedMeans) -> float | None:
    """Standard error of ȳ_T/ȳ_C by the delta method: √(v_T + (ȳ_T/ȳ_C)² v_C)/ȳ_C; None where control's mean is 0.

    >>> from stats.estimates.user_means import adjusted_means
    >>> round(ratio_error(adjusted_means((400, 4000, 40900, 0, 0, 0), (400, 4000, 40900, 0, 0, 0))), 5)
    0.01062
    """
    if means.control <= 0:
        return None
    ratio = means.treatment / means.control
    return sqrt(means.treatment_variance + ratio * ratio * means.control_variance) / means.control


def worst(means: AdjustedMeans, limit: float, higher_is_better: bool) -> float | None:
    """Upper bound of the worsening: the greatest margin m at which Z_g > −`limit` (Fieller 1954).

    With C and T the means, v their variances, c the limit and r = T/C: the lower (higher better) or upper end of all r with
    |r C − T| ≤ c √(v_T + r² v_C), the roots of (C² − c² v_C) r² − 2 C T r + T² − c² v_T.

    Returns
    -------
    float or None
        None where control's mean is too uncertain for a bound: C² ≤ c² v_C.

    Examples
    --------
    >>> from stats.estimates.user_means import adjusted_means
    >>> means = adjusted_means((400, 4000, 40900, 0, 0, 0), (400, 4000, 40900, 0, 0, 0))
    >>> bound = worst(means, 2.0, higher_is_better=True)
    >>> round(bound, 4), round(margin_z(means, bound, higher_is_better=True), 6)
    (0.021, -2.0)
    """
    c, t = means.control, means.treatment
    square = c * c - limit * limit * means.control_variance
    if not np.isfinite(limit) or c <= 0 or square <= 0:
        return None
    spread = c * c * means.treatment_variance + t * t * means.control_variance
    spread -= limit * limit * means.control_variance * means.treatment_variance
    width = limit * sqrt(max(spread, 0.0))
    return 1.0 - (c * t - width) / square if higher_is_better else (c * t + width) / square - 1.0


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p: sorted, the i-th times (m − i + 1), made monotone, at most 1 (Holm 1979).

    >>> [round(value, 6) for value in holm([0.012, 0.034, 0.041, 0.2, 0.65])]
    [0.06, 0.136, 0.136, 0.4, 0.65]
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p)[order] * factors), 1.0)
    return [float(value) for value in adjusted]


def gate(z: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Each guardrail's one-sided p = 1 − Φ(Z_g) and Holm's adjustment of it: fixed, for the look at hand only.

    >>> {name: round(adjusted, 4) for name, (_, adjusted) in gate({"misses": 2.0, "returns": 0.0}).items()}
    {'misses': 0.0455, 'returns': 0.5}
    """
    p = [float(normal_above(value)) for value in z.values()]
    return dict(zip(z, zip(p, holm(p), strict=True), strict=True))


def failures(
    z: Mapping[str, float], already: int, number: int, times: tuple[float, ...], look: int, alpha: float
) -> tuple[str, ...]:
    """The guardrails that fail at this look for the first time.

    Step down through them: the largest Z_g fails if above c_k(α/number), the next above c_k(α/(number − 1)) … One-sided O'Brien–Fleming constants, Holm's α_i = α/(number − i + 1) (Holm 1979; for repeated looks Ye, Li, Liu &
    Yao 2013): at most α of the studies in which no guardrail is worse by the margin ever fail one.

    Parameters
    ----------
    z
        Z_g of the guardrails that have not failed before and can be read.
    already
        How many have failed at earlier looks.
    number
        All guardrails of the study.
    times, look
        Information times of the looks, and which of them this is (from 1).

    Examples
    --------
    >>> failures({"misses": 9.0, "returns": 0.0}, 0, 2, (0.5, 1.0), 1, 0.10)
    ('misses',)
    """
    failed: list[str] = []
    for name in sorted(z, key=lambda name: -z[name]):
        if z[name] <= boundary(number - already - len(failed), times, look, alpha):
            break
        failed.append(name)
    return tuple(failed)


def boundary(number: int, times: tuple[float, ...], look: int, alpha: float) -> float:
    """c_k(α/number): the one-sided constant of a look when `number` guardrails are still to be judged.

    >>> round(boundary(1, (1.0,), 1, 0.10), 4)
    1.2816
    """
    return constants(times, alpha / number, obrien_fleming)[look - 1]


def status(
    failed: bool, readable: bool, p_holm: float | None, safe_z: float | None, alpha: float, safe_boundary: float
) -> Status:
    """One word for a guardrail.

    *fail* once failed; *unreadable* where it cannot be read although both arms have their users, which blocks *ship*;
    *gate* while Holm's fixed p ≤ α; *proven_safe* where −Z_g lies above c_k(α); else *inconclusive*.

    Examples
    --------
    >>> status(False, True, 0.6, 0.1, 0.10, 1.6), status(False, False, None, None, 0.10, 1.6)
    ('inconclusive', 'unreadable')
    """
    if failed:
        return "fail"
    if not readable:
        return "unreadable"
    if p_holm is not None and p_holm <= alpha:
        return "gate"
    if safe_z is not None and safe_z > safe_boundary:
        return "proven_safe"
    return "inconclusive"
