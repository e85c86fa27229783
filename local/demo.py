"""One complete local run: servers, stations, replay, verdict, and the comparison with the batch oracle."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kafka.errors import KafkaError

from livelift.document import Document
from livelift.errors import UnreachableError
from livelift.event_time import to_iso
from livelift.names import RunNames, is_topic_of_study
from livelift.study import Study
from livelift.study_folders import reference_to
from local.input import require_room
from local.kafka_server import KafkaServer
from local.metric_targets import forget_targets
from local.monitoring import watching
from local.processes import ChildProcess
from local.restarting import ServerKeeper
from local.run_folder import Run, RunFolder
from local.runs import go_back_to_complete
from local.servers import LocalServers, local_servers
from local.stations import Stations
from local.supervisor import Supervisor
from local.verdict_reader import read_verdict
from stats.edges.redis_connection import connect

STATIONS = ("producer", "processor", "stats")

POLL_SECONDS = 0.2
Say = Callable[[str], None]
Watch = Callable[[Document | None], None]
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


class RunOfStations:
    """The three stations of a new run against one Kafka and one Redis, as a context: they end with it."""

    def __init__(
        self,
        folder: RunFolder,
        plan: DemoPlan,
        kafka: str,
        redis_url: str,
        say: Say = print,
        servers: LocalServers | None = None,
        on_complete: Callable[[], None] = lambda: None,
    ) -> None:
        self._plan = plan
        self._on_complete = on_complete
        self.run = Run.new(
            study=plan.study.name,
            study_at=reference_to(plan.study.name, plan.study.folder),
            fingerprint=plan.study.fingerprint,
            data=str(plan.data),
            partitions=plan.partitions,
            select_from=plan.select_from,
            select_to=plan.select_to,
        )
        folder.note_run(self.run)
        self._stations = Stations(folder, self.run, kafka, redis_url)
        self._redis = connect(redis_url)
        keeper = ServerKeeper((servers.kafka, servers.redis), say) if servers is not None else None
        self.supervisor = Supervisor(self._stations, say, keeper)
        self._newest: Document | None = None
        self._waits = servers is not None

    def __enter__(self) -> "RunOfStations":
        try:
            for station in STATIONS:
                own = producer_settings(self._plan) if station == "producer" else {}
                self.supervisor.start(station, self._plan.settings | own)
        except BaseException:
            self._stations.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stations.stop()

    def start_another(self, station: str, settings: dict[str, str]) -> ChildProcess:
        """One more process of a station, looked after by nobody; it ends with the run."""
        return self._stations.start(station, name=f"{station}-more", **settings)

    def document(self) -> Document | None:
        """This run's newest document: between ticks a preview. While a Redis that is kept does not answer, the last one.

        Raises
        ------
        UnreachableError
            If a Redis that is not ours does not answer.
        """
        try:
            document = read_verdict(self._redis, self._plan.study.name, preview=True)
        except UnreachableError:
            if not self._waits:
                raise
            return self._newest
        self._newest = document if document is not None and document.run == self.run.run else None
        return self._newest

    def watch(self, watch: Watch) -> Document:
        """Wait for the end of the stream; returns the final document.

        Raises
        ------
        LiveliftError
            If a station ends with an error that a restart does not mend.
        """
        while True:
            document = self.document()
            watch(document)
            if document is not None and not document.preview and document.progress.ended:
                self._on_complete()
                return document
            self.supervisor.look_after()
            time.sleep(POLL_SECONDS)


@contextmanager
def demo(folder: RunFolder, plan: DemoPlan, say: Say) -> Iterator[tuple[LocalServers, RunOfStations]]:
    """Servers and stations of a whole run, with addresses noted in the folder; all of it ends with the context.

    Only a run that reached its end takes the place of the study's one before: until then that one's log and verdict stay.
    What other studies have stays anyway.
    """
    with folder.only_stack():
        folder.keep_or_drop_demo()
        forget_targets(folder.metric_targets)
        kafka = folder.kafka if folder.has_others_than(plan.study.name) else folder.demo_kafka
        require_room(plan.data, plan.study.source, kafka)
        try:
            with (
                local_servers(folder.root, kafka_folder=kafka) as servers,
                watching(folder, [plan.study], say),
                _stations_of(folder, plan, servers, say) as run,
            ):
                yield servers, run
        finally:
            folder.keep_or_drop_demo()


@contextmanager
def _stations_of(folder: RunFolder, plan: DemoPlan, servers: LocalServers, say: Say) -> Iterator[RunOfStations]:
    """The stations of a new run. When they have ended, the public keys speak of the last run that is complete."""
    kafka, redis_url = servers.kafka.address, servers.redis.url

    is_shared = servers.kafka.folder == folder.kafka.resolve()

    def keep() -> None:
        if is_shared:
            folder.save_run(stations.run)
        else:
            folder.mark_complete(stations.run)

    stations = RunOfStations(folder, plan, kafka, redis_url, say, servers, keep)
    folder.save_stack({"kafka": kafka, "redis": redis_url, "run": stations.run.run})
    try:
        with stations as run:
            yield run
    finally:
        folder.forget_stack()
        if is_shared:
            _tidy(folder, stations.run, servers.kafka)
        try:
            servers.redis.thaw()  # lest a frozen one is waited for
            go_back_to_complete(connect(redis_url))
        except UnreachableError:
            pass  # Redis has ended: whoever reads the verdict next does the same


def _tidy(folder: RunFolder, run: Run, kafka: KafkaServer) -> None:
    """In a broker that other studies share: of a demo that is complete only its run stays of the study, else all but its run."""
    current, own = folder.current_run(run.study), RunNames(run.study, run.run)
    is_complete = current is not None and current.run == run.run
    try:
        kafka.thaw()
        kafka.drop_topics(lambda topic: is_topic_of_study(run.study, topic) and own.is_topic(topic) != is_complete)
    except KafkaError:
        pass  # it has ended: the study's next demo that is complete drops them


def producer_settings(plan: DemoPlan) -> dict[str, str]:
    """The plan as the producer's environment."""
    settings = {
        "LIVELIFT_DATA": str(plan.data),
        "LIVELIFT_PARTITIONS": str(plan.partitions),
        "LIVELIFT_SPEED": plan.speed,
    }
    if plan.select_from is not None:
        settings["LIVELIFT_FROM"] = to_iso(plan.select_from)
    if plan.select_to is not None:
        settings["LIVELIFT_TO"] = to_iso(plan.select_to)
    return settings
