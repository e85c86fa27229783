"""Schedule of the looks: which look a verdict belongs to, and from which look on a boundary can be crossed at all."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from livelift.event_time import DAY, to_iso
from livelift.study import Study
from stats.sequential.boundaries import Spending, calendar, constants, crossings


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a verdict stands in the registered looks.

    Attributes
    ----------
    look
        Looks taken, this one included; 0 before the first.
    times
        Information times of the looks as planned.
    now
        Is a look taken at this tick?
    """

    look: int
    times: tuple[float, ...]
    now: bool

    @property
    def information(self) -> float:
        return self.times[self.look - 1] if self.look else 0.0


def reachable(study: Study, times: tuple[float, ...], spending: Spending) -> tuple[float, ...]:
    """The constants of a tail of the primary; inf where it cannot be crossed yet, whatever the estimate.

    A tail whose spent error is less than one draw's share lets nobody cross: with 2,000 draws and 61 looks *ship* opens at
    look 26 and *harm* at look 9.
    """
    limits = constants(times, study.decision.alpha / 2, spending)
    return tuple(
        limit if can else np.inf for limit, can in zip(limits, _can_cross(study, times, spending), strict=True)
    )


def first_day(study: Study, spending: Spending) -> str:
    """The date (UTC) of the first look at which a tail of the primary can be crossed at all."""
    days = study.experiment.days
    first = _can_cross(study, calendar(days, days), spending).index(True) + 1
    return to_iso(study.experiment.start_ms + first * DAY)[:10]


SPENT = 1e-4
"""Without re-assignments a tail opens when it may spend this much: further out, the normal approximation cannot be trusted."""


def _can_cross(study: Study, times: tuple[float, ...], spending: Spending) -> tuple[bool, ...]:
    """Can a tail be crossed at each look at all?"""
    draws = study.statistics.draws if study.experiment.can_be_drawn_again else None
    return _open_at(times, study.decision.alpha / 2, spending, draws)


@lru_cache(maxsize=64)
def _open_at(times: tuple[float, ...], alpha: float, spending: Spending, draws: int | None) -> tuple[bool, ...]:
    """`_can_cross` of a tail that may spend `alpha`; `draws` None for an assignment that cannot be drawn again. Asked at every tick."""
    if draws is None:
        return tuple(bool(spent >= min(SPENT, alpha)) for spent in spending(np.asarray(times), alpha))
    return tuple(most > 0 for most in crossings(times, alpha, spending, draws))
