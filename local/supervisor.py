"""Supervises stations: one that was killed starts again, one that refuses its work is reported in its own words."""

import json
import time
from collections.abc import Callable

from livelift.errors import ResourceError, StandstillError, UnreachableError
from local.disk import is_full
from local.processes import ChildProcess
from local.restarting import NO_ROOM, RESTARTS, WINDOW_SECONDS, RestartBudget, ServerKeeper
from local.stations import Stations

ENDING = ("producer",)
"""Stations whose work has an end, which they tell by code 0. Another one that ends so was asked to by somebody."""

SAY_SECONDS = 30.0
"""How often a station that waits for a server is mentioned."""


class Supervisor:
    """Keeps stations of one run alive: one that was killed starts again, one that refuses its work is reported.

    Parameters
    ----------
    keeper
        Of the servers, if they are ours: a station that does not reach them waits until they are there again.
    """

    def __init__(self, stations: Stations, say: Callable[[str], None], keeper: ServerKeeper | None = None) -> None:
        self._stations = stations
        self._keeper = keeper
        self._say = say
        self._budgets: dict[str, RestartBudget] = {}
        self._said_at: dict[str, float] = {}
        self._started: dict[str, tuple[str, dict[str, str]]] = {}  # name → station and settings
        self.children: dict[str, ChildProcess] = {}

    def start(self, station: str, settings: dict[str, str], name: str = "") -> None:
        """Start a station, and again whenever it was killed. `name` tells several processes of one station apart."""
        name = name or station
        self._started[name] = station, settings
        self.children[name] = self._stations.start(station, name=name, **settings)

    def look_after(self) -> None:
        """Start again what was killed, or ended by a signal of somebody's.

        Raises
        ------
        StationError
            If a station ended with an error of its own.
        ResourceError
            If restarts do not help, or a server's disk is full.
        """
        if self._keeper is not None:
            self._keeper.look_after()
        for name, child in self.children.items():
            code = child.poll()
            if code is None:
                child.rotate_log()
            elif code == 0 and self._started[name][0] in ENDING:
                self._stations.targets.remove(name)  # it has done its work: Prometheus need not look for it
            else:
                self._start_again(name, child, code)

    def _start_again(self, name: str, child: ChildProcess, code: int) -> None:
        if code == UnreachableError.exit_code and self._keeper is not None:
            self._say_now_and_then(name)  # servers are kept: time mends it
        elif code > 1 and code != StandstillError.exit_code:
            raise StationError(name, child, code)
        elif not self._budgets.setdefault(name, RestartBudget()).spend(time.monotonic()):
            raise ResourceError(
                f"{name} ended {RESTARTS} times in {WINDOW_SECONDS / 60:.0f} minutes", f"read its log: {child.log}"
            )
        else:
            why = f"code {code}" if code != StandstillError.exit_code else last_words(child.tail(20))[0]
            self._say(f"{name} ended ({why}): starting it again")
        self.start(*self._started[name], name)

    def _say_now_and_then(self, name: str) -> None:
        now = time.monotonic()
        if now - self._said_at.get(name, -SAY_SECONDS) >= SAY_SECONDS:
            self._said_at[name] = now
            self._say(f"{name} does not reach Kafka or Redis: starting it again until it does")


class StationError(ResourceError):
    """A station's own error, with its words and its exit code."""

    def __init__(self, name: str, child: ChildProcess, code: int) -> None:
        what, fix = last_words(child.tail(20))
        if not fix and is_full(child.log.parent):  # there was no room for its last words
            what, fix = NO_ROOM
        super().__init__(f"{name} ended: {what}", fix or f"read its log: {child.log}")
        self.exit_code = code


def last_words(log: str) -> tuple[str, str]:
    """What a station said of its end and how to mend it, from the end of its log; the last lines where it said nothing.

    >>> last_words('{"event": "reading"}\\n{"event": "no rows\\\\n  fix: give some", "level": "critical"}')
    ('no rows', 'give some')
    >>> last_words('\\x1b[?25h{"event": "x\\\\n  fix: y", "level": "critical"}')  # Faust shows the cursor again
    ('x', 'y')
    >>> last_words("Traceback\\nKeyError: 7")
    ('Traceback\\nKeyError: 7', '')
    """
    lines = log.splitlines()
    for line in reversed(lines):
        try:
            said = json.loads(line[max(0, line.find("{")) :])
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("level") == "critical":
            what, _, fix = str(said["event"]).partition("\n  fix: ")
            return what, fix
    return "\n".join(lines[-3:]), ""
