"""Extrapolates an estimate and its interval to a population."""

from collections.abc import Callable
from dataclasses import dataclass

from livelift.document.readings import Interval


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


def _carried(outcome: Callable[[float], float], lift: float, interval: Interval | None) -> Scenario:
    """The outcome at the lift and at both ends of its interval."""
    low, high = (None, None) if interval is None else map(outcome, interval)
    return Scenario(outcome(lift), low, high)
