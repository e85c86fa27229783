"""Power calculations: minimum detectable effect, power, remaining days.

Approximate: one look at the constant c on Z, L normal with the standard error given. All on the log scale.
"""

from collections.abc import Sequence
from math import ceil, sqrt

from livelift.event_time import DAY
from stats.estimates.distributions import normal_below, normal_exceeded_with

POWER = 0.80
"""The power at which a minimum detectable effect is usually given."""


def detectable(standard_error: float, constant: float, power: float = POWER) -> float:
    """The true effect found with probability `power`, on the log scale: (c + z_power) SE.

    >>> round(detectable(0.035, 1.96), 3)
    0.098
    """
    return (constant + normal_exceeded_with(1.0 - power)) * standard_error


def power_of(effect: float, standard_error: float, constant: float) -> float:
    """P(Z > c) if the true effect, on the log scale, is `effect`: Φ(effect/SE − c).

    >>> round(power_of(0.0953, 0.035, 1.96), 3)
    0.777
    """
    return float(normal_below(effect / standard_error - constant))


def end_standard_error(standard_error: float, information: float, planned: float) -> float:
    """The standard error to expect at the planned end, from today's and the plan's.

    The plan's, but no larger than today's, and no smaller than today's if every user's part of it shrank with time
    (SE √t): precision is limited by users, and the same users go on.

    Parameters
    ----------
    information
        t = k/K, the share of the looks that is past.

    Examples
    --------
    >>> end_standard_error(0.05, 0.5, 0.035), end_standard_error(0.03, 0.5, 0.035), end_standard_error(0.04, 1.0, 0.035)
    (0.03535533905932738, 0.03, 0.04)
    """
    return max(standard_error * sqrt(information), min(standard_error, planned))


def days_to_boundary(
    z: float, standard_error: float, constants: Sequence[float], look: int, planned: float
) -> int | None:
    """Days until an estimate that stays as it is reaches the boundary, at the rate at which precision grew so far.

    The first look k ≥ `look` with L/SE_k ≥ c_k, where SE_k is `end_standard_error` with t/t_k = `look`/k; looks are days.

    Parameters
    ----------
    z
        L/SE toward the boundary.
    constants
        c_k of every look of the plan.
    look
        Looks taken, at least 1.
    planned
        The plan's standard error at its end.

    Returns
    -------
    int or None
        0 where it reaches the boundary now; None where no look of the plan is reached.

    Examples
    --------
    >>> days_to_boundary(2.0, 0.07, (4.0, 3.0, 2.5, 2.0), 1, 0.035), days_to_boundary(0.5, 0.07, (4.0, 2.0), 1, 0.035)
    (2, None)
    """
    for at in range(look, len(constants) + 1):
        if z * standard_error / end_standard_error(standard_error, look / at, planned) >= constants[at - 1]:
            return at - look
    return None


def days_remaining(time: int, end: int) -> int:
    """Whole days from `time` to the period's `end` (both ms), begun ones counted; 0 after it.

    >>> days_remaining(0, DAY), days_remaining(1, 2 * DAY), days_remaining(3 * DAY, DAY)
    (1, 2, 0)
    """
    return max(0, ceil((end - time) / DAY))
