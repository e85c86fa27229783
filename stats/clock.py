"""The registered looks: which one a verdict stands at, and from which one on a boundary can be crossed at all."""

from dataclasses import dataclass

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
        Information times of the looks as planned, or as closed early.
    now
        Is a look taken at this tick?
    """

    look: int
    times: tuple[float, ...]
    now: bool

    @property
    def information(self) -> float:
        return self.times[self.look - 1] if self.look else 0.0


def reachable(
    study: Study, times: tuple[float, ...], spending: Spending, limits: tuple[float, ...]
) -> tuple[float, ...]:
    """The constants `limits` of a tail of the primary; inf where its flips leave no crossing yet, whatever the estimate.

    A tail whose spent error is less than one flip's share lets nobody cross: with 2,000 flips and 61 looks *ship* opens at
    look 26 and *harm* at look 9.
    """
    if study.experiment.assignment == "observed":
        return limits
    allowed = crossings(times, study.decision.alpha / 2, spending, study.statistics.flips)
    return tuple(limit if most else np.inf for limit, most in zip(limits, allowed, strict=True))


def first_day(study: Study, spending: Spending) -> str:
    """The date (UTC) of the first look at which a tail of the primary can be crossed at all."""
    times = calendar(study.experiment.days, study.experiment.days)
    limits = reachable(study, times, spending, constants(times, study.decision.alpha / 2, spending))
    first = next(look for look, limit in enumerate(limits, 1) if np.isfinite(limit))
    return to_iso(study.experiment.start_ms + first * DAY)[:10]
