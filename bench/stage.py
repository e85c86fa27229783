"""What every measured stage shares: servers, replayed input, and a process that is watched until its work is done."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.kafka import Broker
from bench.measured import MILLION
from bench.meter import SAMPLE_SECONDS, Meter
from bench.subject import Say, Subject
from livelift import settings
from livelift.errors import ResourceError, StateError
from livelift.names import RunNames
from livelift.study_folders import reference_to
from local.processes import ChildProcess
from local.run_folder import Run, RunFolder
from local.servers import LocalServers, local_servers
from local.stations import Stations

LIMIT_SECONDS = 1800.0
LOOK_SECONDS = 0.25
SETTLED_SECONDS = 0.5
"""A topic whose ends have not moved for so long is looked at for its end."""


class Bench:
    """Servers, a broker client and a folder; knows the filled topics, so that each is filled once."""

    def __init__(self, root: Path, servers: LocalServers, broker: Broker, say: Say, partitions: int = 4) -> None:
        self.folder = RunFolder(root)
        self.servers = servers
        self.broker = broker
        self.say = say
        self.partitions = partitions

    def run_of(self, subject: Subject, name: str) -> Run:
        """A run of `subject` under a name of ours, so that several processors can read one events topic."""
        study = subject.study
        run = Run(
            name, study.name, study.fingerprint, str(subject.data), self.partitions, None, subject.until,
            study_at=reference_to(study.name, study.folder, os.environ),
        )  # fmt: skip
        self.folder.save_run(run)
        return run

    def stations(self, run: Run) -> Stations:
        return Stations(self.folder, run, self.servers.kafka.address, self.servers.redis.url)

    def names(self, run: Run) -> RunNames:
        return RunNames(run.study, run.run)

    def server_meters(self) -> dict[str, Meter]:
        """Meters of Kafka and Redis, begun now."""
        meters = {
            "kafka": Meter(self.servers.kafka.process.pid),
            "redis": Meter(self.servers.redis.process.pid),
        }
        for meter in meters.values():
            meter.sample()
        return meters


@contextmanager
def bench_servers(say: Say, partitions: int = 4) -> Iterator[Bench]:
    """Kafka and Redis with empty data for one bench, under `.livelift/bench/`; all of it ends with the context.

    Raises
    ------
    StateError
        If another bench of this folder is running: their figures would mean nothing.
    """
    root = bench_folder()
    with alone_in(root, "bench"):
        folder = root / "servers"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with local_servers(folder) as servers:
                broker = Broker(servers.kafka.address)
                try:
                    yield Bench(root, servers, broker, say, partitions)
                finally:
                    broker.close()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone_in(folder: Path, what: str) -> Iterator[None]:
    """Make the folder, and keep others of our kind out of it.

    Raises
    ------
    StateError
        If another one is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateError(f"another {what} is running in {folder}", "wait until it has ended") from None
        yield


def bench_folder() -> Path:
    """Where inputs, caches, the oracle's answers and logs are kept between benches."""
    return settings.folder() / "bench"


def servers_cpu(meters: Mapping[str, Meter], began: float, ended: float, events: int) -> dict[str, float]:
    """CPU-seconds of each server per million events between two wall times."""
    return {name: meter.used(began, ended) / events * MILLION for name, meter in meters.items()}


@dataclass(frozen=True, slots=True)
class Watched:
    """Wall times at which a process was started and at which its work was seen to be done."""

    began: float
    ended: float


def watch(children: list[ChildProcess], meters: list[Meter], done: Callable[[], bool], began: float) -> Watched:
    """Sample until `done()`, asked at every sample.

    Raises
    ------
    ResourceError
        If a process ends with an error, or they are not done in `LIMIT_SECONDS`.
    """
    while True:
        for meter in meters:
            meter.sample()
        if done():
            ended = time.time()
            for meter in meters:
                meter.sample()
            return Watched(began, ended)
        for child in children:
            if code := child.poll():
                raise ResourceError(f"{child.name} ended (code {code}): {child.tail(5)}", f"read its log: {child.log}")
        if time.time() - began > LIMIT_SECONDS:
            raise ResourceError(f"{child.name} was not done in {LIMIT_SECONDS:.0f} s", f"read its log: {child.log}")
        time.sleep(SAMPLE_SECONDS)


class Rarely:
    """Asks `question` now and then only, since every answer costs the broker something; else the answer is no."""

    def __init__(self, question: Callable[[], bool]) -> None:
        self._question = question
        self._asked = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._asked < LOOK_SECONDS:
            return False
        self._asked = now
        return self._question()


class StableEnds:
    """Says when a topic's ends have stood still for `seconds`, having moved at all; looks only now and then."""

    def __init__(self, ends: Callable[[], list[int]], seconds: float = SETTLED_SECONDS) -> None:
        self._ends = ends
        self._seconds = seconds
        self._last: list[int] = []
        self._moved = self._looked = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        ends = self._ends()
        if ends != self._last:
            self._last, self._moved = ends, now
            return False
        return any(ends) and now - self._moved >= self._seconds
