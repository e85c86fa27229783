"""The topics of a run, with the settings that a replay of old events needs (promise P6).

Event timestamps lie years back: the broker's default retention would delete the replay within minutes, and its default
segment age would roll a segment for every week of event time.
"""

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from livelift.errors import StateError, UnreachableError
from livelift.names import RunNames
from livelift.settings import BOOTSTRAP_MS

SETTINGS = {
    "retention.ms": "-1",
    "segment.ms": str(2**63 - 1),
    "message.timestamp.type": "CreateTime",
    "max.message.bytes": str(16 << 20),
}


def create_topics(kafka: str, names: RunNames, partitions: int) -> None:
    """Make the run's events, output and dead-letter topics, unless they are there.

    Raises
    ------
    UnreachableError
        If Kafka does not answer.
    StateError
        If a topic is there with another partition count.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=kafka, bootstrap_timeout_ms=BOOTSTRAP_MS)
    except KafkaError as error:
        raise UnreachableError(
            f"Kafka does not answer at {kafka}: {error}", "start it, or set LIVELIFT_KAFKA=HOST:PORT"
        ) from None
    try:
        topics = (names.output, names.dead_letters, names.events)
        for topic in topics:
            try:
                admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=SETTINGS)])
            except TopicAlreadyExistsError:
                pass  # of an earlier start of this run: checked below
        admin.wait_for_topics(list(topics))
        for found in admin.describe_topics(list(topics)):
            if len(found["partitions"]) != partitions:
                raise StateError(
                    f"{found['name']} has {len(found['partitions'])} partitions, not {partitions}",
                    "another partition count is a new run",
                )
    finally:
        admin.close()
