"""The reader of the output log: a partition with too much waiting is not fetched until it is resumed."""

import pytest
from kafka import KafkaProducer

from livelift import output_log
from livelift.names import RunNames
from livelift.output_log import SCHEMA, Counts, Mark
from local.servers import LocalServers
from producer.topics import create_topics
from stats.edges import kafka_edge
from stats.edges.kafka_edge import OutputReader


def mark(due: int) -> bytes:
    return output_log.encode(Mark(SCHEMA, due, Counts(), 0, None))


def read(reader: OutputReader, polls: int = 10) -> list[tuple[int, int]]:
    """(partition, due) of what arrives in a second."""
    arrived = [pair for _ in range(polls) for pair in reader.poll(100)]
    return sorted((partition, output.due) for partition, outputs in arrived for _, output in outputs)


def test_a_partition_with_too_much_waiting_is_paused(servers: LocalServers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not fetched until it is resumed."""
    names = RunNames("lastfm", "held-back")
    create_topics(servers.kafka.address, names, 2)
    producer = KafkaProducer(bootstrap_servers=servers.kafka.address)
    reader = OutputReader(servers.kafka.address, names.output)
    monkeypatch.setattr(kafka_edge, "MOST_WAITING", 5)

    def write(due: int) -> None:
        for partition in (0, 1):
            producer.send(names.output, partition=partition, value=mark(due)).get(30)

    try:
        assert reader.partitions() == 2
        reader.seek([0, 0])
        write(1)
        assert read(reader) == [(0, 1), (1, 1)]
        assert reader.lag() == [0, 0]
        reader.hold_back([6, 5])
        write(2)
        assert read(reader) == [(1, 2)]
        reader.hold_back([6, 0])
        reader.hold_back([0, 0])
        assert read(reader) == [(0, 2)]
    finally:
        reader.close()
        producer.close()
