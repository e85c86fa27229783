"""A committed consumer offset ahead of the recovered state does not skip events: the state decides where to read."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from livelift.names import RunNames
from livelift.study import load_study
from local.run_folder import Run, RunFolder
from local.servers import LocalServers
from local.stations import Stations
from local.verdict_reader import read_verdict
from processor.stalled import LOOKS, Stalled
from producer.app import run_producer
from producer.settings import ProducerSettings
from stats.edges.redis_connection import connect
from studies.lastfm import generator as lastfm_generator
from tests.support.live_run import assert_equals_batch

STUDY = load_study("lastfm")
PARTITIONS = 2


@pytest.fixture
def run(servers: LocalServers, tmp_path: Path) -> Run:
    """A run whose events are all in Kafka, and not processed."""
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=20_000, users=120, lift=0.0, seed=4, study=STUDY)
    run = Run.new(study="lastfm", fingerprint=STUDY.fingerprint, data=str(data), partitions=PARTITIONS)
    run_producer(ProducerSettings(servers.kafka.address, "lastfm", run.run, data, tmp_path / "cache", PARTITIONS))
    return run


@contextmanager
def group_of(run: Run, servers: LocalServers) -> Iterator[tuple[KafkaConsumer, dict[TopicPartition, int]]]:
    """A client in the run's group, and the ends of the events topic."""
    names = RunNames(run.study, run.run)
    places = [TopicPartition(names.events, p) for p in range(PARTITIONS)]
    group = KafkaConsumer(bootstrap_servers=servers.kafka.address, group_id=names.application, enable_auto_commit=False)
    try:
        group.assign(places)
        yield group, group.end_offsets(places)
    finally:
        group.close()


def process(run: Run, servers: LocalServers, folder: Path, then: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Let the stations work to the end, and do `then` while they still run; the final document."""
    stations = Stations(RunFolder(folder), run, servers.kafka.address, servers.redis.url)
    try:
        for station in ("processor", "stats"):
            stations.start(station)
        client = connect(servers.redis.url)
        deadline = time.monotonic() + 60
        while True:
            document = read_verdict(client, "lastfm")
            if document is not None and document.run == run.run and document.progress.ended:
                then()
                return document
            assert time.monotonic() < deadline, "the processor never came to the end"
            time.sleep(0.2)
    finally:
        stations.stop()


@pytest.mark.slow
def test_an_unapplied_committed_end_offset_loses_nothing(run: Run, servers: LocalServers, folder: Path) -> None:
    """The committed offset is the end of a stream that was not applied."""
    with group_of(run, servers) as (group, ends):
        group.commit({place: OffsetAndMetadata(end, "", -1) for place, end in ends.items()})
        assert all(group.committed(place) == end > 0 for place, end in ends.items())
    assert_equals_batch(process(run, servers, folder), Path(run.data), STUDY, servers)


def test_what_was_applied_is_committed_to_its_end(run: Run, servers: LocalServers, folder: Path) -> None:
    def committed() -> None:
        deadline = time.monotonic() + 15
        with group_of(run, servers) as (group, ends):
            while {place: group.committed(place) for place in ends} != ends:
                assert time.monotonic() < deadline, "the group's offsets do not reach the end"
                time.sleep(0.2)

    process(run, servers, folder, committed)


def test_only_a_partition_that_stands_before_its_end_is_stalled() -> None:
    stalled = Stalled()
    for offset in range(10):
        assert list(stalled.look({0: offset}, {0: 100})) == []  # it moves
    assert [list(stalled.look({0: 99}, {0: 100})) for _ in range(9)] == [[]] * 9  # it is done
    assert [list(stalled.look({0: 5}, {0: None})) for _ in range(9)] == [[]] * 9  # its end is not known
    found = [list(stalled.look({0: 5, 1: 5}, {0: 100, 1: 6})) for _ in range(LOOKS)]
    assert found == [[]] * (LOOKS - 1) + [[0]]
