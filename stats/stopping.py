"""The estimate of a study that stopped because of it: corrected for the stopping.

A study that ships at the first look at which its estimate is large enough ships, on average, with an estimate that is too
large. The corrected one is what would make the study's own outcome the middle one of all that cross the boundary.
"""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from stats.boundaries import survivors
from stats.distributions import normal_above

Floats = NDArray[np.float64]

STEPS = 60
"""Halvings of the search: beyond 1e-9 of the estimate."""


def conditional_median(
    z: float, standard_error: float, times: tuple[float, ...], limits: tuple[float, ...], look: int
) -> float:
    """The effect under which half of the studies that ever cross do so with an outcome as extreme as this one, or more.

    Outcomes are ordered by the look of the crossing, then by Z (stage-wise ordering: Siegmund 1978; Tsiatis, Rosner & Mehta
    1984), given that the boundary is crossed at all: that a reader sees this estimate at all is because it was (Fan,
    DeMets & Lan 2004 on conditional inference after early stopping). B = Z √t is taken as a Brownian motion with drift
    δ = θ/(SE √t) in calendar time; its law under a drift follows from that under none by the likelihood ratio
    exp(δ B − δ² t/2).

    Parameters
    ----------
    z, standard_error
        Z at the crossing, toward the crossed tail, and the standard error of the estimate there.
    times, limits
        Information times of all looks of the plan, and the tail's constants on Z.
    look
        The look of the crossing, from 1.

    Returns
    -------
    float
        The effect on the estimate's scale: between 0 and z · `standard_error`.

    Examples
    --------
    Far beyond the boundary of a single look hardly anything is corrected, just beyond it everything:

    >>> [round(conditional_median(z, 0.04, (1.0,), (1.96,), 1), 3) for z in (5.0, 3.0, 2.0)]
    [0.2, 0.109, 0.0]
    """
    now, before = times[look - 1], times[look - 2] if look > 1 else 0.0
    nodes, mass = survivors(times[: look - 1], limits[: look - 1])
    last, left = survivors(times, limits)
    step = sqrt(now - before)
    beyond = z * sqrt(now) - nodes

    def share(drift: float) -> float:
        """Of the studies that cross, those at least as extreme."""
        weights = _under(drift, nodes, mass, before)
        extreme = 1.0 - float(weights.sum()) + float(weights @ normal_above((beyond - drift * step * step) / step))
        return extreme / max(1.0 - float(_under(drift, last, left, times[-1]).sum()), 1e-300)

    low, high = 0.0, z / sqrt(now)  # at most the estimate as it stands
    if share(low) >= 0.5:
        return 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if share(middle) < 0.5 else (low, middle)
    return (low + high) / 2.0 * sqrt(now) * standard_error


def _under(drift: float, nodes: Floats, mass: Floats, time: float) -> Floats:
    """The masses of B at `time` under a drift, from those under none."""
    weights: Floats = mass * np.exp(drift * nodes - drift * drift * time / 2.0)
    return weights
