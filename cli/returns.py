"""What an outcome is worth over what it costs: only from what a person states."""

from typing import Any

from cli.show import answers
from livelift.errors import SettingsError
from stats.estimates.scenario import Scenario, times

Worth = tuple[float, float] | None
"""(value of one unit, cost)."""


def add_return(found: dict[str, Any], outcome: Scenario | None, worth: Worth) -> None:
    """Put the return into a JSON answer.

    Raises
    ------
    SettingsError
        If the outcome is a level, which is worth nothing by itself.
    """
    if worth is not None:
        value, cost = worth
        ratio = times(_summed(outcome), value / cost)
        found |= {
            "value": value,
            "cost": cost,
            "return": {"middle": ratio.middle, "low": ratio.low, "high": ratio.high},
        }


def print_return(outcome: Scenario | None, worth: Worth) -> None:
    """Say it, with the arithmetic; raises as `add_return`."""
    if worth is not None:
        value, cost = worth
        summed = _summed(outcome)
        ratio = times(summed, value / cost)
        low, high = ("–" if end is None else f"{end:,.2f}" for end in (ratio.low, ratio.high))
        answers.print(f"return: {ratio.middle:,.2f} × the cost, {low} to {high}")
        answers.print(f"= {summed.middle:,.0f} × {value:,.6g} / {cost:,.6g}: value and cost are as you state them")


def _summed(outcome: Scenario | None) -> Scenario:
    if outcome is None:
        raise SettingsError(
            "this outcome is a level, and adds up to nothing that --value could be of",
            "name a metric that counts something per user, or with --table say for how many users: --population",
        )
    return outcome
