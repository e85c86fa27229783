"""From where a replay goes on: what each partition of the events topic holds already (promise P2.6).

A partition's log is a beginning of what has to be sent to it: the producer is idempotent and sends in order. So its last
record says it all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from broker.unreachable import unreachable
from livelift.errors import StateError
from livelift.events import End, Manifest, Start, decode_control
from livelift.settings import BOOTSTRAP_MS

SETTLE_SECONDS = 0.3
"""A batch of a killed producer may still be on its way into the log: its end counts when it has not moved for so long."""


@dataclass(frozen=True, slots=True)
class Resume:
    """`started`: the partition has its start mark; `ended`: its end mark; rows below `next_row` are there."""

    started: bool = False
    ended: bool = False
    next_row: int = 0


class _Numbered(msgspec.Struct):
    row: int


_decode_row = msgspec.json.Decoder(_Numbered).decode


def read_resume(kafka: str, topic: str, partitions: int, manifest: Manifest) -> list[Resume]:
    """Where each partition of `topic` stands.

    Raises
    ------
    UnreachableError
        If Kafka does not answer.
    StateError
        If the topic holds another replay than that of `manifest`.
    """
    with _consumer(kafka) as consumer:
        places = [TopicPartition(topic, p) for p in range(partitions)]
        ends = _settled_ends(consumer, places)
        return [_stands(consumer, place, ends[place], manifest) for place in places]


def count_records(kafka: str, topic: str, partition: int) -> int:
    """How many records a partition has. Raises `UnreachableError` if Kafka does not answer."""
    with _consumer(kafka) as consumer:
        place = TopicPartition(topic, partition)
        return _settled_ends(consumer, [place])[place]


def position_after(key: bytes | None, value: bytes) -> Resume:
    """Where a partition stands whose last record is (`key`, `value`)."""
    if key is not None:
        return Resume(True, False, _decode_row(value).row + 1)
    mark = decode_control(value)
    return Resume(True, isinstance(mark, End), mark.row)


def check_same_replay(first_value: bytes, manifest: Manifest, topic: str) -> None:
    """Does a partition whose first record is `first_value` hold the replay of `manifest`?

    Raises
    ------
    StateError
        If it holds another one.
    """
    try:
        mark = decode_control(first_value)
    except msgspec.MsgspecError:
        mark = None
    if not isinstance(mark, Start) or mark.manifest != manifest:
        raise StateError(
            f"{topic} holds the replay of other data, or of another selection of it",
            "a changed input is a new run: give another LIVELIFT_RUN",
        )


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


def _settled_ends(consumer: KafkaConsumer, places: list[TopicPartition]) -> dict[TopicPartition, int]:
    ends: dict[TopicPartition, int] = consumer.end_offsets(places)
    while any(ends.values()):
        time.sleep(SETTLE_SECONDS)
        before, ends = ends, consumer.end_offsets(places)
        if ends == before:
            break
    return ends


def _stands(consumer: KafkaConsumer, place: TopicPartition, end: int, manifest: Manifest) -> Resume:
    if end == 0:
        return Resume()
    check_same_replay(_record_at(consumer, place, 0).value, manifest, place.topic)
    last = _record_at(consumer, place, end - 1)
    return position_after(last.key, last.value)


def _record_at(consumer: KafkaConsumer, place: TopicPartition, offset: int) -> Any:
    consumer.assign([place])
    consumer.seek(place, offset)
    for _ in range(60):
        for record in consumer.poll(timeout_ms=500, max_records=1).get(place, []):
            return record
    raise StateError(f"record {offset} of {place.topic} partition {place.partition} cannot be read", "is it healthy?")
