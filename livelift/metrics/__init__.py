"""Every metric that a station exports, declared once: name, type, unit, help, labels. Plain data, no client library.

Names are `livelift_<station or subject>_<what>_<unit>`; base units (seconds, ratios from 0 to 1), counters end in `_total`.
Every sample also has the label `study`. The stations' Prometheus edges fill them, `exporter/` serves them, `grafana/` and
`prometheus/` read them, and a test holds all of that together.
"""

from types import ModuleType

from livelift.metrics import processor, producer, stats, tables, verdict
from livelift.metrics.declare import Kind, Metric, Sample

__all__ = ["ALL", "Kind", "Metric", "Sample", "declared", "of", "processor", "producer", "stats", "tables", "verdict"]


def of(module: ModuleType) -> tuple[Metric, ...]:
    """The metrics that a module of this package declares."""
    return tuple(value for value in vars(module).values() if isinstance(value, Metric))


ALL = (*of(producer), *of(processor), *of(stats), *of(tables), *of(verdict))


def declared(name: str) -> Metric | None:
    """The metric that a sample called `name` belongs to, None if there is none.

    >>> declared("livelift_stats_commit_seconds_bucket").name
    'livelift_stats_commit_seconds'
    """
    return next((metric for metric in ALL if name in metric.series), None)
