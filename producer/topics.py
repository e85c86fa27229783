"""Creates the topics of a run, with the retention that a replay of old events needs (promise P6).

Event timestamps lie years back: the broker's default retention would delete the replay within minutes, and its default
segment age would roll a segment for every week of event time.
"""

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from broker.unreachable import unreachable
from livelift.errors import StateError, UnreachableError
from livelift.names import RunNames
from livelift.settings import BOOTSTRAP_MS

SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "segment.ms": str(2**63 - 1),
    "message.timestamp.type": "CreateTime",
    "max.message.bytes": str(16 << 20),
}


def create_topics(kafka: str, names: RunNames, partitions: int) -> None:
    """Make the run's events, output and dead-letter topics, unless they are there.

    Raises
    ------
    UnreachableError
        If Kafka does not answer, or refuses.
    StateError
        If a topic is there with another partition count.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=kafka, bootstrap_timeout_ms=BOOTSTRAP_MS)
    except KafkaError as error:
        raise unreachable(kafka, error) from None
    try:
        topics = (names.output, names.dead_letters, names.events)
        for topic in topics:
            try:
                admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=SETTINGS)])
            except TopicAlreadyExistsError:
                # Of an earlier start of this run; or made by a first read of its name, with the broker's retention.
                admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, SETTINGS)])
        admin.wait_for_topics(list(topics))
        for found in admin.describe_topics(list(topics)):
            if len(found["partitions"]) != partitions:
                raise StateError(
                    f"{found['name']} has {len(found['partitions'])} partitions, not {partitions}",
                    "another partition count is a new run",
                )
    except KafkaError as error:
        raise UnreachableError(
            f"Kafka at {kafka} does not make the topics of {names.application}: {error}",
            "see the broker's log; it may lack room, or the right to create topics",
        ) from error
    finally:
        admin.close()
