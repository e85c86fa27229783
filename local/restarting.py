"""Restarts servers that ended, within a restart budget that recovers over time."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from livelift.errors import DISK_FULL, ResourceError
from local.disk import is_full
from local.server import LocalServer

RESTARTS = 20
WINDOW_SECONDS = 600.0
"""What ends more than `RESTARTS` times in so long has a fault that a restart does not mend; what ends once an hour has not."""

PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds after a start that failed until the next try; the last one again and again. All `RESTARTS` take over a minute."""

GO_ON = "nothing is lost: start again and go on"
NO_ROOM = ("its disk is full", f"make room; {GO_ON}")


class RestartBudget:
    """Counts restarts; those of long ago count no more. Pure: the clock is passed in.

    >>> budget = RestartBudget(limit=2, window=600.0)
    >>> [budget.spend(now) for now in (0.0, 1.0, 2.0, 602.0)]
    [True, True, False, True]
    """

    def __init__(self, limit: int = RESTARTS, window: float = WINDOW_SECONDS) -> None:
        self._limit = limit
        self._window = window
        self._spent: deque[float] = deque()

    def spend(self, now: float) -> bool:
        """Take one restart at `now` seconds; False if there is none left."""
        while self._spent and self._spent[0] <= now - self._window:
            self._spent.popleft()
        if len(self._spent) >= self._limit:
            return False
        self._spent.append(now)
        return True


class ServerKeeper:
    """Keeps servers alive: one that was killed starts again, at the same address, on the same data."""

    def __init__(
        self, servers: Iterable[LocalServer], say: Callable[[str], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._servers = tuple(servers)
        self._say = say
        self._now = now
        self._budgets = {server.name: RestartBudget() for server in self._servers}
        self._failed: dict[str, list[ResourceError]] = {server.name: [] for server in self._servers}
        self._not_before = {server.name: 0.0 for server in self._servers}

    def look_after(self) -> None:
        """Start again what has ended, and keep logs short. To be called again and again: one that does not start is tried
        after a pause.

        Raises
        ------
        ResourceError
            If a server's disk is full, or restarts do not help.
        """
        for server in self._servers:
            if server.is_running:
                server.process.rotate_log()
            elif self._now() >= self._not_before[server.name]:
                self._start_again(server)

    def _start_again(self, server: LocalServer) -> None:
        if DISK_FULL in server.process.tail(200) or is_full(server.folder):
            what, fix = NO_ROOM
            raise ResourceError(f"{server.name} ended: {what}", fix)
        failed = self._failed[server.name]
        words = "did not start" if failed else f"ended (code {server.process.poll()})"
        if not self._budgets[server.name].spend(self._now()):
            raise failed[-1] if failed else _ended_too_often(server)
        self._say(f"{server.name} {words}: starting it again")
        try:
            server.start()
            failed.clear()
        except ResourceError as error:
            self._not_before[server.name] = self._now() + PAUSES[min(len(failed), len(PAUSES) - 1)]
            failed.append(error)


def _ended_too_often(server: LocalServer) -> ResourceError:
    return ResourceError(
        f"{server.name} ended {RESTARTS} times in {WINDOW_SECONDS / 60:.0f} minutes: {complaint(server)}",
        f"read its log, {server.log}; {GO_ON}",
    )


def complaint(server: LocalServer) -> str:
    """What the server last complained of; its last lines where it did not."""
    lines = server.process.tail(200).splitlines()
    complaints = [
        line for line in lines if any(word in line for word in (" WARN ", " ERROR ", " FATAL ", "Exception", "#"))
    ]
    return "\n".join((complaints or lines)[-3:])
