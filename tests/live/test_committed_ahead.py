"""A group whose committed offset is at the end of a stream that was never applied: the state decides, not the group."""

import time
from pathlib import Path

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from livelift.study import load_study
from local.run_folder import Run, RunFolder
from local.servers import LocalServers
from local.stations import Stations
from local.verdict_reader import read_verdict
from processor.stalled import LOOKS, Stalled
from producer.app import run_producer
from producer.settings import ProducerSettings
from producer.sources import lastfm_generator
from stats.redis_store import connect
from tests.support.live_run import assert_equals_batch

STUDY = load_study("lastfm")
PARTITIONS = 2


def test_a_committed_offset_at_the_end_of_a_stream_that_was_not_applied_loses_nothing(
    servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=20_000, users=120, lift=0.0, seed=4, study=STUDY)
    run = Run.new(study="lastfm", fingerprint=STUDY.fingerprint, data=str(data), partitions=PARTITIONS)
    settings = ProducerSettings(servers.kafka.address, "lastfm", run.run, data, tmp_path / "cache", PARTITIONS)
    run_producer(settings)

    names = settings.names
    places = [TopicPartition(names.events, p) for p in range(PARTITIONS)]
    group = KafkaConsumer(bootstrap_servers=servers.kafka.address, group_id=names.application, enable_auto_commit=False)
    group.assign(places)
    ends = group.end_offsets(places)
    group.commit({place: OffsetAndMetadata(ends[place], "", -1) for place in places})
    assert all(group.committed(place) == ends[place] > 0 for place in places)
    group.close()

    stations = Stations(RunFolder(folder), run, servers.kafka.address, servers.redis.url)
    try:
        for station in ("processor", "stats"):
            stations.start(station)
        client = connect(servers.redis.url)
        deadline = time.monotonic() + 60
        while True:
            document = read_verdict(client, "lastfm")
            if document is not None and document["run"] == run.run and document["progress"]["ended"]:
                break
            assert time.monotonic() < deadline, "the processor never went back to its state"
            time.sleep(0.2)
    finally:
        stations.stop()
    assert_equals_batch(document, data, STUDY)


def test_only_a_partition_that_stands_still_before_its_end_is_stalled() -> None:
    stalled = Stalled()
    for offset in range(10):
        assert list(stalled.look({0: offset}, {0: 100})) == []  # it moves
    assert [list(stalled.look({0: 99}, {0: 100})) for _ in range(9)] == [[]] * 9  # it is done
    assert [list(stalled.look({0: 5}, {0: None})) for _ in range(9)] == [[]] * 9  # its end is not known
    found = [list(stalled.look({0: 5, 1: 5}, {0: 100, 1: 6})) for _ in range(LOOKS)]
    assert found == [[]] * (LOOKS - 1) + [[0]]
