"""Sessions of a simulated population before any effect, the regimes that draw them, and all that a study gives of these."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from livelift.simulation.truth import Bar, Cell
from livelift.study import Study

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of a population in the study's period, before any effect. S sessions, U users, K looks.

    Attributes
    ----------
    user
        (S,), 0 … U − 1.
    start
        (S,), ms since the period's first instant.
    measures
        Session measure → (S,), int64 or float64. Fractions are rounded once an effect is planted; whole numbers are planted by rounding at random.
    pre_sessions
        (U,), number of sessions in the pre-period.
    pre_measures
        Session measure → (U,), its sum over the pre-period: of the measures that some covariate is made of.
    habits
        Whatever (U,) the model's own effects need to know of the users.
    tail
        (S,), ms from `start` + `seconds` to the last event; None: 0.
    exposed
        (U,), the look (1 … K) by which a session counts that began before the period, K + 1 where there is none; None: nobody
        has one.
    daily
        A user's totals over days → (U, K), as of every look; None: to be told from starts and ends of the sessions.
    """

    user: Integers
    start: Integers
    measures: dict[str, NDArray[Any]]
    pre_sessions: Integers
    pre_measures: dict[str, Integers]
    habits: dict[str, Floats] = field(default_factory=dict)
    tail: Integers | None = None
    exposed: Integers | None = None
    daily: dict[str, Integers] | None = None

    @property
    def users(self) -> int:
        return self.pre_sessions.size

    def take(self, which: Integers | Flags) -> "Sessions":
        """Some sessions of the same users: an index, in which one may come several times."""
        return replace(
            self,
            user=self.user[which],
            start=self.start[which],
            measures={name: values[which] for name, values in self.measures.items()},
            tail=None if self.tail is None else self.tail[which],
        )

    def with_measure(self, name: str, values: NDArray[Any]) -> "Sessions":
        """With other values of a measure."""
        return replace(self, measures={**self.measures, name: values})

    def draw_users(self, chosen: Integers) -> "Sessions":
        """The users `chosen`, each with all that it has; who comes several times is as many users.

        >>> two = Sessions(np.array([0, 1, 1]), np.array([5, 6, 7]), {}, np.array([3, 4]), {})
        >>> drawn = two.draw_users(np.array([1, 0, 1]))
        >>> drawn.user.tolist(), drawn.start.tolist(), drawn.pre_sessions.tolist()
        ([0, 0, 1, 2, 2], [6, 7, 5, 6, 7], [4, 3, 4])
        """
        order = np.argsort(self.user, kind="stable")
        number = np.bincount(self.user, minlength=self.users)
        first = np.cumsum(number) - number
        each = number[chosen]
        within = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
        drawn = self.take(order[np.repeat(first[chosen], each) + within])
        return replace(
            drawn,
            user=np.repeat(np.arange(chosen.size), each),
            pre_sessions=self.pre_sessions[chosen],
            pre_measures={name: values[chosen] for name, values in self.pre_measures.items()},
            habits={name: values[chosen] for name, values in self.habits.items()},
            exposed=None if self.exposed is None else self.exposed[chosen],
            daily=None if self.daily is None else {name: values[chosen] for name, values in self.daily.items()},
        )


Draw = Callable[[Generator, int, Study], Sessions]
"""(random, users, study) → sessions of so many users."""

Effect = Callable[[Generator, Sessions, Flags, float], Sessions]
"""(random, sessions, treated (U,), lift) → the sessions with an effect on the treated users."""


@dataclass(frozen=True, slots=True)
class Regime:
    """How users behave.

    draw
        Makes the sessions.
    users
        Bounds of the number of users, drawn for each experiment; None: as many as are asked for.
    days
        Days of the period; None: the study's.
    fewer
        By how much fewer experiments are enough for the bars.
    boundary_only
        Are only the boundary and the attrition test promised here, and not the display and the guardrails?
    """

    draw: Draw
    users: tuple[int, int] | None = None
    days: int | None = None
    fewer: int = 1
    boundary_only: bool = False


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a study's `simulation.py` gives.

    regimes
        Name → regime; the first is the usual one.
    effects
        Metric → how an effect on it is planted; of the others, the numerator is scaled.
    bars
        What has to be found of planted effects. The error rates that every study promises are judged in each regime anyway.
    cells
        Simulated and shown with the bars, without a limit.
    """

    regimes: dict[str, Regime]
    effects: dict[str, Effect] = field(default_factory=dict)
    bars: tuple[Bar, ...] = ()
    cells: tuple[Cell, ...] = ()
