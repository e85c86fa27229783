"""Ending a process within a bounded time: by a signal that its libraries are slow to heed, or by an error.

Without a broker Faust takes up to a minute to stop, and a library that hangs never does. A station can be killed at any
moment and nothing is lost (promise P2), so it is not waited for any longer than an end in good order takes.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from livelift.errors import LiveliftError

SIGNALS = (signal.SIGINT, signal.SIGTERM)

GRACE_SECONDS = 8.0
"""For a station that was asked to stop: less than Docker's own 10 s, more than any orderly end was seen to take."""

WORDS_SECONDS = 5.0
"""For the last words: a log that nobody reads any more, or whose lock a stuck thread holds, would keep us here."""


def end_process(code: int, say: Callable[[], None]) -> NoReturn:
    """Call `say`, flush the logs and end the process with `code`, whatever its other threads are doing."""

    def words() -> None:
        say()
        logging.shutdown()

    thread = threading.Thread(target=words, name="last words", daemon=True)
    thread.start()
    thread.join(WORDS_SECONDS)
    os._exit(code)


def end_with(error: BaseException, log: logging.Logger) -> NoReturn:
    """Log `error` and end the process with its exit code."""
    known = isinstance(error, LiveliftError)
    what = str(error) if known else "the station stops at an error"
    end_process(getattr(error, "exit_code", 1), lambda: log.critical("%s", what, exc_info=None if known else error))


def end_within(
    end: Callable[[], NoReturn], noted: Callable[[int], None] = lambda _: None, seconds: float = GRACE_SECONDS
) -> None:
    """See to it that SIGINT and SIGTERM end this process: a thread takes each first and passes it on to who handles it.

    A second one, or so many `seconds`, call `end`. To be called in the main thread, before others are started: they would
    take signals too.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # in this thread and in those that it starts
    threading.Thread(target=partial(_pass_on, end, noted, seconds), name="signals", daemon=True).start()


def _pass_on(end: Callable[[], NoReturn], noted: Callable[[int], None], seconds: float) -> None:
    number = signal.sigwait(SIGNALS)
    noted(number)
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    signal.raise_signal(number)  # to this thread; Python handles it in the main one
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    signal.sigwait(SIGNALS)
    end()


def end_station_within(station: str, code: int = 0, seconds: float = GRACE_SECONDS) -> None:
    """`end_within` for a station whose supervisor knows that it asked: it ends with `code`, as it does in good order."""

    def end() -> NoReturn:
        log = logging.getLogger(f"livelift.{station}")
        end_process(code, lambda: log.warning("asked to stop, the %s did not end by itself: ended at once", station))

    end_within(end, seconds=seconds)
