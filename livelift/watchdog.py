"""Ends a process that makes no progress although there is work, so that whoever supervises it starts it again.

It runs in a thread of its own: it has to fire when an event loop is blocked or its library waits for something that will
not come. It judges by what it sees from outside, work that is there and does not become less, and by nothing that the
library says of itself. What nobody can work on is no work: a topic without more records, a server that does not answer.
"""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from livelift import settings
from livelift.ending import end_with
from livelift.errors import StandstillError

log = logging.getLogger("livelift.watchdog")

SETTING = settings.STANDSTILL_SECONDS

STANDSTILL_SECONDS = 120.0
"""Longer than anything that heals by itself: a rebalance with a frozen member takes 60 s, a lost request 30 s."""

LOOKS = 12
"""Looks in the time of a standstill."""

FIX = (
    "it is started again by `livelift up`, `livelift demo` and Docker, else start it; nothing is lost. If it comes again: "
    f"its log says above where its threads stood; for a machine that is only slow raise {SETTING}"
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look sees of one thing that the process works on.

    subject
        What it is: sights of one subject are compared.
    progress
        Anything that changes when the work goes on.
    work
        What there is to do, in words that go on "for 120 s …"; empty where there is nothing, or nobody could do it.
    """

    subject: str
    progress: Hashable
    work: str


class Standstill:
    """For how long there was work and no progress, by subject. Pure: the clock is passed in.

    Parameters
    ----------
    most
        Seconds that one look may add: who was not there to look (SIGSTOP, a suspended machine) has not seen anything stand.

    >>> standstill = Standstill(most=20.0)
    >>> look = lambda now, progress, work: standstill.look(now, [Sight("it", progress, work)])["it"]
    >>> look(0.0, 1, "x"), look(10.0, 1, "x"), look(20.0, 1, "x"), look(30.0, 2, "x"), look(40.0, 2, "")
    (0.0, 10.0, 20.0, 0.0, 0.0)
    >>> look(50.0, 2, "x"), look(1000.0, 2, "x")
    (10.0, 30.0)
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._looked_at: float | None = None
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def look(self, now: float, sights: Iterable[Sight]) -> dict[str, float]:
        """Seconds that each subject has stood still at `now`. One that is not seen is forgotten."""
        passed = 0.0 if self._looked_at is None else min(now - self._looked_at, self._most)
        self._looked_at = now
        seen = {}
        for sight in sights:
            before, seconds = self._seen.get(sight.subject, (None, 0.0))
            stands = sight.subject in self._seen and before == sight.progress and sight.work
            seen[sight.subject] = sight.progress, seconds + passed if stands else 0.0
        self._seen = seen
        return {subject: seconds for subject, (_, seconds) in seen.items()}


class Watchdog:
    """Looks at a station now and then while its context lasts, and ends it when something stood still for `seconds`.

    Parameters
    ----------
    station
        What messages call it.
    look
        Called in the watchdog's thread. Should it fail, nothing was seen.
    loop
        Whose tasks are logged before the end.
    end
        Ends the process.
    """

    def __init__(
        self,
        station: str,
        look: Callable[[], list[Sight]],
        seconds: float,
        loop: asyncio.AbstractEventLoop | None = None,
        end: Callable[[StandstillError, logging.Logger], None] = end_with,
    ) -> None:
        self._station = station
        self._look = look
        self._seconds = seconds
        self._loop = loop
        self._end = end
        self._over = threading.Event()
        self._standstill = Standstill(2 * seconds / LOOKS)

    def __enter__(self) -> Self:
        """Watch from now on."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """The station has done its work, or failed."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(self._seconds / LOOKS):
            if self.look(time.monotonic()):
                return

    def look(self, now: float) -> bool:
        """One look, at `now` seconds; was it the last one?"""
        try:
            sights = self._look()
        except Exception:  # of a library that is read while it works in another thread
            log.warning("the watchdog could not look at the %s", self._station, exc_info=True)
            sights = []
        for subject, seconds in self._standstill.look(now, sights).items():
            if seconds >= self._seconds and not self._over.is_set():
                work = next(sight.work for sight in sights if sight.subject == subject)
                log.error("where the %s stands:\n%s", self._station, where_it_stands(self._loop))
                self._end(standstill(self._station, subject, seconds, work), log)
                return True
        return False


def standstill(station: str, subject: str, seconds: float, work: str) -> StandstillError:
    """What stood still and for how long.

    >>> print(standstill("processor", "partition 2", 121.0, "7 records wait, and none was applied").what)
    the processor stands still: partition 2: for 121 s 7 records wait, and none was applied
    """
    return StandstillError(f"the {station} stands still: {subject}: for {seconds:.0f} s {work}", FIX)


def standstill_seconds() -> float:
    """The setting, in seconds. Raises `SettingsError` if it is no number above 0."""
    return settings.number(SETTING, STANDSTILL_SECONDS)


def where_it_stands(loop: asyncio.AbstractEventLoop | None) -> str:
    """The stacks of all threads but this one, and where each task of `loop` waits."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines = []
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident():
            lines.append(f"thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}")
    try:
        places = Counter(map(_place, () if loop is None else asyncio.all_tasks(loop)))
    except RuntimeError:  # they changed while we looked
        places = Counter(["(the tasks change too quickly to be listed)"])
    return "\n".join([*lines, *(f"{number} × {place}" for place, number in sorted(places.items()))])


def _place(task: "asyncio.Task[object]") -> str:
    """The task by its coroutines, each of which waits for the next, and the line at which the last one waits."""
    inner: Any = task.get_coro()
    names, frame = [], None
    while hasattr(inner, "cr_frame"):
        names.append(inner.__qualname__)
        frame, inner = inner.cr_frame or frame, inner.cr_await
    where = "" if frame is None else f" at {frame.f_code.co_filename}:{frame.f_lineno}"
    return f"task {' > '.join(names) or task.get_name()}{where}"
