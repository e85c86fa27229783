"""Waits for the run's events topic, and creates the changelog with its settings (promise P6)."""

import time

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from broker.unreachable import unreachable
from livelift.errors import StateError, UnreachableError
from livelift.names import RunNames
from livelift.settings import BOOTSTRAP_MS

FOR_EVER = str(2**63 - 1)

CHANGELOG_SETTINGS = {
    "cleanup.policy": "compact",
    "retention.ms": "-1",
    "segment.ms": FOR_EVER,
    "segment.bytes": str(64 << 20),  # the active segment is never compacted: recovery reads it whole
    "min.cleanable.dirty.ratio": "0.3",
    "max.message.bytes": str(16 << 20),
}


def prepare_topics(kafka: str, names: RunNames, wait_seconds: float) -> int:
    """Wait until the run's events topic is there, make the changelog if it is not. Returns the partition count.

    Raises
    ------
    UnreachableError
        If Kafka does not answer, or no producer has made the topic in `wait_seconds`.
    StateError
        If the changelog is there with another partition count.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=kafka, bootstrap_timeout_ms=BOOTSTRAP_MS)
    except KafkaError as error:
        raise unreachable(kafka, error) from None
    try:
        partitions = _await_partitions(admin, names.events, wait_seconds)
        changelog = NewTopic(names.changelog, partitions, 1, topic_configs=CHANGELOG_SETTINGS)
        try:
            admin.create_topics([changelog])
        except (
            TopicAlreadyExistsError
        ):  # of another worker or an earlier one of this run; or made by a first read of its name
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, names.changelog, CHANGELOG_SETTINGS)])
        found = _partitions(admin, names.changelog)
        if found not in (0, partitions):  # 0 as long as the broker does not tell of a new topic
            raise StateError(
                f"{names.changelog} has {found} partitions, and {names.events} has {partitions}",
                "another partition count is a new run; a topic that was made by hand has to go",
            )
        return partitions
    finally:
        admin.close()


def _await_partitions(admin: KafkaAdminClient, topic: str, wait_seconds: float) -> int:
    deadline = time.monotonic() + wait_seconds
    while True:
        if partitions := _partitions(admin, topic):
            return partitions
        if time.monotonic() >= deadline:
            raise UnreachableError(f"there is no topic {topic}", "start the replay first: livelift replay")
        time.sleep(0.2)


def _partitions(admin: KafkaAdminClient, topic: str) -> int:
    """How many partitions a topic has; 0 if there is none."""
    return max((len(found.get("partitions") or []) for found in admin.describe_topics([topic])), default=0)
