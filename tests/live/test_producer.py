"""The producer on a real broker: what is on the topics equals the prepared replay, through kill -9 and restarts."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

from livelift.errors import StateError, UnreachableError
from livelift.event_time import from_iso, to_iso
from livelift.events import End, Start, decode_control
from livelift.names import RunNames
from livelift.study import load_study
from local.kafka_server import KafkaServer
from local.servers import LocalServers
from processor.topics import CHANGELOG_SETTINGS, prepare_topics
from producer import kafka_edge, slices
from producer.app import run_producer
from producer.kafka_edge import EventWriter
from producer.packed_replay import kept_batches
from producer.partitioner import Partitioner
from producer.prepare import prepare
from producer.settings import ProducerSettings
from producer.topics import SETTINGS, create_topics
from tests.support.packed import no_rows

STUDY = load_study("lastfm")
ROOT = Path(__file__).parents[2]
PARTITIONS = 3
EVENTS = 300_000
REJECTED = 40


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300,000 events of 500 users, some of them at equal times, and rows that are rejected."""
    chance = random.Random(6)
    start = from_iso("2008-12-01")
    lines = [
        f"user_{chance.randrange(500):06d}\t{to_iso(start + chance.randrange(10_000_000) * 1000)}\tid{i % 999}\t"
        f"Sigur Rós {i % 999}\t\ttrack {i}\n"
        for i in range(EVENTS)
    ]
    for reject in range(REJECTED):
        lines.insert(chance.randrange(EVENTS), f"rejected {reject}\n")
    path = tmp_path_factory.mktemp("producer") / "log.tsv"
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settings(servers: LocalServers, data: Path, cache: Path, request: pytest.FixtureRequest) -> ProducerSettings:
    run = f"producer-{abs(hash(request.node.name))}"
    return ProducerSettings(servers.kafka.address, "lastfm", run, data, cache, PARTITIONS)


