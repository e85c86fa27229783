"""Always-valid p-value and interval by a normal mixture (mSPRT), for display between looks.

With an estimate L of variance V, I = 1/V its information and ρ = 1/τ² that of the mixing distribution N(0, τ²). These
are the mixture sequential probability ratio test (Robbins 1970; Johari, Pekelis & Walsh 2017) and the asymptotic
confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2021), which gbstats and confseq write in the same form.
Measured here, not a theorem, since users' means keep changing; so it decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TUNING = 2.82
"""τ in planned standard errors: √(−2 ln α + ln(1 − 2 ln α)) at α = 0.05, with which the interval is about as narrow as it
can be at the planned end (Howard, Ramdas, McAuliffe & Sekhon 2021)."""


def tuned_rho(planned_standard_error: float) -> float:
    """ρ = 1/τ² with τ = 2.82 planned standard errors.

    >>> round(tuned_rho(0.035), 2)
    102.65
    """
    return 1.0 / (TUNING * planned_standard_error) ** 2


def best_rho(information: float, alpha: float) -> float:
    """The ρ whose two-sided boundary is about lowest at `information`: I / (−2 ln α + ln(1 − 2 ln α)).

    As confseq tunes its normal mixture (Howard et al. 2021).

    >>> round(best_rho(1000.0, 0.05), 4)
    126.0056
    """
    twice = -2.0 * np.log(alpha)
    return float(information / (twice + np.log1p(twice)))


def log_likelihood_ratio(estimate: Floats | float, variance: Floats | float, rho: float) -> Floats:
    """ln Λ = ½ ln(ρ/(I + ρ)) + L² I² / (2 (I + ρ)).

    Parameters
    ----------
    estimate, variance
        L and V > 0, arrays of one shape; NaN stays NaN.

    Examples
    --------
    >>> round(float(log_likelihood_ratio(0.0, 1.0, 1.0)), 6)
    -0.346574
    """
    information = 1.0 / np.asarray(variance)
    score = estimate * information
    total = information + rho
    ratio: Floats = 0.5 * (np.log(rho / total) + score * score / total)
    return ratio


def p_value(estimate: Floats | float, variance: Floats | float, rho: float) -> Floats:
    """min(1, 1/Λ); its running minimum over the looks is valid whenever one stops.

    >>> float(p_value(0.0, 1.0, 1.0))
    1.0
    """
    p: Floats = np.exp(-np.maximum(log_likelihood_ratio(estimate, variance, rho), 0.0))
    return p


def radius(variance: Floats | float, rho: float, alpha: float) -> Floats:
    """Half the width of the two-sided confidence sequence: √((I + ρ)/I² · ln((I + ρ)/(ρ α²))).

    p_value ≤ α exactly where |L| ≥ radius.

    >>> round(float(radius(0.0013295367949363935, 1 / 0.010551409553313872, 0.05)), 6)
    0.110672
    """
    information = 1.0 / np.asarray(variance)
    total = information + rho
    width: Floats = np.sqrt(total * np.log(total / (rho * alpha * alpha))) / information
    return width


def one_sided_radius(variance: Floats | float, rho: float, alpha: float) -> Floats:
    """Distance from the estimate to a one-sided confidence bound: √(2 (I + ρ)/I² · ln(1 + √((I + ρ)/ρ)/(2α))).

    The bound lies on one side, the other side is open: an upper bound is L + radius, −∞ to the left
    (Waudby-Smith et al. 2021, one-sided sequence).

    >>> bool(one_sided_radius(0.001, 100.0, 0.05) < radius(0.001, 100.0, 0.05))
    True
    """
    information = 1.0 / np.asarray(variance)
    total = information + rho
    width: Floats = np.sqrt(2.0 * total * np.log1p(np.sqrt(total / rho) / (2.0 * alpha))) / information
    return width
