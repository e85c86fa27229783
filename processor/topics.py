"""The topics that the processor writes to: waits for the run's events, and makes the changelog as it has to be (P6)."""

import time

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from broker.unreachable import unreachable
from livelift.errors import UnreachableError
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
        except TopicAlreadyExistsError:
            pass  # another worker, or an earlier one of this run
        return partitions
    finally:
        admin.close()


def _await_partitions(admin: KafkaAdminClient, topic: str, wait_seconds: float) -> int:
    deadline = time.monotonic() + wait_seconds
    while True:
        for found in admin.describe_topics([topic]):
            partitions = found.get("partitions") or []
            if partitions:
                return len(partitions)
        if time.monotonic() >= deadline:
            raise UnreachableError(f"there is no topic {topic}", "start the replay first: livelift replay")
        time.sleep(0.2)
