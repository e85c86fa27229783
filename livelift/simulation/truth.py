"""Planted effects of a simulated experiment, and acceptance limits ("bars") for what a simulation finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Truth:
    """What is planted; fractions.

    lift, later_lift
        Of the primary; in the second half of the period `later_lift`, where it is given.
    leaving
        Share of the treated users who leave after their first session.
    others
        (metric, lift) of further metrics: by how much treatment raises its value, whichever direction is the better one.
    """

    lift: float = 0.0
    later_lift: float | None = None
    leaving: float = 0.0
    others: tuple[tuple[str, float], ...] = ()


NOTHING = Truth()
"""No effect at all."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A regime with a known truth; "resalted" is a log of the study's own under many salts."""

    regime: str
    truth: Truth = NOTHING


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of a cell has to be `at_most` or at least `limit`.

    figure
        A name of `stats.simulate.bars.FIGURES` and what it is asked of: ("share", "deciding_ship"), ("mean_stop",).
    error_rate
        Judged by whether so high a count is probable at the limit; other figures have to meet the limit as they are.
    """

    words: str
    cell: Cell
    figure: tuple[str, ...]
    limit: float
    at_most: bool = False
    error_rate: bool = False
