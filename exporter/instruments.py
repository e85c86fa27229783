"""Turns metrics declared in `livelift/metrics/` into prometheus_client instruments and samples.

Every sample gets the label `study`. Creation timestamps (`_created`) are left out: Prometheus does not need them.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, StateSetMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from livelift.metrics import Metric, Sample

disable_created_metrics()  # type: ignore[no-untyped-call]


class Instruments:
    """The metrics of one process. Not known until first asked for, except those without labels of `declarations`.

    Parameters
    ----------
    study
        Value of the label `study`.
    declarations
        What the process exports; those without labels are there from the start, at 0.
    """

    def __init__(self, study: str, declarations: Iterable[Metric] = ()) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._inner = CollectorRegistry(auto_describe=False)
        self._known: dict[str, Counter | Gauge | Histogram] = {}
        self.registry.register(_Labelled(self._inner, {"study": study}))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        for metric in declarations:
            self._instrument(metric)

    def counter(self, metric: Metric, *labels: str) -> Counter:
        found = self._instrument(metric)
        assert isinstance(found, Counter)
        return found.labels(*labels) if labels else found

    def gauge(self, metric: Metric, *labels: str) -> Gauge:
        found = self._instrument(metric)
        assert isinstance(found, Gauge)
        return found.labels(*labels) if labels else found

    def histogram(self, metric: Metric, *labels: str) -> Histogram:
        found = self._instrument(metric)
        assert isinstance(found, Histogram)
        return found.labels(*labels) if labels else found

    def add(self, collector: Collector) -> None:
        """Export what `collector` gives at each scrape, too."""
        self._inner.register(collector)

    def _instrument(self, metric: Metric) -> Counter | Gauge | Histogram:
        found = self._known.get(metric.name)
        if found is None:
            found = self._known[metric.name] = self._made(metric)
        return found

    def _made(self, metric: Metric) -> Counter | Gauge | Histogram:
        if metric.kind == "counter":
            return Counter(metric.name, metric.help, metric.labels, registry=self._inner)
        if metric.kind == "histogram":
            return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self._inner)
        assert metric.kind == "gauge", f"{metric.name}: {metric.kind} is given by a collector of samples"
        return Gauge(metric.name, metric.help, metric.labels, registry=self._inner)


def families(samples: Iterable[Sample]) -> Iterator[Family]:
    """Gauges and state sets from samples; those of one metric have to follow one another."""
    family: Family | None = None
    for metric, labels, value in samples:
        if family is None or family.name != metric.name:
            if family is not None:
                yield family
            made = StateSetMetricFamily if metric.kind == "states" else GaugeMetricFamily
            family = made(metric.name, metric.help)
        if metric.kind == "states":
            for state in metric.states:
                family.add_sample(metric.name, labels | {metric.name: state}, float(state == value))
        else:
            family.add_sample(metric.name, labels, float(value))
    if family is not None:
        yield family


class _Labelled(Collector):
    """All that another registry collects, with more labels on every sample."""

    def __init__(self, inner: CollectorRegistry, labels: dict[str, str]) -> None:
        self._inner = inner
        self._labels = labels

    def collect(self) -> Iterator[Family]:
        for family in self._inner.collect():
            family.samples = [sample._replace(labels=self._labels | sample.labels) for sample in family.samples]
            yield family
