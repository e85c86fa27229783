"""A whole run on one machine: servers, stations, the replay to its end, the verdict, and the check against the twin."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from livelift.errors import LiveliftError, ResourceError
from livelift.event_time import to_iso
from livelift.study import Study
from local.processes import ChildProcess
from local.run_folder import Run, RunFolder
from local.servers import LocalServers, local_servers
from local.stations import Stations
from local.verdict_reader import read_verdict
from stats.redis_store import connect

POLL_SECONDS = 0.2
RESTARTS = 20
"""A station that dies is started again; one that dies this often has a fault that a restart does not mend."""

Say = Callable[[str], None]
Watch = Callable[[dict[str, Any] | None], None]
"""Called a few times a second with the newest document, None before the first."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What to replay, and how. `select_from`, `select_to` in ms; `speed` as the producer reads it."""

    study: Study
    data: Path
    partitions: int = 4
    speed: str = "max"
    select_from: int | None = None
    select_to: int | None = None
    settings: dict[str, str] = field(default_factory=dict)


class Demo:
    """One run of the local stack, as a context: everything it starts ends with it."""

    def __init__(self, folder: RunFolder, plan: DemoPlan) -> None:
        self._folder = folder
        self._plan = plan
        self.run = Run.new(
            study=plan.study.name,
            fingerprint=plan.study.fingerprint,
            data=str(plan.data),
            partitions=plan.partitions,
            select_from=plan.select_from,
            select_to=plan.select_to,
        )
        self.stations: dict[str, ChildProcess] = {}
        self._restarts = 0
        self._context = local_servers(folder.root)
        self._stations: Stations | None = None
        self._redis: redis.Redis[bytes] | None = None

    def __enter__(self) -> "Demo":
        self._folder.refuse_second_stack()
        self._folder.clear_kafka()
        self.servers: LocalServers = self._context.__enter__()
        try:
            kafka, redis_url = self.servers.kafka.address, self.servers.redis.url
            self._folder.save_run(self.run)
            self._folder.save_stack({"kafka": kafka, "redis": redis_url, "run": self.run.run})
            self._redis = connect(redis_url)
            self._stations = Stations(self._folder, self.run, kafka, redis_url)
            for station in ("producer", "processor", "stats"):
                self.start(station)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._stations is not None:
            self._stations.stop()
        self._folder.forget_stack()
        self._context.__exit__(None, None, None)

    def start(self, station: str) -> None:
        """Start a station of this run (again)."""
        assert self._stations is not None
        plan = self._plan
        more = dict(plan.settings)
        if station == "producer":
            more |= {
                "LIVELIFT_DATA": str(plan.data),
                "LIVELIFT_PARTITIONS": str(plan.partitions),
                "LIVELIFT_SPEED": plan.speed,
            }
            if plan.select_from is not None:
                more["LIVELIFT_FROM"] = to_iso(plan.select_from)
            if plan.select_to is not None:
                more["LIVELIFT_TO"] = to_iso(plan.select_to)
        self.stations[station] = self._stations.start(station, **more)

    def document(self) -> dict[str, Any] | None:
        """This run's newest document: between ticks a preview."""
        assert self._redis is not None
        document = read_verdict(self._redis, self._plan.study.name, preview=True)
        return document if document is not None and document["run"] == self.run.run else None

    def watch(self, watch: Watch, say: Say) -> dict[str, Any]:
        """Wait for the end of the stream; returns the final document.

        Raises
        ------
        LiveliftError
            If a station ends with an error that a restart does not mend.
        """
        while True:
            document = self.document()
            watch(document)
            if document is not None and not document["preview"] and document["progress"]["ended"]:
                return document
            self._look_after(say)
            time.sleep(POLL_SECONDS)

    def _look_after(self, say: Say) -> None:
        """Start stations again that were killed; give up on one that refuses its work."""
        for name, child in self.stations.items():
            code = child.poll()
            if code is None or (name == "producer" and code == 0):
                continue
            if code > 1:
                raise _StationError(name, child, code)
            self._restarts += 1
            if self._restarts > RESTARTS:
                raise ResourceError(f"{name} ended {RESTARTS} times", f"read its log: {child.log}")
            say(f"{name} ended (code {code}): starting it again")
            self.start(name)


class _StationError(LiveliftError):
    """A station's own error, with its words."""

    def __init__(self, name: str, child: ChildProcess, code: int) -> None:
        said = child.tail(3)
        super().__init__(f"{name} ended: {said}", f"read its log: {child.log}")
        self.exit_code = code
