"""Topics written in transactions: commit markers occupy offsets and are not taken for missing events."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from livelift import output_log
from livelift.errors import StateError
from livelift.names import RunNames
from livelift.output_log import SCHEMA, Counts, EndMark, Mark
from livelift.study import load_study
from local.run_folder import Run, RunFolder
from local.servers import LocalServers
from local.stations import Stations
from local.verdict_reader import read_verdict
from producer.app import run_producer
from producer.settings import ProducerSettings
from producer.topics import create_topics
from stats.edges.kafka_edge import OutputReader
from stats.edges.redis_connection import connect
from studies.lastfm import generator as lastfm_generator
from tests.support.live_run import assert_equals_batch

STUDY = load_study("lastfm")
PARTITIONS = 2
RECORDS_A_TRANSACTION = 700


def records(kafka: str, topic: str, partition: int) -> list[Any]:
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None)
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end, found = consumer.end_offsets([place])[place], []
        while consumer.position(place) < end:
            found += consumer.poll(500).get(place, [])
        return found
    finally:
        consumer.close()


async def copy_in_transactions(kafka: str, from_topic: str, to_topic: str, most: int | None = None) -> None:
    """The first `most` records of each partition."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=to_topic)
    await producer.start()
    try:
        for partition in range(PARTITIONS):
            found = records(kafka, from_topic, partition)[:most]
            for start in range(0, len(found), RECORDS_A_TRANSACTION):
                async with producer.transaction():
                    for record in found[start : start + RECORDS_A_TRANSACTION]:
                        await producer.send(
                            to_topic, record.value, record.key, partition=partition, timestamp_ms=record.timestamp
                        )
    finally:
        await producer.stop()


def new_run(data: Path) -> Run:
    return Run.new(study="lastfm", fingerprint=STUDY.fingerprint, data=str(data), partitions=PARTITIONS)


@pytest.mark.slow
def test_events_written_in_transactions_equal_the_batch(servers: LocalServers, folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=20_000, users=120, lift=0.0, seed=4, study=STUDY)
    kafka = servers.kafka.address
    plain, run = new_run(data), new_run(data)
    run_producer(ProducerSettings(kafka, "lastfm", plain.run, data, tmp_path / "cache", PARTITIONS))
    names = RunNames("lastfm", run.run)
    create_topics(kafka, names, PARTITIONS)
    asyncio.run(copy_in_transactions(kafka, RunNames("lastfm", plain.run).events, names.events))
    stations = Stations(RunFolder(folder), run, kafka, servers.redis.url)
    client = connect(servers.redis.url)
    try:
        children = [stations.start(station) for station in ("processor", "stats")]
        deadline = time.monotonic() + 90
        while True:
            document = read_verdict(client, "lastfm")
            if document is not None and document.run == run.run and document.progress.ended:
                break
            assert all(child.poll() is None for child in children)
            assert time.monotonic() < deadline, "the end was never reached"
            time.sleep(0.2)
    finally:
        stations.stop()
    assert_equals_batch(document, data, STUDY, servers)


def test_an_output_log_of_transactions_is_read_to_its_end(servers: LocalServers) -> None:
    kafka, names = servers.kafka.address, RunNames("lastfm", "outputs-in-transactions")
    create_topics(kafka, names, 1)

    async def write() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="outputs")
        await producer.start()
        try:
            for due in range(5):
                async with producer.transaction():
                    await producer.send(
                        names.output, output_log.encode(Mark(SCHEMA, due, Counts(), 0, None)), partition=0
                    )
        finally:
            await producer.stop()

    asyncio.run(write())
    reader = OutputReader(kafka, names.output)
    try:
        reader.seek([0])
        arrived = [outputs for _ in range(10) for _, outputs in reader.poll(100)]
        found = [(offset, output.due) for outputs in arrived for offset, output in outputs]
        assert found == [(0, 0), (2, 1), (4, 2), (6, 3), (8, 4)]
        assert reader.lag() == [0]
    finally:
        reader.close()


def ended_processor(stations: Stations) -> tuple[int, str]:
    """Exit code and last words of a processor that is started and ends by itself."""
    child = stations.start("processor")
    deadline = time.monotonic() + 90
    while (code := child.poll()) is None:
        assert time.monotonic() < deadline, "the processor goes on"
        time.sleep(0.2)
    return code, child.tail(20)


@pytest.mark.slow
def test_events_that_were_deleted_are_missed(servers: LocalServers, folder: Path, tmp_path: Path) -> None:
    """From the beginning of a topic, and all of them once they were applied: offsets alone would not show the second."""
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=5_000, users=60, lift=0.0, seed=4, study=STUDY)
    kafka = servers.kafka.address
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    cut, anew = new_run(data), new_run(data)
    for run in (cut, anew):
        run_producer(ProducerSettings(kafka, "lastfm", run.run, data, tmp_path / "cache", PARTITIONS))
    admin.delete_records({TopicPartition(RunNames("lastfm", cut.run).events, 0): 100})
    code, words = ended_processor(Stations(RunFolder(folder), cut, kafka, servers.redis.url))
    assert (code, "between offset -1 and 100 are missing" in words) == (StateError.exit_code, True), words

    stations = Stations(RunFolder(folder), anew, kafka, servers.redis.url)
    names = RunNames("lastfm", anew.run)
    stations.start("processor")
    deadline = time.monotonic() + 60
    while not all(has_end(kafka, names.output, partition) for partition in range(PARTITIONS)):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    time.sleep(2)  # its state is written at the end
    stations.stop()
    admin.delete_topics([names.events])
    time.sleep(2)
    create_topics(kafka, names, PARTITIONS)
    asyncio.run(copy_in_transactions(kafka, RunNames("lastfm", cut.run).events, names.events, most=50))
    code, words = ended_processor(Stations(RunFolder(folder), anew, kafka, servers.redis.url))
    assert (code, "was made anew or cut" in words) == (StateError.exit_code, True), words
    admin.close()


def has_end(kafka: str, topic: str, partition: int) -> bool:
    found = records(kafka, topic, partition)
    return bool(found) and isinstance(output_log.decode(found[-1].value), EndMark)
