"""The registered looks: which one a verdict stands at, and from which one on a boundary can be crossed at all."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from livelift.event_time import DAY, to_iso
from livelift.study import Study
from stats.boundaries import Spending, calendar, constants, crossings


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
    """The constants of a tail of the primary; inf where its flips leave no crossing yet, whatever the estimate.

    A tail whose spent error is less than one flip's share lets nobody cross: with 2,000 flips and 61 looks *ship* opens at
    look 26 and *harm* at look 9.
    """
    half = study.decision.alpha / 2
    limits = constants(times, half, spending)
    if study.experiment.assignment == "observed":
        return limits
    allowed = crossings(times, half, spending, study.statistics.flips)
    return tuple(limit if most else np.inf for limit, most in zip(limits, allowed, strict=True))


def first_day(study: Study, spending: Spending) -> str:
    """The date (UTC) of the first look at which a tail of the primary can be crossed at all."""
    flips = None if study.experiment.assignment == "observed" else study.statistics.flips
    first = _first_look(study.experiment.days, study.decision.alpha / 2, spending, flips)
    return to_iso(study.experiment.start_ms + first * DAY)[:10]


SPENT = 1e-4
"""Without re-assignments a boundary is always finite; below this error nothing is so extreme."""


@lru_cache(maxsize=8)
def _first_look(days: int, alpha: float, spending: Spending, flips: int | None) -> int:
    times = calendar(days, days)
    if flips is None:
        spent = spending(np.asarray(times), alpha)
        return int(np.argmax(spent >= min(SPENT, alpha))) + 1
    return next(look for look, most in enumerate(crossings(times, alpha, spending, flips), 1) if most)
