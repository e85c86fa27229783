"""Finds where an interrupted replay has to continue, from the producer's own records on each partition (promise P2.6).

A partition's log is a beginning of what has to be sent to it, with strangers' records between: the producer is
idempotent and sends in order. So the last record of its own says it all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from broker.unreachable import unreachable
from livelift.errors import StateError
from livelift.settings import BOOTSTRAP_MS
from producer.cache import Prepared
from producer.own_records import OwnRecords, PreparedEvents, Resume

log = structlog.get_logger("producer")

SETTLE_SECONDS = 0.3
"""A batch of a killed producer may still be on its way into the log: its end counts when it has not moved for so long."""

SETTLED_SECONDS = 10.0
"""An end that still moves after so long is moved by somebody who goes on writing: no killed producer's batch takes as long.
The processor judges every record and drops a row that it has passed, so what comes after the end as it is now does no harm."""

PATIENCE_SECONDS = 30.0
"""Without anything new for so long, a partition cannot be read."""

WINDOW = 1_000
"""Offsets that are read at once on the way back from the end; strangers' records are few."""


def read_resume(kafka: str, topic: str, partitions: int, prepared: Prepared) -> list[Resume]:
    """Where each partition of `topic` stands.

    Raises
    ------
    UnreachableError
        If Kafka does not answer.
    StateError
        If the topic holds another replay than that of `prepared`.
    """
    own = OwnRecords(prepared.manifest, PreparedEvents(prepared), topic)
    with _consumer(kafka) as consumer:
        places = [TopicPartition(topic, p) for p in range(partitions)]
        ends = _stable_ends(consumer, places)
        begins = consumer.beginning_offsets(places)
        return [_stands(consumer, place, begins[place], ends[place], own) for place in places]


def read_keys(kafka: str, topic: str, partition: int) -> set[bytes]:
    """The keys of all records of a partition. Raises `UnreachableError` if Kafka does not answer."""
    with _consumer(kafka) as consumer:
        place = TopicPartition(topic, partition)
        end = _stable_ends(consumer, [place])[place]
        begin = consumer.beginning_offsets([place])[place]
        return {record.key for record in _records(consumer, place, begin, end)}


@contextmanager
def _consumer(kafka: str) -> Iterator[KafkaConsumer]:
    try:
        consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, bootstrap_timeout_ms=BOOTSTRAP_MS)
        try:
            yield consumer
        finally:
            consumer.close()
    except KafkaError as error:
        raise unreachable(kafka, error) from error


def _stable_ends(consumer: KafkaConsumer, places: list[TopicPartition]) -> dict[TopicPartition, int]:
    """The ends of the partitions once they have stopped moving, or after `SETTLED_SECONDS`."""
    deadline = time.monotonic() + SETTLED_SECONDS
    ends: dict[TopicPartition, int] = consumer.end_offsets(places)
    while any(ends.values()):
        time.sleep(SETTLE_SECONDS)
        before, ends = ends, consumer.end_offsets(places)
        if ends == before:
            break
        if time.monotonic() >= deadline:
            moving = sorted(place.partition for place in places if ends[place] != before[place])
            log.warning(
                "somebody else goes on writing: the replay goes on from the ends as they are now",
                topic=places[0].topic,
                partitions=moving,
            )
            break
    return ends


def _stands(consumer: KafkaConsumer, place: TopicPartition, begin: int, end: int, own: OwnRecords) -> Resume:
    if not own.has_start(_records(consumer, place, begin, end)):
        return Resume()
    return own.position(_backwards(consumer, place, begin, end))


def _backwards(consumer: KafkaConsumer, place: TopicPartition, begin: int, end: int) -> Iterator[Any]:
    """The records of offsets [begin, end), from the last one on."""
    while end > begin:
        first = max(begin, end - WINDOW)
        yield from reversed(list(_records(consumer, place, first, end)))
        end = first


def _records(consumer: KafkaConsumer, place: TopicPartition, begin: int, end: int) -> Iterator[Any]:
    """The records of offsets [begin, end), in order; not every offset has one."""
    if begin >= end:
        return
    consumer.assign([place])
    consumer.seek(place, begin)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (position := consumer.position(place)) < end:
        for record in consumer.poll(timeout_ms=500, max_records=WINDOW).get(place, []):
            if record.offset >= end:
                return
            yield record
        if consumer.position(place) > position:
            deadline = time.monotonic() + PATIENCE_SECONDS
        elif time.monotonic() > deadline:
            raise StateError(
                f"{place.topic} partition {place.partition} cannot be read beyond offset {position}", "is it healthy?"
            )
