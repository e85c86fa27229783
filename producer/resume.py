"""From where a replay goes on: what each partition of the events topic holds already (promise P2.6).

A partition's log is a beginning of what has to be sent to it: the producer is idempotent and sends in order. So its last
record says it all.
"""

from dataclasses import dataclass

import msgspec
from kafka import KafkaConsumer, TopicPartition

from livelift.errors import StateError
from livelift.events import End, decode_control


@dataclass(frozen=True, slots=True)
class Resume:
    """`started`: the partition has its start mark; `ended`: its end mark; rows below `next_row` are there."""

    started: bool = False
    ended: bool = False
    next_row: int = 0


class _Numbered(msgspec.Struct):
    row: int


_decode_row = msgspec.json.Decoder(_Numbered).decode


def read_resume(kafka: str, topic: str, partitions: int) -> list[Resume]:
    """Where each partition of `topic` stands."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest")
    try:
        tps = [TopicPartition(topic, p) for p in range(partitions)]
        consumer.assign(tps)
        ends = consumer.end_offsets(tps)
        return [_last(consumer, tp, ends[tp]) for tp in tps]
    finally:
        consumer.close()


def count_records(kafka: str, topic: str, partition: int) -> int:
    """How many records a partition has."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None)
    try:
        tp = TopicPartition(topic, partition)
        count: int = consumer.end_offsets([tp])[tp]
        return count
    finally:
        consumer.close()


def _last(consumer: KafkaConsumer, tp: TopicPartition, end: int) -> Resume:
    if end == 0:
        return Resume()
    consumer.assign([tp])
    consumer.seek(tp, end - 1)
    for _ in range(60):
        for record in consumer.poll(timeout_ms=500).get(tp, []):
            if record.key is not None:
                return Resume(True, False, _decode_row(record.value).row + 1)
            mark = decode_control(record.value)
            return Resume(True, isinstance(mark, End), mark.row)
    raise StateError(f"the last record of {tp.topic} partition {tp.partition} cannot be read", "is the broker healthy?")
