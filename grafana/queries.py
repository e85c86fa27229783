"""Builds PromQL from the declared metrics, so that no panel can ask for a metric that is not exported.

Two clocks: *now*, the gauges of the stations as Prometheus scraped them, and *event time*, the ticks of `/history`, which
carry the label `clock="event"` and event-time timestamps (docs/decisions/0020-event-time-in-grafana.md).
"""

from livelift.metrics import Metric

DAY = "1d"
"""Step of everything in event time: there is a tick a day, at midnight UTC, and one at the stream's end."""

WINDOW = "23h59m59s"
"""What a step looks back on. Not the whole day: Prometheus 2 would count the midnight at its far end, Prometheus 3 not."""


def selector(metric: Metric, clock: str, matchers: dict[str, str], suffix: str = "") -> str:
    """`name{study="$study", …}`; a matcher's value that begins with `~` is a regular expression."""
    every = {"study": "$study"} | ({"run": "$run", "clock": "event"} if clock == "event" else {}) | matchers
    texts = [f'{label}{"=~" if value.startswith("~") else "="}"{value.lstrip("~")}"' for label, value in every.items()]
    return f"{metric.name}{suffix}{{{', '.join(texts)}}}"


def at_ticks(metric: Metric, /, **matchers: str) -> str:
    """The metric at each tick of the chosen run, over event time."""
    return f"last_over_time({selector(metric, 'event', matchers)}[{WINDOW}])"


def day_before(metric: Metric, /, **matchers: str) -> str:
    """`at_ticks` of the day before."""
    return f"last_over_time({selector(metric, 'event', matchers)}[{WINDOW}] offset {DAY})"


def as_of(metric: Metric, /, **matchers: str) -> str:
    """The metric at the last tick of the time range: the range's end is an *as of*."""
    return f"last_over_time({selector(metric, 'event', matchers)}[$__range])"


def still_there(expression: str) -> str:
    """Without series that have ended: their last sample is NaN, and no comparison with that is true."""
    return f"{expression} > -Inf"


def now(metric: Metric, /, **matchers: str) -> str:
    """A gauge that stations export, as of the time of the scrape."""
    return selector(metric, "now", matchers)


def last_seen(metric: Metric, /, **matchers: str) -> str:
    """A gauge of a station that may have ended since: its last value in the time range."""
    return f"last_over_time({selector(metric, 'now', matchers)}[$__range])"


def per_second(metric: Metric, /, **matchers: str) -> str:
    """A counter's rate."""
    return f"rate({selector(metric, 'now', matchers)}[$__rate_interval])"


def quantile(q: float, metric: Metric, /, by: str = "", **matchers: str) -> str:
    """The q-quantile of a histogram over the last moments; NaN, shown as a gap, while nothing is observed."""
    labels = f"le, {by}" if by else "le"
    buckets = selector(metric, "now", matchers, "_bucket")
    return f"histogram_quantile({q}, sum by ({labels}) (rate({buckets}[$__rate_interval])))"
