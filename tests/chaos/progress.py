"""Does a run go on, and if not: what stands still?"""

import time
from collections.abc import Callable

import psutil

from livelift.document import Document
from livelift.event_time import to_iso
from local.pipeline_reading import PipelineReader, PipelineReading
from tests.chaos.stack import Stack

QUIET_SECONDS = 120.0
"""Longer than every time-out of a client, and time for a station's watchdog, and for the station to start again."""

MOST_SECONDS = 300.0
"""After the last fault. A run that goes round in circles moves its numbers too."""

POLL_SECONDS = 0.25


class StandsStill(Exception):  # noqa: N818  # a finding, told in the report
    """The run does not reach its end."""


class Progress:
    """Looks at a stack's own metrics and documents, again and again."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._reader = PipelineReader(stack.folder.metric_targets, stack.run.study)
        self._reading = PipelineReading()
        self._seen: object = None
        self._moved_at = time.monotonic()

    def wait(self, reached: Callable[[PipelineReading, Document | None], bool], most: float = MOST_SECONDS) -> None:
        """Return when `reached` is true of the stations' reading and the newest document.

        Raises
        ------
        StandsStill
            If nothing moves any more, or it takes longer than `most` seconds.
        """
        began = self._moved_at = time.monotonic()
        while True:
            self.check()
            document = self._stack.document()
            if reached(self._look(document), document):
                return
            now = time.monotonic()
            if now - self._moved_at > QUIET_SECONDS:
                raise StandsStill(f"nothing has moved for {QUIET_SECONDS:.0f} s: {self.words(document)}")
            if now - began > most:
                raise StandsStill(f"the end was not reached in {most:.0f} s: {self.words(document)}")
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise what ended the stack, if anything did."""
        if self._stack.failure is not None:
            raise self._stack.failure

    def _look(self, document: Document | None) -> PipelineReading:
        self._reading = reading = self._reader.read()
        seen = reading.sent, reading.applied, reading.output_lag, document and document.as_of
        if seen != self._seen:
            self._seen, self._moved_at = seen, time.monotonic()
        return reading

    def words(self, document: Document | None) -> str:
        """How far each station is, and which processes are there."""
        reading = self._reading
        event_time = "unknown" if reading.event_time is None else to_iso(reading.event_time)
        numbers = (
            f"{reading.sent} of {reading.rows} events sent, {reading.applied} applied, event time {event_time}, "
            f"{reading.output_lag} outputs unread, verdict as of {document and document.as_of}"
        )
        return "\n  ".join(
            (numbers, *(self._process(name) for name in (*self._stack.supervisor.children, "kafka", "redis")))
        )

    def _process(self, name: str) -> str:
        child = self._stack.process(name)
        code = child.poll()
        if code is not None:
            return f"{name}: ended with code {code}"
        last = child.tail(1)
        return f"{name}: {psutil.Process(child.pid).status()}, says: {last[:200]}"
