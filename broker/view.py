"""What a broker says of topics and groups, asked by a client of its own: for who must not trust the station's own client."""

import logging
from collections.abc import Iterable
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import GroupIdNotFoundError, KafkaError

ANSWER_MS = 5_000


def _of_use(record: logging.LogRecord) -> bool:
    """Keeps a line of kafka-python's out of the log: a dump of the whole group, whenever it is asked for one of Faust's.

    It tries to decode what the members sent when they joined, and Faust's send another form. Only their ids are wanted here.
    """
    return not str(record.msg).startswith("Unable to decode member_metadata")


class BrokerView:
    """Asks the broker at `kafka`. None is the answer where there was none, or none that helps: a topic that does not exist. The
    client is then made anew the next time."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._client: KafkaAdminClient | None = None
        logging.getLogger(KafkaAdminClient.describe_groups.__module__).addFilter(_of_use)

    def ends(self, topic: str, partitions: Iterable[int]) -> dict[int, int] | None:
        """The offset after the last record of each partition."""
        wanted = {TopicPartition(topic, number): OffsetSpec.LATEST for number in partitions}
        answer = self._ask("list_partition_offsets", wanted, timeout_ms=ANSWER_MS)
        return None if answer is None else {place.partition: found.offset for place, found in answer.items()}

    def members(self, group: str) -> set[str] | None:
        """The ids of a group's members; none of a group that does not exist."""
        try:
            answer = self._ask("describe_groups", [group])
        except GroupIdNotFoundError:
            return set()
        return None if answer is None else {member["member_id"] for member in answer[group].get("members") or []}

    def _ask(self, method: str, *arguments: Any, **more: Any) -> Any:
        try:
            if self._client is None:
                self._client = KafkaAdminClient(
                    bootstrap_servers=self._kafka, bootstrap_timeout_ms=ANSWER_MS, request_timeout_ms=ANSWER_MS
                )
            return getattr(self._client, method)(*arguments, **more)
        except GroupIdNotFoundError:
            raise
        except (KafkaError, OSError):
            self.close()
            return None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
