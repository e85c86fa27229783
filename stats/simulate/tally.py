"""Adds up the outcomes of simulated experiments."""

from collections import Counter
from dataclasses import dataclass, field
from math import expm1
from typing import Any

from livelift.simulation.truth import Truth

USERS = 1000
"""Users of a simulated experiment, as in the study."""


@dataclass(slots=True)
class Tally:
    """Counts over experiments; `+` adds the parts of one job.

    Attributes
    ----------
    rejections, covered, readable
        Reading → experiments in which it ever rejected no effect; in which all its intervals held the truth; in which it
        could be read at all.
    decisions
        Final decision (with why) → experiments.
    ship_looks, ship_looks_squared
        Σ and Σ² of the look at which the ship boundary was crossed, the last look where it was not: for the mean stop.
    guardrails
        Guardrail → experiments in which it failed; `any`: in which some did.
    alarmed
        Experiments in which something was proven against a *ship* after it had been decided.
    shipped_lift, shipped_corrected
        Σ over the experiments that shipped of the lift at which they did, and of the one corrected for that.
    """

    experiments: int = 0
    looks: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    readable: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    guardrails: Counter[str] = field(default_factory=Counter)
    ship_looks: int = 0
    ship_looks_squared: int = 0
    squared_error: float = 0.0
    alarmed: int = 0
    shipped_lift: float = 0.0
    shipped_corrected: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.experiments + other.experiments,
            max(self.looks, other.looks),
            _sum(self.rejections, other.rejections),
            _sum(self.covered, other.covered),
            _sum(self.readable, other.readable),
            _sum(self.decisions, other.decisions),
            _sum(self.guardrails, other.guardrails),
            self.ship_looks + other.ship_looks,
            self.ship_looks_squared + other.ship_looks_squared,
            self.squared_error + other.squared_error,
            self.alarmed + other.alarmed,
            self.shipped_lift + other.shipped_lift,
            self.shipped_corrected + other.shipped_corrected,
        )

    def reading(self, name: str, rejected: bool, covered: bool | None, readable: bool = True) -> None:
        """Count one experiment's outcome of a reading; `covered` None: it has no interval."""
        self.rejections[name] += rejected
        self.readable[name] += readable
        if covered is not None:
            self.covered[name] += covered and readable


def _sum(a: Counter[str], b: Counter[str]) -> Counter[str]:
    """The counts together; `a + b` would forget the names that counted nothing."""
    together = Counter(a)
    together.update(b)
    return together


def binomial_error(rate: float, trials: int) -> float:
    """The standard error √(p (1 − p)/n) of a share counted in `trials` experiments.

    >>> round(binomial_error(0.05, 2000), 4)
    0.0049
    """
    return float((rate * (1.0 - rate) / trials) ** 0.5)


def result(
    tally: Tally, regime: str, truth: Truth, seed: int, users: int = USERS, exact: bool = True
) -> dict[str, Any]:
    """A tally as what `livelift simulate --json` prints. Not `exact`: the primary's true lift is not quite what was planted."""
    number, looks = max(tally.experiments, 1), max(tally.looks, 1)
    shipped = tally.decisions["ship"]
    spread = tally.ship_looks_squared - tally.ship_looks**2 / number  # Σ(stop − mean stop)²

    def of(name: str) -> dict[str, Any]:
        readable = tally.readable[name]
        has_interval = name in tally.covered
        return {
            "rejections": tally.rejections[name],
            "rejection_rate": tally.rejections[name] / number,
            "error": binomial_error(tally.rejections[name] / number, number),
            "coverage": tally.covered[name] / readable if has_interval and readable else None,
        }

    return {
        "regime": regime,
        "experiments": tally.experiments,
        "looks": tally.looks,
        "users": users,
        "seed": seed,
        "lift": truth.lift,
        "other_lifts": dict(truth.others),
        "later_lift": truth.later_lift,
        "leaving": truth.leaving,
        "readings": {name: of(name) for name in tally.readable},
        "decisions": {name: tally.decisions[name] for name in DECISIONS},
        "alarmed_after_ship": tally.alarmed,
        "mean_lift_when_shipped": tally.shipped_lift / shipped if shipped else None,
        "mean_corrected_lift_when_shipped": tally.shipped_corrected / shipped if shipped else None,
        "guardrails_failed": dict(sorted(tally.guardrails.items())),
        "mean_stop": tally.ship_looks / (number * looks),
        "mean_stop_error": max(spread, 0.0) ** 0.5 / (number * looks),
        "typical_error": expm1((tally.squared_error / number) ** 0.5) if exact else None,
    }


DECISIONS = (
    "ship", "dont_ship_harm", "dont_ship_guardrail", "dont_ship_not_proven", "keep_running", "unhealthy", "no_data",
)  # fmt: skip
"""How an experiment can end, as counted in `decisions`."""
