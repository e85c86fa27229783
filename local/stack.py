"""`livelift up`: servers, and for the current run a processor and a stats station, until it is stopped."""

import json
import shutil
import time
from collections.abc import Callable

from livelift import settings
from livelift.errors import DISK_FULL, ResourceError, StateError
from livelift.study import load_study
from local.disk import is_full
from local.metric_targets import forget_targets
from local.processes import ChildProcess
from local.run_folder import Run, RunFolder
from local.runs import show_run
from local.servers import LocalServers, local_servers
from local.stations import Stations
from local.watching import watching
from stats.redis_store import connect

STATIONS = ("processor", "stats")
POLL_SECONDS = 0.3
RESTARTS = 20
"""A station that dies is started again; one that dies this often has a fault that a restart does not mend."""

GO_ON = "nothing is lost: start again and go on"
NO_ROOM = ("its disk is full", f"make room; {GO_ON}")


class Supervisor:
    """Keeps stations of one run alive: one that was killed starts again, one that refuses its work is reported."""

    def __init__(self, stations: Stations, say: Callable[[str], None], servers: LocalServers | None = None) -> None:
        self._stations = stations
        self._servers = servers
        self._say = say
        self._restarts = 0
        self._settings: dict[str, dict[str, str]] = {}
        self.children: dict[str, ChildProcess] = {}

    def start(self, station: str, settings: dict[str, str]) -> None:
        """Start a station, and again whenever it was killed."""
        self._settings[station] = settings
        self.children[station] = self._stations.start(station, **settings)

    def look_after(self) -> None:
        """Start again what was killed. A server that ended is not started again: its disk may be full.

        Raises
        ------
        StationError
            If a station ended with an error of its own.
        ResourceError
            If restarts do not help, or a server has ended.
        """
        for server in (self._servers.kafka, self._servers.redis) if self._servers else ():
            if not server.is_running:
                full = DISK_FULL in server.process.tail(200) or is_full(server.folder)
                what, fix = NO_ROOM if full else (server.process.tail(3), f"read its log, {server.log}; {GO_ON}")
                raise ResourceError(f"{server.name} ended: {what}", fix)
        for name, child in self.children.items():
            code = child.poll()
            if code is None:
                continue
            if code == 0:
                self._stations.targets.remove(name)  # it has done its work: Prometheus need not look for it
                continue
            if code > 1:
                raise StationError(name, child, code)
            self._restarts += 1
            if self._restarts > RESTARTS:
                raise ResourceError(f"{name} ended {RESTARTS} times", f"read its log: {child.log}")
            self._say(f"{name} ended (code {code}): starting it again")
            self.start(name, self._settings[name])


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
    >>> last_words("Traceback\\nKeyError: 7")
    ('Traceback\\nKeyError: 7', '')
    """
    lines = log.splitlines()
    for line in reversed(lines):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("level") == "critical":
            what, _, fix = str(said["event"]).partition("\n  fix: ")
            return what, fix
    return "\n".join(lines[-3:]), ""


def up(folder: RunFolder, kafka_port: int | None, redis_port: int | None, say: Callable[[str], None]) -> None:
    """Run servers and stations until KeyboardInterrupt; a new run's stations take the place of the old one's."""
    folder.refuse_second_stack()
    folder.settle_demo()
    forget_targets(folder.metric_targets)
    with (
        local_servers(folder.root, kafka_port=kafka_port, redis_port=redis_port) as servers,
        watching(folder, load_study(settings.setting(settings.STUDY)), say) as watched,
    ):
        addresses = {"kafka": servers.kafka.address, "redis": servers.redis.url} | watched
        folder.save_stack(addresses)
        say(f"Kafka {addresses['kafka']}, Redis {addresses['redis']} — now: livelift replay; Ctrl-C stops the stack")
        run: Run | None = None
        stations: Stations | None = None
        try:
            while True:
                current = folder.current_run()
                if current is not None and current != run:
                    run = current
                    if stations is not None:
                        stations.stop()
                    show_run(
                        connect(servers.redis.url), run.study, run.run
                    )  # they may speak of a later demo, unfinished
                    stations = Stations(folder, run, addresses["kafka"], addresses["redis"])
                    supervisor = Supervisor(stations, say, servers)
                    for station in STATIONS:
                        supervisor.start(station, {"LIVELIFT_TOPIC_WAIT_SECONDS": "86400"})
                    say(f"run {run.run}: processor and stats started")
                elif run is not None:
                    supervisor.look_after()
                time.sleep(POLL_SECONDS)
        finally:
            if stations is not None:
                stations.stop()
            folder.forget_stack()


def reset(folder: RunFolder) -> None:
    """Remove every run, cache and kept verdict of this folder.

    Raises
    ------
    StateError
        If a stack is up.
    """
    if folder.stack() is not None:
        raise StateError("the stack is up", "stop it first: livelift stop")
    shutil.rmtree(folder.root, ignore_errors=True)
