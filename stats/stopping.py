"""The estimate of a study that stopped because of it: corrected for the stopping.

A study that ships at the first look at which its estimate is large enough ships, on average, with an estimate that is too
large. The median-unbiased estimate orders the outcomes by the look at which the boundary is crossed, then by Z.
"""

from math import sqrt

import numpy as np

from stats.boundaries import survivors
from stats.distributions import normal_above

STEPS = 60
"""Halvings of the search: beyond 1e-9 of the estimate."""


def median_unbiased(z: float, standard_error: float, times: tuple[float, ...], limits: tuple[float, ...]) -> float:
    """The effect under which an outcome as extreme as the study's, or more, has a probability of one half.

    Stage-wise ordering: earlier crossings are more extreme, at the same look the larger Z (Siegmund 1978; Tsiatis,
    Rosner & Mehta 1984). B = Z √t is taken as a Brownian motion with drift θ/(SE √t) in calendar time; its law under a drift
    follows from that under none by the likelihood ratio exp(δ B − δ² t/2).

    Parameters
    ----------
    z, standard_error
        Z at the crossing, toward the crossed tail, and the standard error of the estimate there.
    times, limits
        Information times of the looks up to the crossing one, and the constants on Z of the looks before it.

    Returns
    -------
    float
        The effect on the estimate's scale: between 0 and z · `standard_error`.

    Examples
    --------
    With one look nothing is corrected; crossing at the second of two looks is less than it seems:

    >>> round(median_unbiased(2.5, 0.04, (1.0,), ()), 6), round(median_unbiased(2.5, 0.04, (0.5, 1.0), (2.2,)), 4)
    (0.1, 0.0941)
    """
    past, now = times[:-1], times[-1]
    nodes, mass = survivors(past, limits)
    step = sqrt(now - (past[-1] if past else 0.0))
    beyond = z * sqrt(now) - nodes

    def as_extreme(drift: float) -> float:
        weights = mass * np.exp(drift * nodes - drift * drift * (past[-1] if past else 0.0) / 2.0)
        stays = float(weights.sum())
        return 1.0 - stays + float(weights @ normal_above((beyond - drift * step * step) / step))

    # Under no effect the probability is at most the tail's error; with the estimate as it stands it is one half or more.
    low, high = 0.0, z / sqrt(now)
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if as_extreme(middle) < 0.5 else (low, middle)
    return (low + high) / 2.0 * sqrt(now) * standard_error