def read(kafka: str, topic: str, partitions: int = PARTITIONS) -> list[list[Any]]:
    """All records of a topic, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, max_poll_records=50_000)
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends = consumer.end_offsets(places)
    found: dict[TopicPartition, list[Any]] = {place: [] for place in places}
    deadline = time.monotonic() + 60
    while any(len(found[place]) < ends[place] for place in places):
        assert time.monotonic() < deadline
        for place, records in consumer.poll(timeout_ms=500).items():
            found[place] += records
    consumer.close()
    return [found[place] for place in places]


def count(kafka: str, topic: str) -> int:
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None)
    ends = consumer.end_offsets([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
    consumer.close()
    return sum(ends.values())


def check_topic(settings: ProducerSettings) -> None:
    """The topic holds the prepared replay: every event once, where, when and as it is in the cache, between a start mark,
    one more for each time that the producer resumed, and one end mark a partition."""
    prepared = prepare(STUDY, settings.data, settings.cache)
    partition_of = Partitioner(PARTITIONS)
    expected: list[list[tuple[int, bytes, bytes]]] = [[] for _ in range(PARTITIONS)]
    for event in pq.read_table(prepared.events).to_pylist():
        expected[partition_of[event["user"]]].append((event["time"], event["user"].encode(), event["value"]))
    for log, events in zip(read(settings.kafka, settings.names.events), expected, strict=True):
        assert [(r.timestamp, r.key, bytes(r.value)) for r in log if r.key is not None] == events
        marks = [decode_control(r.value) for r in log if r.key is None]
        assert isinstance(marks[0], Start)
        assert log[0].key is log[-1].key is None
        assert marks[-1] == End(prepared.manifest.last, prepared.manifest.accepted, prepared.manifest)
        assert sum(isinstance(mark, End) for mark in marks) == 1
        assert [mark.row for mark in marks] == sorted(mark.row for mark in marks)


def check_dead_letters(settings: ProducerSettings) -> None:
    letters = [json.loads(r.value) for log in read(settings.kafka, settings.names.dead_letters) for r in log]
    lines = settings.data.read_text().split("\n")
    assert len(letters) == REJECTED
    assert {letter["row"] for letter in letters} == {n for n, x in enumerate(lines, 1) if x.startswith("rejected")}
    assert all(lines[letter["row"] - 1] == letter["line"] and letter["reason"] == "columns" for letter in letters)


def process(settings: ProducerSettings) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "LIVELIFT_KAFKA": settings.kafka,
        "LIVELIFT_RUN": settings.run,
        "LIVELIFT_DATA": str(settings.data),
        "LIVELIFT_CACHE": str(settings.cache),
        "LIVELIFT_PARTITIONS": str(settings.partitions),
    }
    return subprocess.Popen([sys.executable, "-m", "producer"], cwd=ROOT, env=environment, stderr=subprocess.PIPE)


def test_the_topic_is_the_replay_and_dead_letters_the_rejects(settings: ProducerSettings) -> None:
    manifest = run_producer(settings)
    assert (manifest.rows, manifest.accepted) == (EVENTS + REJECTED, EVENTS)
    check_topic(settings)
    check_dead_letters(settings)


def test_kept_batches_arrive_as_the_rows_they_are_made_of(
    settings: ProducerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept_batches(prepare(STUDY, settings.data, settings.cache), PARTITIONS) is None:
        run_producer(replace(settings, run=f"{settings.run}-first"))
    monkeypatch.setattr(slices, "read_slices", no_rows)
    run_producer(settings)
    check_topic(settings)


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_no_gap_and_no_repeat(settings: ProducerSettings) -> None:
    """A restarted producer completes the topic, whenever it was killed."""
    prepare(STUDY, settings.data, settings.cache)
    create_topics(settings.kafka, settings.names, PARTITIONS)
    chance = random.Random(2)
    kills = 0
    while True:
        child = process(settings)
        before, goal = count(settings.kafka, settings.names.events), chance.randrange(5_000, 60_000)
        deadline = time.monotonic() + 60
        while child.poll() is None and (kills == 5 or count(settings.kafka, settings.names.events) < before + goal):
            assert time.monotonic() < deadline
            time.sleep(chance.random() * 0.02)
        if child.poll() is not None:
            break
        child.send_signal(signal.SIGKILL)
        child.communicate()
        kills += 1
    said = child.communicate()[1].decode()
    assert child.returncode == 0, said
    assert kills >= 2
    assert "replay goes on" in said
    check_topic(settings)
    check_dead_letters(settings)


def test_a_second_start_after_the_end_sends_nothing(settings: ProducerSettings) -> None:
    run_producer(settings)
    before = count(settings.kafka, settings.names.events), count(settings.kafka, settings.names.dead_letters)
    run_producer(settings)
    assert (count(settings.kafka, settings.names.events), count(settings.kafka, settings.names.dead_letters)) == before


@pytest.mark.slow
def test_a_stop_signal_ends_it_cleanly_and_it_goes_on_later(settings: ProducerSettings) -> None:
    prepare(STUDY, settings.data, settings.cache)
    create_topics(settings.kafka, settings.names, PARTITIONS)
    child = process(settings)
    deadline = time.monotonic() + 60
    while count(settings.kafka, settings.names.events) < 1_000:
        assert child.poll() is None
        assert time.monotonic() < deadline
    child.terminate()
    said = child.communicate(timeout=30)[1].decode()
    assert child.returncode == 1, said
    assert "replay stopped" in said
    assert count(settings.kafka, settings.names.events) < EVENTS
    run_producer(settings)
    check_topic(settings)


def test_other_data_in_the_same_run_is_refused(settings: ProducerSettings, tmp_path: Path) -> None:
    run_producer(settings)
    other = tmp_path / "other.tsv"
    other.write_text("u\t2009-03-01T00:00:00Z\t\ta\t\tt\n")
    changed = ProducerSettings(settings.kafka, "lastfm", settings.run, other, settings.cache, PARTITIONS)
    with pytest.raises(StateError, match="holds the replay of other data"):
        run_producer(changed)


def test_another_partition_count_in_the_same_run_is_refused(settings: ProducerSettings) -> None:
    create_topics(settings.kafka, settings.names, PARTITIONS)
    with pytest.raises(StateError, match=f"has {PARTITIONS} partitions, not 5"):
        create_topics(settings.kafka, settings.names, 5)


def test_topics_keep_events_for_ever_even_ones_that_existed(settings: ProducerSettings) -> None:
    """Made by hand, or by a first read of their names: with the broker's retention, compacted, stamped on arrival."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    topics = (settings.names.events, settings.names.output, settings.names.dead_letters)
    wrong = {
        "retention.ms": "1000000000",
        "retention.bytes": "1000000",
        "segment.ms": "60000",
        "cleanup.policy": "compact",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": "1000",
    }
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=wrong) for topic in topics[:2]])
    create_topics(settings.kafka, settings.names, PARTITIONS)
    for topic in topics:
        assert_settings(admin, topic, SETTINGS)
    admin.close()


