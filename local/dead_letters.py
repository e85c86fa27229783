"""The dead letters of a run: rows refused by the producer, events that came too late or could not be read."""

import json
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from broker.unreachable import unreachable
from livelift.errors import StateError
from livelift.names import RunNames
from livelift.settings import BOOTSTRAP_MS


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
        letters: dict[bytes, dict[str, Any]] = {}
        while any(consumer.position(tp) < ends[tp] for tp in tps):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    letters.setdefault(record.key, json.loads(record.value))
        return list(letters.values())
    finally:
        consumer.close()
