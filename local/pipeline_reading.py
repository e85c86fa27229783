"""Reads the state of the pipeline from the stations' own Prometheus metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from livelift.event_time import SECOND
from livelift.metrics import Metric, processor, producer, stats
from local.metric_targets import read_targets

WAIT_SECONDS = 0.3
"""A station that is frozen or starting must not hold up the terminal."""

_open = build_opener(ProxyHandler({})).open  # stations are on this machine: no proxy


@dataclass(frozen=True, slots=True)
class PipelineReading:
    """One look at the stations; None = unknown.

    Attributes
    ----------
    phase, phase_done
        What the producer does, and the share of it that is done.
    rows, sent
        Events of the replay, and those of them that Kafka has.
    applied
        Events that have gone through the processors.
    output_lag
        Records of the output log that stats has still to read.
    open_sessions
        Sessions that may go on.
    event_time
        The least watermark of the partitions, ms.
    workers
        Processors that answer.
    """

    phase: str | None = None
    phase_done: float | None = None
    rows: int | None = None
    sent: int | None = None
    applied: int | None = None
    output_lag: int | None = None
    open_sessions: int | None = None
    event_time: int | None = None
    workers: int = 0

    @property
    def lag(self) -> int | None:
        """Events that are in Kafka and not through the processors."""
        return None if self.sent is None or self.applied is None else max(0, self.sent - self.applied)


class PipelineReader:
    """Reads the study's stations that a folder of targets names. The producer's last words are kept: it ends before the
    stream does."""

    def __init__(self, targets: Path, study: str) -> None:
        self._targets = targets
        self._study = study
        self._producer: dict[str, list[Sample]] = {}

    def read(self) -> PipelineReading:
        """A new reading."""
        addresses = read_targets(self._targets, self._study)
        said = _said(addresses.get("producer", []))
        self._producer = said or self._producer
        workers = [_said([address]) for address in addresses.get("processor", [])]
        folded = _merged(worker for worker in workers if worker)
        counted = _said(addresses.get("stats", []))
        sent, rows = _total(self._producer, producer.ROWS_SENT), _total(self._producer, producer.ROWS)
        watermarks = [sample.value for sample in folded.get(processor.WATERMARK.name, [])]
        return PipelineReading(
            phase="complete" if self._producer and not said else _state(self._producer, producer.PHASE),
            phase_done=_value(self._producer, producer.PHASE_DONE),
            rows=rows or None,
            sent=sent if rows else None,
            applied=_total(folded, processor.APPLIED),
            output_lag=_total(counted, stats.LAG),
            open_sessions=_total(folded, processor.SESSIONS_OPEN),
            event_time=int(min(watermarks) * SECOND) if watermarks else None,
            workers=sum(1 for worker in workers if worker),
        )


def _said(addresses: list[str]) -> dict[str, list[Sample]]:
    """Series name → samples, of the processes that answer."""
    return _merged(_scraped(address) for address in addresses)


def _merged(parts: Iterator[dict[str, list[Sample]]]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for part in parts:
        for name, samples in part.items():
            found.setdefault(name, []).extend(samples)
    return found


def _scraped(address: str) -> dict[str, list[Sample]]:
    try:
        with _open(f"http://{address}/metrics", timeout=WAIT_SECONDS) as answer:
            text = answer.read().decode()
    except (URLError, OSError):  # it starts, it ended, it is frozen: what it would say is unknown
        return {}
    ours = "\n".join(line for line in text.splitlines() if line.startswith("livelift_") and "_bucket{" not in line)
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(ours + "\n"):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def _total(samples: dict[str, list[Sample]], metric: Metric) -> int | None:
    found = samples.get(metric.name)
    return None if not found else int(sum(sample.value for sample in found))


def _value(samples: dict[str, list[Sample]], metric: Metric) -> float | None:
    found = samples.get(metric.name)
    return None if not found else float(found[0].value)


def _state(samples: dict[str, list[Sample]], metric: Metric) -> str | None:
    return next((sample.labels[metric.name] for sample in samples.get(metric.name, []) if sample.value), None)
