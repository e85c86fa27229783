"""Extrapolates an estimate and its interval to a population."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from livelift.document.readings import Interval
from stats.estimates.distributions import normal_exceeded_with


@dataclass(frozen=True, slots=True)
class Scenario:
    """`low`, `middle`, `high` of an outcome; an end is None where the interval is."""

    middle: float
    low: float | None
    high: float | None


def total_gain(baseline: float, lift: float, interval: Interval | None, population: float) -> Scenario:
    """What the lift adds over a population, in the metric's unit: population · baseline · lift, linear in the lift.

    Parameters
    ----------
    baseline
        Control's amount per user: sessions, or minutes in all. Lift and interval have to be of the same amount.
    population
        Users who would be reached.

    Raises
    ------
    ValueError
        For a negative population.

    Examples
    --------
    >>> total_gain(45.0, 0.10, (0.02, 0.18), 1000)
    Scenario(middle=4500.0, low=900.0, high=8100.0)
    """
    if population < 0:
        raise ValueError(f"population {population} has to be 0 or more")
    return _carried(lambda change: population * baseline * change, lift, interval)


def new_level(baseline: float, lift: float, interval: Interval | None) -> Scenario:
    """Where the lift takes a share, or a mean: baseline · (1 + lift). A share adds up to nothing over a population.

    >>> scenario = new_level(0.40, 0.05, (-0.01, 0.11))
    >>> round(scenario.middle, 3), round(scenario.low, 3), round(scenario.high, 3)
    (0.42, 0.396, 0.444)
    """
    return _carried(lambda change: baseline * (1 + change), lift, interval)


@dataclass(frozen=True, slots=True)
class Proportion:
    """`count` of `users`."""

    count: int
    users: int

    @property
    def share(self) -> float:
        return self.count / self.users

    def wilson(self, z: float) -> Interval:
        """The score interval (Wilson 1927): where the normal approximation at the bound itself does not reject the share."""
        middle = (self.share + z * z / (2 * self.users)) / (1 + z * z / self.users)
        width = (
            z
            / (1 + z * z / self.users)
            * sqrt(self.share * (1 - self.share) / self.users + z * z / (4 * self.users**2))
        )
        return middle - width, middle + width


LEVEL = 0.95
"""Of the interval of a difference of shares: as of one look, planned beforehand."""


def moved(to: Proportion, others: Proportion, share: float) -> Scenario:
    """What the share of all users becomes larger by if `share` of them were as those in `to` and no more as the others.

    share · (to − others), with the interval of the difference of two independent proportions by their score intervals (Newcombe 1998,
    method 10).

    Raises
    ------
    ValueError
        For a share that is none, or without users.

    Examples
    --------
    >>> scenario = moved(Proportion(56, 70), Proportion(48, 80), 1.0)
    >>> [round(value, 4) for value in (scenario.middle, scenario.low, scenario.high)]
    [0.2, 0.0524, 0.3339]
    """
    if not 0 <= share <= 1 or not to.users or not others.users:
        raise ValueError(f"a share {share} of users, {to.users} and {others.users}")
    z = normal_exceeded_with((1 - LEVEL) / 2)
    difference = to.share - others.share
    (to_low, to_high), (low, high) = to.wilson(z), others.wilson(z)
    below = sqrt((to.share - to_low) ** 2 + (high - others.share) ** 2)
    above = sqrt((to_high - to.share) ** 2 + (others.share - low) ** 2)
    return Scenario(share * difference, share * (difference - below), share * (difference + above))


def times(outcome: Scenario, factor: float) -> Scenario:
    """Each end multiplied: what an outcome is worth, over what it costs."""
    low, high = (None if end is None else end * factor for end in (outcome.low, outcome.high))
    return Scenario(outcome.middle * factor, low, high)


def _carried(outcome: Callable[[float], float], lift: float, interval: Interval | None) -> Scenario:
    """The outcome at the lift and at both ends of its interval."""
    low, high = (None, None) if interval is None else map(outcome, interval)
    return Scenario(outcome(lift), low, high)
