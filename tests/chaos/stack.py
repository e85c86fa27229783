"""A whole stack under one run: the servers of `livelift up`, three workers, two stats stations, kept by its supervisor."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from livelift.document import Document, decode_document
from livelift.event_time import to_iso
from livelift.names import RunNames
from livelift.study import Study
from local.processes import ChildProcess
from local.redis_server import RedisServer
from local.restarting import ServerKeeper
from local.run_folder import Run, RunFolder
from local.server import LocalServer
from local.stations import Stations
from local.supervisor import Supervisor
from tests.chaos.proxy import Link, Links
from tests.chaos.schedule import STATIONS, STATS, Schedule
from tests.chaos.servers import LinkedKafka

SETTINGS = {"LIVELIFT_FETCH_RECORDS": "2000", "LIVELIFT_SESSION_TIMEOUT": "6", "LIVELIFT_CHECKPOINT_SECONDS": "2"}
"""Of processors: small batches, and rebalances that take seconds, so that faults meet many different moments."""

WATCHDOG = {"LIVELIFT_STANDSTILL_SECONDS": "60"}
"""The least that is sensible: a hang is not to be waited for longer than need be."""

LOOK_SECONDS = 0.3
KEEPING_SECONDS = 70.0
"""A server that is being started again at the end takes a minute at most."""


class Stack:
    """Servers and stations as a context; all of it ends with it. `say` is told what was started again."""

    def __init__(
        self,
        folder: Path,
        schedule: Schedule,
        study: Study,
        data: Path,
        select_from: int,
        speed: str,
        say: Callable[[str], None],
    ) -> None:
        self.folder = RunFolder(folder / ".livelift")
        self.run = Run.new(
            study=study.name,
            fingerprint=study.fingerprint,
            data=str(data),
            partitions=schedule.partitions,
            select_from=select_from,
        )
        self.names = RunNames(study.name, self.run.run)
        self._say = say
        self._settings = SETTINGS | WATCHDOG | {"LIVELIFT_STORE": schedule.store}
        self._replay = {
            "LIVELIFT_DATA": str(data), "LIVELIFT_PARTITIONS": str(schedule.partitions), "LIVELIFT_SPEED": speed,
            "LIVELIFT_FROM": to_iso(select_from),
        }  # fmt: skip
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.failure: Exception | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._links = opened.enter_context(Links())
            self.kafka = LinkedKafka(self.folder.kafka, self._links, STATIONS)
            self.redis = RedisServer(self.folder.redis)
            self.redis_links = {station: self._links.open(lambda: self.redis.port) for station in STATS}
            for server in self.servers:
                opened.callback(server.stop)
                server.launch()
            for server in self.servers:
                server.wait_until_ready()
            self.client: Any = redis.Redis.from_url(self.redis.admin_url, socket_timeout=2, socket_connect_timeout=2)
            self._start_stations(opened)
            self._keeping = threading.Thread(target=self._keep, name="keeping", daemon=True)
            self._keeping.start()
            opened.callback(self._end_keeping)
            self._opened = opened.pop_all()
        return self

    def _start_stations(self, opened: ExitStack) -> None:
        self.folder.note_run(self.run)
        self._stations = Stations(self.folder, self.run, self.kafka.address, self.redis.url)
        opened.callback(self._stations.stop)
        self.supervisor = Supervisor(self._stations, self._say, ServerKeeper(self.servers, self._say))
        for name in STATIONS:
            station = name.partition("-")[0]
            own = {"LIVELIFT_KAFKA": self.kafka.links[name].address}
            if name in self.redis_links:
                own["LIVELIFT_REDIS"] = self.redis.url.replace(self.redis.address, self.redis_links[name].address)
            own |= {"producer": self._replay, "processor": self._settings, "stats": WATCHDOG}[station]
            self.supervisor.start(station, own, name)

    @property
    def servers(self) -> tuple[LocalServer, LocalServer]:
        return self.kafka, self.redis

    def _keep(self) -> None:
        """Start again whatever ends, in a thread of its own, as `livelift up` does."""
        while not self._ending.wait(LOOK_SECONDS):
            with self._lock:
                try:
                    self.supervisor.look_after()
                except Exception as error:  # told by the main thread
                    self.failure = error
                    return

    @contextmanager
    def unkept(self) -> Iterator[None]:
        """Nothing that ended is started again meanwhile."""
        with self._lock:
            yield

    def process(self, name: str) -> ChildProcess:
        """The process of a station, or of "kafka" or "redis", that was started last."""
        if name in ("kafka", "redis"):
            return (self.kafka if name == "kafka" else self.redis).process
        return self.supervisor.children[name]

    def processes(self) -> list[ChildProcess]:
        """Of all stations and servers, those that were started last."""
        return [*self.supervisor.children.values(), *(server.process for server in self.servers)]

    def document(self) -> Document | None:
        """The run's verdict; None before the first, and where Redis does not answer now."""
        try:
            text = self.client.get(self.names.key("verdict"))
        except redis.RedisError:
            return None
        return decode_document(text) if text else None

    def links(self, name: str) -> list[Link]:
        """The link "station>server", or with "*" those of all stations."""
        station, _, server = name.partition(">")
        of_server = self.kafka.links if server == "kafka" else self.redis_links
        return list(of_server.values()) if station == "*" else [of_server[station]]

    def _end_keeping(self) -> None:
        self._ending.set()
        self._keeping.join(KEEPING_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
