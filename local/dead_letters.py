"""Reads the dead letters of a run: rejected rows, late events, unreadable records."""

from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from broker.unreachable import unreachable
from livelift.dead_letters import encode_letter
from livelift.errors import StateError
from livelift.events import UNREADABLE
from livelift.names import RunNames
from livelift.settings import BOOTSTRAP_MS

UNKNOWN = "no_letter"
"""The reason that is shown for a record which somebody else has written to the topic."""


class _Letter(msgspec.Struct):
    reason: str
    row: int
    line: str


def _letter(value: bytes | None) -> dict[str, Any]:
    """The letter in a record; what is none is shown as one."""
    try:
        msgspec.json.decode(value or b"", type=_Letter)
        letter: dict[str, Any] = msgspec.json.decode(value or b"")
    except UNREADABLE:
        letter = msgspec.json.decode(encode_letter(UNKNOWN, -1, value or b""))
    return letter


def read_dead_letters(kafka: str, names: RunNames) -> list[dict[str, Any]]:
    """Every dead letter of the run, once: a letter written again after a crash has the same key.

    Raises
    ------
    UnreachableError
        If Kafka does not answer.
    StateError
        If the run has no such topic.
    """
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=kafka, bootstrap_timeout_ms=BOOTSTRAP_MS, group_id=None, enable_auto_commit=False
        )
    except KafkaError as error:
        raise unreachable(kafka, error) from None
    try:
        partitions = consumer.partitions_for_topic(names.dead_letters)
        if not partitions:
            raise StateError(
                f"this Kafka has no dead letters of run {names.run}",
                "begin a run: livelift replay (livelift runs lists those whose verdict is kept; a later demo drops their logs)",
            )
        tps = [TopicPartition(names.dead_letters, p) for p in sorted(partitions)]
        consumer.assign(tps)
        consumer.seek_to_beginning(*tps)
        ends = consumer.end_offsets(tps)
        letters: dict[object, dict[str, Any]] = {}
        while any(consumer.position(tp) < ends[tp] for tp in tps):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    letter = _letter(record.value)
                    known_by = record.key if letter["reason"] != UNKNOWN else (record.partition, record.offset)
                    letters.setdefault(known_by, letter)
        return list(letters.values())
    finally:
        consumer.close()
