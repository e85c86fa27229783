"""Kafka helpers of the benchmarks: create and empty topics, look up end offsets, read topics back."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioPartition
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import CoordinatorNotAvailableError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from producer.topics import SETTINGS

STAMPED = {"message.timestamp.type": "LogAppendTime"}
"""The broker notes when it appended a record: progress to the millisecond, without a look at the topic meanwhile."""

LIMIT_SECONDS = 30.0

Take = Callable[[int, list[Any]], None]


class Broker:
    """One broker, as the bench uses it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._admin = KafkaAdminClient(bootstrap_servers=address)
        self._consumer = KafkaConsumer(bootstrap_servers=address, group_id=None, enable_auto_commit=False)

    def close(self) -> None:
        self._consumer.close()
        self._admin.close()

    def make(self, topics: Iterable[str], partitions: int) -> None:
        """Make empty topics whose records carry the time at which the broker appended them; old ones are dropped."""
        topics = list(topics)
        self.drop(topics)
        deadline = time.monotonic() + LIMIT_SECONDS
        for topic in topics:
            while True:
                try:
                    self._admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=SETTINGS | STAMPED)])
                    break
                except TopicAlreadyExistsError:  # it is still being deleted
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
        self._admin.wait_for_topics(topics)

    def drop(self, topics: Iterable[str]) -> None:
        """Delete topics, if they are there, and wait until they are gone."""
        there = set(self._admin.list_topics()) & set(topics)
        if not there:
            return
        try:
            self._admin.delete_topics(sorted(there))
        except UnknownTopicOrPartitionError:
            pass
        deadline = time.monotonic() + LIMIT_SECONDS
        while there & set(self._admin.list_topics()) and time.monotonic() < deadline:
            time.sleep(0.05)

    def forget_group(self, group: str) -> None:
        """Drop a consumer group's offsets, so that it begins at the beginning."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while group in {found["group_id"] for found in self._admin.list_groups()}:
            self._admin.delete_groups([group])  # refused while its member has not left yet
            if time.monotonic() > deadline:
                raise TimeoutError(f"the consumer group {group} still has members after {LIMIT_SECONDS:.0f} s")
            time.sleep(0.1)

    def ends(self, topic: str) -> list[int]:
        """The offset after the last record, per partition; empty while there is no such topic."""
        partitions = self._consumer.partitions_for_topic(topic)
        if not partitions:
            return []
        places = [TopicPartition(topic, p) for p in sorted(partitions)]
        ends = self._consumer.end_offsets(places)
        return [ends[place] for place in places]

    def committed(self, group: str, topic: str) -> int:
        """How many records of a topic a consumer group has acknowledged, over all partitions."""
        try:
            offsets = self._admin.list_group_offsets(group)[group]
        except CoordinatorNotAvailableError:  # there was no group yet on this broker
            return 0
        return sum(offset.offset for place, offset in offsets.items() if place.topic == topic and offset.offset > 0)

    def last_records(self, topic: str) -> list[Any | None]:
        """The last record of every partition; None of an empty one."""
        found: list[Any | None] = []
        for partition, end in enumerate(self.ends(topic)):
            place = TopicPartition(topic, partition)
            record = None
            if end:
                self._consumer.assign([place])
                self._consumer.seek(place, end - 1)
                deadline = time.monotonic() + LIMIT_SECONDS
                while record is None and time.monotonic() < deadline:
                    record = next(iter(self._consumer.poll(timeout_ms=500, max_records=1).get(place, [])), None)
            found.append(record)
        return found

    def read(self, topic: str, take: Take) -> None:
        """Read a topic from its beginning to its present end, by the fetched records of a partition."""
        asyncio.run(_read(self.address, topic, len(self.ends(topic)), take))


async def _read(address: str, topic: str, partitions: int, take: Take) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    try:
        places = [AioPartition(topic, p) for p in range(partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        unfinished = {place for place, end in ends.items() if end}
        while unfinished:
            for place, records in (await consumer.getmany(timeout_ms=1000, max_records=20_000)).items():
                take(place.partition, records)
                if records and records[-1].offset + 1 >= ends[place]:
                    unfinished.discard(place)
    finally:
        await consumer.stop()
