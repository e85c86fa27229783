"""Encodes a run's ticks as OpenMetrics text, each sample with its tick's event time as timestamp. Pure.

The metrics are those of `livelift/metrics/verdict.py`; labels `run` and `clock="event"` tell them from the gauges of now.
Between two ticks the newest preview adds a point to what needs no look: counts, means, plain lifts.
"""

from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter

from livelift.document import Document, HistoryEntry
from livelift.event_time import SECOND, from_iso
from livelift.metrics import Metric, Sample
from livelift.metrics import verdict as declared
from livelift.study import Study
from stats.edges.verdict_samples import verdict_samples

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

IN_PREVIEWS = (
    declared.N, declared.MEAN, declared.MEAN_LOW, declared.MEAN_HIGH, declared.LIFT, declared.ADJUSTED, declared.Z,
    declared.EXPOSED, declared.INCLUDED, declared.SESSIONS, declared.INPUT_ROWS,
    declared.SAMPLE_RATIO_P, declared.INCLUSION_P, declared.LEFT_OUT, declared.LATE_SHARE, declared.REJECTED_SHARE,
)  # fmt: skip

NOT_A_NUMBER = "NaN"
"""As OpenMetrics writes it."""

Point = tuple[int, str, int]
"""(event time in ms, value, the number under which it was added: 1, 2, … over all)."""


class EventTimeSamples:
    """Everything that is known of one run's ticks; `text` is what Prometheus reads.

    `newest` is the number of the newest addition, 0 before the first.
    """

    def __init__(self, study: Study, run: str) -> None:
        self._study = study
        self._own = {"study": study.name, "run": run, "clock": "event"}
        self._series: dict[Metric, dict[str, list[Point]]] = {}
        self._preview: dict[tuple[Metric, str], Point] = {}
        self._last = self._last_preview = 0
        self.newest = 0

    def add(self, entry: HistoryEntry, wall_ms: int) -> None:
        """One more tick, as the history keeps it, which was evaluated at wall time `wall_ms`.

        One that is not later than the last is that of a Redis which was rolled back: evaluated again, it says the same.
        """
        time = from_iso(entry.as_of)
        if time < self._last:
            return
        self._last = time
        self.newest += 1
        for metric, labels, value in self._samples(entry, [(declared.TICK_TIMESTAMP, {}, wall_ms / SECOND)]):
            points = self._series.setdefault(metric, {}).setdefault(labels, [])
            if points and points[-1][0] == self._last:
                points.pop()  # the stream ended at this very tick
            points.append((self._last, value, self.newest))

    def preview(self, document: Document) -> None:
        """The newest preview. Later than the last tick it adds points; a second one of the same time changes none."""
        time = from_iso(document.as_of)
        if time <= max(self._last, self._last_preview):
            return
        self._last_preview = time
        self.newest += 1
        self._preview = {
            (metric, labels): (time, value, self.newest)
            for metric, labels, value in self._samples(document, [])
            if metric in IN_PREVIEWS
        }

    def add_numbers(self, points: Iterable[tuple[int, Sample]]) -> None:
        """More gauges, each at its own event time in ms; of a series only what is later than all that it has."""
        self.newest += 1
        for time, (metric, labels, value) in points:
            series = self._series.setdefault(metric, {}).setdefault(_text(self._own | labels), [])
            if not series or series[-1][0] < time:
                series.append((time, NOT_A_NUMBER if value != value else repr(value), self.newest))

    def text(self, after: int = 0) -> bytes:
        """What was added under numbers above `after`, all by default, as OpenMetrics text: a family's series together, a
        series' points in order of time."""
        lines = []
        for metric, series in self._series.items():
            shown = [
                f"{metric.name}{{{labels}}} {value} {time / SECOND}"
                for labels, points in series.items()
                for time, value, _ in self._points((metric, labels), points, after)
            ]
            if shown:
                lines += [f"# TYPE {metric.name} gauge", *shown]  # states as well: a state set would want them mixed
        return "\n".join([*lines, "# EOF\n"]).encode()

    def _points(self, series: tuple[Metric, str], points: list[Point], after: int) -> list[Point]:
        first = bisect_right(points, after, key=itemgetter(2))
        preview = self._preview.get(series)
        if preview is None or preview[0] <= self._last or preview[2] <= after:
            return points[first:]
        return [*points[first:], preview]

    def _samples(self, document: Document | HistoryEntry, more: list[Sample]) -> list[tuple[Metric, str, str]]:
        found = []
        for metric, labels, value in [*more, *verdict_samples(document, self._study, self._own["run"])]:
            every = self._own | labels
            if metric.kind != "states":
                found.append((metric, _text(every), repr(float(value))))
                continue
            for state in metric.states:
                found.append((metric, _text(every | {metric.name: state}), str(int(state == value))))
        return found


def _text(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
