"""Bias correction of the lift for stopping at the first crossing.

A study that ships at the first look at which its estimate is large enough ships, on average, with an estimate that is too
large. How much too large depends on the true effect; the estimate itself is taken for it, once (Whitehead 1986 subtracts the
bias of sequential estimates likewise), given that the boundary is crossed at all, since only then is the estimate met.
"""

from math import sqrt

import numpy as np

from stats.estimates.distributions import normal_above
from stats.sequential.boundaries import step_without_crossing


def corrected(
    estimate: float, standard_error: float, times: tuple[float, ...], limits: tuple[float, ...], look: int
) -> float:
    """The estimate less its expected excess over a true effect of its own size, given that the boundary is crossed.

    Parameters
    ----------
    estimate, standard_error
        Toward the crossed tail, at the look at which the study stopped.
    times, limits
        Information times of all looks of the plan, and the tail's constants on Z; inf at looks that could not cross.
    look
        The look at which the study stopped, from 1.

    Returns
    -------
    float
        Between 0 and the estimate; rises with it. An estimate of 0 or less is returned as it is.

    Examples
    --------
    Far beyond the boundary of a single look hardly anything is corrected, just beyond it a third:

    >>> [round(corrected(z * 0.04, 0.04, (1.0,), (1.96,), 1) / 0.04, 2) for z in (5.0, 3.0, 2.0)]
    [5.0, 2.73, 1.23]
    """
    if estimate <= 0:
        return estimate
    unit = standard_error * sqrt(times[look - 1])  # an effect of 1 in units of the drift of B = Z √t over the period
    drift = estimate / unit
    return min(estimate, max(0.0, drift - expected_excess(drift, times, limits)) * unit)


def expected_excess(drift: float, times: tuple[float, ...], limits: tuple[float, ...]) -> float:
    """E[B/t at the crossing | the boundary is crossed] − δ, for a Brownian motion B with drift δ.

    The density of the paths that have not crossed is integrated from look to look; at each look the part of the paths beyond
    the boundary is integrated in closed form.

    Examples
    --------
    >>> round(expected_excess(0.0, (1.0,), (1.96,)), 3)
    2.338
    """
    probability = moment = before = 0.0
    nodes, mass = np.zeros(1), np.ones(1)
    for time, limit in zip(times, limits, strict=True):
        step = sqrt(time - before)
        if np.isfinite(limit):
            mean = nodes + drift * step * step
            u = (limit * sqrt(time) - mean) / step
            beyond = normal_above(u)
            density = np.exp(-0.5 * u * u) / sqrt(2.0 * np.pi)
            probability += float(mass @ beyond)
            moment += float(mass @ (mean * beyond + step * density)) / time
        nodes, mass = step_without_crossing(nodes, mass, before, time, limit, drift)
        before = time
    return moment / probability - drift if probability > 0 else 0.0
