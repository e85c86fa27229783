"""Ratio of sums R = ΣS/ΣN with users as clusters (delta method), for display only."""

from collections.abc import Sequence

from livelift.document.readings import Welch
from stats.estimates.classic import Estimate, welch


def ratio(sums: Sequence[int]) -> Estimate | None:
    """R = ΣS/ΣN of one arm with its delta-method variance.

    V = (s_SS − 2 R s_SN + R² s_NN) / (n N̄²), variances and covariance (n − 1) over users (Deng, Knoblich & Lu 2018).
    Computed as Σ(S − R N)² from exact integers: the mean of S − R N is 0 by construction.

    Parameters
    ----------
    sums
        n, ΣS, ΣN, ΣS², ΣN², ΣSN over users: `livelift.tick_sums.RATIO_COLUMNS`.

    Returns
    -------
    Estimate or None
        In units of S per unit of N; None with fewer than two users or ΣN = 0.

    Examples
    --------
    >>> estimate = ratio((10, 1590, 36, 448950, 186, 8905))
    >>> round(estimate.value, 6), round(estimate.variance * estimate.n, 6)
    (44.166667, 215.799326)
    """
    n, s, m, ss, mm, sm = (int(value) for value in sums)
    if n < 2 or m == 0:
        return None
    # Σ(S − R N)² with R = s/m, over the common denominator m²: integers until the one division.
    residuals = ss * m * m - 2 * s * m * sm + s * s * mm
    return Estimate(s / m, residuals * n / ((n - 1) * m**4), n)


def compare(sums: Sequence[Sequence[int]], divide_by: int = 1) -> Welch | None:
    """Treatment − control of the two arms' ratios by Welch's t, and the lift.

    Parameters
    ----------
    sums
        Of (control, treatment).
    divide_by
        Units of S per shown unit, 60 for seconds shown as minutes.

    Returns
    -------
    Welch or None
        None while an arm's ratio is unknown.

    Examples
    --------
    >>> control, treatment = [10, 1590, 36, 448950, 186, 8905], [10, 1955, 38, 679625, 208, 11740]
    >>> result = compare((control, treatment))
    >>> round(result.difference, 6), round(result.se, 6), round(result.p, 6)
    (7.280702, 6.216759, 0.257018)
    """
    control, treatment = (ratio(row) for row in sums)
    if control is None or treatment is None:
        return None
    return welch(_shown(control, divide_by), _shown(treatment, divide_by))


def _shown(estimate: Estimate, divide_by: int) -> Estimate:
    return Estimate(estimate.value / divide_by, estimate.variance / divide_by**2, estimate.n)
