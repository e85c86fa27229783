"""A station that a person runs in the foreground: known to this folder's Prometheus and terminal, ended by Ctrl-C."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from cli.interrupts import SIGNALS, end_interrupted, interruption
from livelift.settings import metrics_address
from local.metric_targets import MetricTargets
from local.run_folder import RunFolder


@contextmanager
def station_here(folder: RunFolder, station: str) -> Iterator[str | None]:
    """The address at which the station is to serve its metrics: as set; else one that this folder's stack is told of while
    the context lasts; None (the station's default) where no stack is up."""
    address = metrics_address()
    if address is not None or folder.stack() is None:
        yield address
        return
    targets = MetricTargets(folder.metric_targets)
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


GRACE_SECONDS = 10.0
"""For a station to leave its group in good order; Faust, asked while it starts, can take a minute, and a kill costs nothing."""


def note_signals() -> None:
    """Learn which signal ends a station that handles them by itself: a thread takes each first, and passes it on.

    A second one, or `GRACE_SECONDS`, ends the process on the spot.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # in this thread and in those that it starts
    threading.Thread(target=_pass_on, name="signals", daemon=True).start()


def _pass_on() -> None:
    number = signal.sigwait(SIGNALS)
    interruption.note(number)
    timer = threading.Timer(GRACE_SECONDS, end_interrupted)
    timer.daemon = True
    timer.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    signal.raise_signal(number)  # to this thread; Python handles it in the main one
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    signal.sigwait(SIGNALS)
    end_interrupted()
