"""Runs a station in the foreground: registers it with this folder's Prometheus and live terminal, ends it at Ctrl-C."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from cli.interrupts import SIGNALS, end_interrupted, interruption
from livelift.ending import end_within
from livelift.settings import metrics_address
from local.metric_targets import MetricTargets
from local.run_folder import RunFolder


@contextmanager
def station_here(folder: RunFolder, station: str, study: str) -> Iterator[str | None]:
    """The address at which the station is to serve its metrics: as set; else one that this folder's stack is told of while
    the context lasts; None (the station's default) where no stack is up."""
    address = metrics_address()
    if address is not None or folder.stack() is None:
        yield address
        return
    targets = MetricTargets(folder.metric_targets, study)
    try:
        yield targets.add(f"{station}-{os.getpid()}", station)
    finally:
        targets.clear()


@contextmanager
def until_asked() -> Iterator[Callable[[], bool]]:
    """Was Ctrl-C or SIGTERM given? Inside the context they only set this flag, so that work ends in good order."""
    asked = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        interruption.note(number)
        asked.set()

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def note_signals() -> None:
    """Learn which signal ends a station that handles them by itself, and end the process should it be slow about it.

    To be called before the station's imports start threads of their own.
    """
    end_within(end_interrupted, interruption.note)
