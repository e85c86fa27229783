"""Alpha spending by look, and the critical values on Z that spend exactly that.

The clock is the calendar: t_k = k/K with K the days of the period. It is not estimated from the data, which is what keeps
the error rate (docs/02-error-rates.md): a clock of estimated information or of sessions is anti-conservative here.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from stats.estimates.distributions import normal_above, normal_exceeded_with

Floats = NDArray[np.float64]
Spending = Callable[[Floats, float], Floats]

NODES = 32
"""Gauss–Legendre nodes a panel."""

PANEL = 12.0
"""The widest panel, in standard deviations of the step to the next look: a long period has short steps, so more panels. The
constants are converged to 1e-9 for any number of looks (a test doubles the nodes)."""

REACH = 9.0
"""Standard deviations about the mean where a density is cut off."""

BLOCK = 64
"""Nodes that are integrated at once, over those nodes only from which a step leads there."""


def calendar(looks: int, total: int) -> tuple[float, ...]:
    """The information times k/`total` of looks 1 … `looks`.

    >>> calendar(2, 4)
    (0.25, 0.5)
    """
    return tuple(look / total for look in range(1, looks + 1))


def obrien_fleming(t: Floats, alpha: float) -> Floats:
    """Error spent on one tail by time t: 2 (1 − Φ(z_{α/2}/√t)), in all α (Lan & DeMets 1983).

    Parameters
    ----------
    t
        Information times in (0, 1].
    alpha
        Total of the tail.

    Examples
    --------
    >>> obrien_fleming(np.array([0.25, 1.0]), 0.025).round(7).tolist()
    [7.4e-06, 0.025]
    """
    return 2.0 * normal_above(normal_exceeded_with(alpha / 2.0) / np.sqrt(t))


def power_family(exponent: float) -> Spending:
    """Spending α t^exponent (Kim & DeMets 1987): 1 spends evenly, more keeps more for later looks.

    >>> power_family(1.0)(np.array([0.5, 1.0]), 0.025).tolist()
    [0.0125, 0.025]
    """

    def spent(t: Floats, alpha: float) -> Floats:
        return alpha * t**exponent

    return spent


harm_spending = power_family(2.0)
"""Spending of the harm tail: α t². It stops a harm far earlier than O'Brien–Fleming would, and nearly as early as even
spending does, which finds less (docs/decisions/0006-spending-of-the-harm-tail.md)."""


@lru_cache(maxsize=64)
def constants(times: tuple[float, ...], alpha: float, spending: Spending, two_sided: bool = False) -> tuple[float, ...]:
    """The c_k with P(first crossing at look k) = what `spending` gives look k, for a Brownian motion under no effect.

    One-sided: Z_k > c_k. Two-sided: |Z_k| > c_k, each tail spending α/2. Found by numerical integration of the density
    of the score B = Z √t over the paths that have not crossed (Armitage, McPherson & Rowe 1969).

    Parameters
    ----------
    times
        Rising information times of the looks, in (0, 1].
    alpha
        Total error, of both tails together when `two_sided`.
    spending
        Cumulative error of one tail.

    Returns
    -------
    tuple of float
        One constant a look; inf at a look that is given nothing to spend.

    Raises
    ------
    ValueError
        If the times do not rise within (0, 1].

    Examples
    --------
    >>> [round(c, 4) for c in constants((0.2, 0.4, 0.6, 0.8, 1.0), 0.05, obrien_fleming, two_sided=True)]
    [4.8769, 3.357, 2.6803, 2.2898, 2.031]
    """
    t = np.asarray(times)
    if t.size == 0 or t[0] <= 0 or t[-1] > 1 or np.any(np.diff(t) <= 0):
        raise ValueError(f"information times have to rise within (0, 1], not {times}")
    one_tail = spending(t, alpha / 2.0 if two_sided else alpha)
    increments = np.diff(one_tail, prepend=0.0)
    found = []
    survivors = np.zeros(1), np.ones(1)  # all paths start at B = 0: nodes and their mass
    before = 0.0
    for time, increment in zip(t, increments, strict=True):
        step = sqrt(time - before)
        bound = _solve(*survivors, step, float(increment))
        found.append(bound / sqrt(time))
        survivors = _advance(*survivors, step, -bound if two_sided else -inf, bound, sqrt(time))
        before = time
    return tuple(found)


def step_without_crossing(
    nodes: Floats, mass: Floats, before: float, time: float, limit: float, drift: float = 0.0
) -> tuple[Floats, Floats]:
    """The density of B = Z √t at `time`, over the paths that stay at or below the constant `limit` on Z.

    Parameters
    ----------
    nodes, mass
        The density at the time `before`; its masses add up to the probability of not having crossed.
    drift
        E[B] at time 1.

    Examples
    --------
    >>> first = step_without_crossing(np.zeros(1), np.ones(1), 0.0, 0.5, 2.0)
    >>> round(float(1.0 - step_without_crossing(*first, 0.5, 1.0, 2.0)[1].sum()), 4)
    0.038
    """
    moved = nodes + drift * (time - before)
    return _advance(moved, mass, sqrt(time - before), -inf, limit * sqrt(time), sqrt(time), drift * time)


@lru_cache(maxsize=64)
def crossings(times: tuple[float, ...], alpha: float, spending: Spending, draws: int) -> tuple[int, ...]:
    """How many of `draws` re-assignments may have crossed a tail by each look: floor(spent · draws + 1e-9).

    Examples
    --------
    >>> crossings((0.2, 0.4, 0.6, 0.8, 1.0), 0.025, obrien_fleming, 2000)
    (0, 0, 7, 24, 50)
    """
    return tuple(int(m) for m in np.floor(spending(np.asarray(times), alpha) * draws + 1e-9))


def _solve(nodes: Floats, mass: Floats, step: float, increment: float) -> float:
    """The bound b on B with P(B > b at this look, not crossed before) = `increment`: bisection on a falling function."""
    if increment <= 0:
        return inf
    low, high = float(nodes.min()), float(nodes.max()) + 40.0 * step
    if float(mass @ normal_above((low - nodes) / step)) <= increment:
        return low
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if float(mass @ normal_above((middle - nodes) / step)) > increment:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _advance(
    nodes: Floats, mass: Floats, step: float, low: float, high: float, scale: float, mean: float = 0.0
) -> tuple[Floats, Floats]:
    """Density after a step of standard deviation `step`, kept inside (low, high), as nodes and masses of a Gauss–Legendre
    rule in panels; without what crossed, B had this `mean` and standard deviation `scale`."""
    low, high = max(low, mean - REACH * scale), min(high, mean + REACH * scale)
    if high <= low:  # everything has crossed
        return np.array([high]), np.zeros(1)
    panels = ceil((high - low) / (PANEL * step))
    roots, weights = _rule()
    width = (high - low) / panels
    new = (low + width * (np.arange(panels)[:, None] + (roots + 1.0) / 2.0)).ravel()
    density = np.empty(new.size)
    for first in range(0, new.size, BLOCK):
        block = new[first : first + BLOCK]
        near = slice(*np.searchsorted(nodes, (block[0] - REACH * step, block[-1] + REACH * step)))
        density[first : first + BLOCK] = np.exp(-0.5 * ((block[:, None] - nodes[None, near]) / step) ** 2) @ mass[near]
    return new, density / (step * sqrt(2.0 * np.pi)) * np.tile(weights, panels) * width / 2.0


@lru_cache(maxsize=1)
def _rule() -> tuple[Floats, Floats]:
    roots, weights = np.polynomial.legendre.leggauss(NODES)
    return roots, weights