def test_a_changelog_that_was_there_is_compacted_and_kept(settings: ProducerSettings) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    create_topics(settings.kafka, settings.names, PARTITIONS)
    wrong = {"cleanup.policy": "delete", "retention.ms": "60000"}
    admin.create_topics([NewTopic(settings.names.changelog, PARTITIONS, 1, topic_configs=wrong)])
    assert prepare_topics(settings.kafka, settings.names, 5) == PARTITIONS
    assert_settings(admin, settings.names.changelog, CHANGELOG_SETTINGS)
    admin.close()


def test_a_changelog_of_another_partition_count_is_refused(settings: ProducerSettings) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    create_topics(settings.kafka, settings.names, PARTITIONS)
    admin.create_topics([NewTopic(settings.names.changelog, PARTITIONS + 1, 1)])
    admin.wait_for_topics([settings.names.changelog])
    with pytest.raises(StateError, match=f"has {PARTITIONS + 1} partitions"):
        prepare_topics(settings.kafka, settings.names, 5)
    admin.close()


def assert_settings(admin: KafkaAdminClient, topic: str, wanted: dict[str, str]) -> None:
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    values = {name: config["value"] for name, config in _configs(found)}
    assert {name: values[name] for name in wanted} == wanted, topic


def _configs(found: Any) -> Iterator[tuple[str, Any]]:
    """Settings by name, wherever in the answer."""
    for value in found.values():
        if isinstance(value, dict) and "retention.ms" in value:
            yield from value.items()
        elif isinstance(value, dict):
            yield from _configs(value)


def test_without_a_broker_it_says_so_soon(data: Path, cache: Path) -> None:
    nowhere = ProducerSettings("127.0.0.1:1", "lastfm", "r", data, cache, PARTITIONS)
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
        run_producer(nowhere)
    assert time.monotonic() - started < 30


@pytest.mark.slow
def test_a_broker_that_never_comes_back_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_edge, "ANSWER_SECONDS", 2.0)
    monkeypatch.setattr(kafka_edge, "STOP_SECONDS", 1.0)
    broker = KafkaServer(tmp_path / "kafka")
    broker.start()
    try:
        names = RunNames("lastfm", "gone")
        create_topics(broker.address, names, 1)

        async def write() -> None:
            writer = await EventWriter.connected(broker.address, names.events, 1)
            try:
                broker.kill()
                writer.append(0, b"u", b"{}", 0)
                await writer.flush()
                await writer.acknowledged()
            finally:
                await writer.close()

        started = time.monotonic()
        with pytest.raises(UnreachableError, match="has not acknowledged"):
            asyncio.run(write())
        assert time.monotonic() - started < 15
    finally:
        broker.stop()
