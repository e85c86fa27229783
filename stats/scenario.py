"""What would it mean for everyone? An estimate times a population, its interval carried through."""

from dataclasses import dataclass

from stats.classic import Interval


@dataclass(frozen=True, slots=True)
class Scenario:
    """`low`, `middle`, `high` in units of the metric over the whole population; an end is None where the interval is."""

    middle: float
    low: float | None
    high: float | None


def rollout(effect: float, interval: Interval | None, population: float, share: float = 1.0) -> Scenario:
    """The effect a user on `population` × `share` users: linear, so the interval scales with it.

    Parameters
    ----------
    effect, interval
        Per user, in the metric's unit: +10 sessions a user.
    population
        Users who would be reached.
    share
        Of them, the part that would change.

    Raises
    ------
    ValueError
        For a negative population or a share outside [0, 1].

    Examples
    --------
    >>> rollout(10.0, (8.0, 12.0), 10_000_000)
    Scenario(middle=100000000.0, low=80000000.0, high=120000000.0)
    """
    if population < 0 or not 0 <= share <= 1:
        raise ValueError(f"population {population} has to be ≥ 0 and share {share} within [0, 1]")
    reached = population * share
    low, high = interval if interval is not None else (None, None)
    return Scenario(
        effect * reached, None if low is None else low * reached, None if high is None else high * reached
    )  # fmt: skip


def lift_on(baseline: float, lift: float, interval: Interval | None, population: float) -> Scenario:
    """A relative lift on a baseline of `baseline` a user.

    >>> scenario = lift_on(45.0, 0.10, (0.02, 0.18), 1000)
    >>> scenario.middle, scenario.low, scenario.high
    (4500.0, 900.0, 8100.0)
    """
    scaled = None if interval is None else (interval[0] * baseline, interval[1] * baseline)
    return rollout(lift * baseline, scaled, population)


def return_on_cost(scenario: Scenario, value_per_unit: float, cost: float) -> Scenario:
    """Value of the scenario over its cost, all three inputs the reader's own: 3.2 = 3.2 back for 1 spent.

    Raises
    ------
    ValueError
        If the cost is not positive.

    >>> return_on_cost(Scenario(640.0, 320.0, None), value_per_unit=1.0, cost=200.0)
    Scenario(middle=3.2, low=1.6, high=None)
    """
    if cost <= 0:
        raise ValueError(f"cost {cost} has to be positive")

    def scaled(amount: float | None) -> float | None:
        return None if amount is None else amount * value_per_unit / cost

    return Scenario(scenario.middle * value_per_unit / cost, scaled(scenario.low), scaled(scenario.high))
