"""The environment of docker-compose.yml drives a run on real servers, whose verdict equals the batch oracle's."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from livelift.document import Document
from livelift.study import load_study
from local.verdict_reader import read_verdict
from stats.edges.redis_connection import connect
from studies.lastfm import generator as lastfm_generator
from tests.compose.files import ROOT, SECRETS, STATIONS
from tests.compose.image import Container
from tests.compose.servers import ComposeKafka, ComposeRedis
from tests.support.live_run import assert_kept_run_equals_batch

STUDY = load_study("lastfm")
EVENTS = 60_000
LIMIT_SECONDS = 90.0
FIRST, LATER = "00000000-000000", "20260101-120000"


class Machine:
    """One machine's folders and servers, on which containers are started, as `docker compose up -d` does."""

    def __init__(self, folder: Path, kafka: ComposeKafka, redis: ComposeRedis) -> None:
        self._folder = folder
        self.raw = folder / "raw"
        self.raw.mkdir()
        self._moved = {
            "kafka:19092": kafka.address,
            "redis:6379": redis.address,
            "/data/raw": str(self.raw),
            "/studies": str(ROOT / "studies"),
            "/var/lib/livelift": str(folder / "volume"),
            "/tmp/livelift": str(folder / "tmpfs"),
        }
        self.redis: Any = connect(redis.url)
        self.containers: dict[str, Container] = {}

    @property
    def generated(self) -> Path:
        return next((self._folder / "volume" / "generated").glob("*.tsv"))

    def up(self, *stations: str, **variables: str) -> None:
        """Start these stations, or all of them, anew where the environment has changed or the process has ended."""
        for station in stations or STATIONS:
            wanted = SECRETS | variables
            there = self.containers.get(station)
            if there is not None and there.variables == wanted and there.process.poll() is None:
                continue
            if there is not None:
                there.process.stop()
            folder = self._folder / f"{station}-{len(list(self._folder.iterdir()))}"
            folder.mkdir()
            self.containers[station] = Container(station, folder, self._moved, wanted)
            self.containers[station].start()

    def healthy(self) -> set[str]:
        return {name for name, container in self.containers.items() if container.is_healthy()}

    def stop(self) -> None:
        for container in self.containers.values():
            container.process.stop()

    def document(self) -> Document | None:
        return read_verdict(self.redis, STUDY.name)

    def end_of(self, run: str) -> Document:
        """The final document of `run`."""
        self.wait(lambda: self._has_ended(run))
        document = self.document()
        assert document is not None
        return document

    def _has_ended(self, run: str) -> bool:
        document = self.document()
        return document is not None and document.run == run and bool(document.progress.ended)

    def wait(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not reached():
            for name, container in self.containers.items():
                assert container.process.poll() in (None, 0), f"{name}: {container.process.tail()}"
            assert time.monotonic() < deadline, self.document()
            time.sleep(0.1)


@pytest.fixture
def machine(tmp_path: Path, compose_kafka: ComposeKafka, compose_redis: ComposeRedis) -> Iterator[Machine]:
    machine = Machine(tmp_path, compose_kafka, compose_redis)
    yield machine
    machine.stop()


@pytest.mark.slow
def test_a_run_without_data_then_one_with_data(machine: Machine) -> None:
    machine.up(LIVELIFT_GENERATE=str(EVENTS))
    healthy: set[str] = set()
    machine.wait(lambda: healthy.update(machine.healthy()) or healthy == set(STATIONS))
    document = machine.end_of(FIRST)
    assert_kept_run_equals_batch(machine.redis, document, machine.generated, STUDY)
    producer = machine.containers["producer"].process
    machine.wait(lambda: producer.poll() == 0)
    assert "generated data, with a planted lift of +15%" in producer.log.read_text()

    # The same run once more: everything is there already.
    machine.up(LIVELIFT_GENERATE=str(EVENTS))
    machine.wait(lambda: machine.containers["producer"].process.poll() == 0)
    assert machine.document() == document

    # Data, and a new run id in .env.
    data = machine.raw / "userid-timestamp.tsv"
    lastfm_generator.generate(data, events=EVENTS, seed=11, study=STUDY)
    machine.up(LIVELIFT_GENERATE=str(EVENTS), LIVELIFT_RUN=LATER)
    assert_kept_run_equals_batch(machine.redis, machine.end_of(LATER), data, STUDY)


def test_the_data_of_another_run_are_refused_with_what_to_do(machine: Machine) -> None:
    lastfm_generator.generate(machine.raw / "userid-timestamp.tsv", events=2_000, seed=12, study=STUDY)
    machine.up("producer", LIVELIFT_RUN="refused")
    machine.wait(lambda: machine.containers["producer"].process.poll() == 0)
    lastfm_generator.generate(machine.raw / "userid-timestamp.tsv", events=2_000, seed=13, study=STUDY)
    machine.containers["producer"].start()
    assert machine.containers["producer"].process.wait(30) == 8
    assert "a changed input is a new run: give another LIVELIFT_RUN" in machine.containers["producer"].process.tail()


def test_without_data_or_generator_the_replay_is_refused(machine: Machine) -> None:
    """The message says what to do."""
    machine.up("producer", LIVELIFT_GENERATE="", LIVELIFT_RUN="nothing")
    producer = machine.containers["producer"].process
    assert producer.wait(30) == 3
    assert "No data files of the study" in producer.tail()
    assert "put userid-timestamp-artid-artname-traid-traname.tsv" in producer.tail()
