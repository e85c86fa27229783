"""Types with which a metric is declared."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "states"]
"""*states* is a set of named states of which one is 1 and the others 0 (OpenMetrics' StateSet)."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From a quick write to a stall."""

RECORDS = (1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
"""From one event at a time to the most that is fetched at once."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family.

    Attributes
    ----------
    name
        As Prometheus has it; a counter's ends in `_total`.
    kind, help, labels
        `labels` without `study`, which every sample has; *states* has one label more, named like the family.
    buckets
        Upper bounds of a histogram.
    states
        The states of a state set.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the time series that it gives."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{end}" for end in ("bucket", "count", "sum"))
        return (self.name,)


Sample = tuple[Metric, dict[str, str], float | str]
"""(declaration, labels, value); the value of *states* is the name of the state that holds."""


def counter(name: str, help_: str, *labels: str) -> Metric:
    return Metric(name, "counter", help_, labels)


def gauge(name: str, help_: str, *labels: str) -> Metric:
    return Metric(name, "gauge", help_, labels)


def histogram(name: str, help_: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name, "histogram", help_, labels, buckets)


def states(name: str, help_: str, values: tuple[str, ...], *labels: str) -> Metric:
    return Metric(name, "states", help_, labels, states=values)
