"""What an outcome is worth over what it costs: only from what a person states."""

from typing import Any

from cli.show import answers
from stats.estimates.scenario import Scenario, times

Worth = tuple[float, float] | None
"""(value of one unit, cost)."""


def add_return(found: dict[str, Any], outcome: Scenario | None, worth: Worth) -> None:
    """Put the return into a JSON answer; None: there is no outcome that adds up."""
    if worth is not None and outcome is not None:
        value, cost = worth
        ratio = times(outcome, value / cost)
        found |= {
            "value": value,
            "cost": cost,
            "return": {"middle": ratio.middle, "low": ratio.low, "high": ratio.high},
        }


def print_return(outcome: Scenario | None, worth: Worth) -> None:
    """Say it, with the arithmetic."""
    if worth is not None and outcome is not None:
        value, cost = worth
        ratio = times(outcome, value / cost)
        low, high = ("–" if end is None else f"{end:,.2f}" for end in (ratio.low, ratio.high))
        answers.print(f"return: {ratio.middle:,.2f} × the cost, {low} to {high}")
        answers.print(f"= {outcome.middle:,.0f} × {value:,.6g} / {cost:,.6g}: value and cost are as you state them")
