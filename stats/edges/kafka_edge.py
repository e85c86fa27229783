"""Kafka adapter of stats: reads the output log with manually assigned partitions from the positions in Redis.

aiokafka fetches, since its decoder is compiled: kafka-python took as long to read an output as stats to apply it. Stats has
no event loop of its own: `poll` lets this one run.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import aiokafka.errors
import kafka.errors
from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaConsumer

from broker.fetching import fetch_in_batches
from broker.unreachable import unreachable
from livelift import output_log
from livelift.output_log import Output
from livelift.settings import BOOTSTRAP_MS

LOST = (aiokafka.errors.KafkaError, kafka.errors.KafkaError)
"""What a broker that goes away looks like."""

MOST_WAITING = 50_000
"""Outputs that a partition may have waiting at its mark before it is not fetched any more."""

POLL_BATCHES = 32
"""Kafka batches taken at once, over all partitions: some 10,000 outputs each at most."""

T = TypeVar("T")


class OutputReader:
    """A consumer of one run's output log. No group: Redis holds the positions.

    Raises
    ------
    UnreachableError
        If Kafka does not answer.
    """

    def __init__(self, kafka: str, topic: str) -> None:
        fetch_in_batches()
        self._kafka = kafka
        self._topic = topic
        self._loop = asyncio.new_event_loop()
        self._places: list[TopicPartition] = []
        self._positions: list[int] = []
        self._held: frozenset[int] = frozenset()
        try:
            self._consumer = self._run(_started(kafka))
        except LOST as error:
            self._loop.close()
            raise unreachable(kafka, error) from None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def partitions(self) -> int:
        """How many partitions the log has; 0 while there is no such topic."""
        consumer = KafkaConsumer(bootstrap_servers=self._kafka, bootstrap_timeout_ms=BOOTSTRAP_MS, group_id=None)
        try:
            return len(consumer.partitions_for_topic(self._topic) or ())
        finally:
            consumer.close()

    def seek(self, positions: list[int]) -> None:
        """Read on from these offsets, one a partition."""
        self._places = [TopicPartition(self._topic, p) for p in range(len(positions))]
        self._positions = list(positions)
        self._held = frozenset()

        async def seek() -> None:
            self._consumer.assign(self._places)
            for place, position in zip(self._places, positions, strict=True):
                self._consumer.seek(place, position)

        self._run(seek())

    def poll(self, timeout_ms: int) -> Iterator[tuple[int, list[tuple[int, Output]]]]:
        """(partition, its outputs with their offsets) of what has arrived, a Kafka batch at a time, in order within a
        partition."""
        decode = output_log.decode
        for place, batches in self._run(self._consumer.getmany(timeout_ms=timeout_ms)).items():
            for batch in batches:
                yield place.partition, [(record.offset, decode(record.value)) for record in batch]
                self._positions[place.partition] = batch.last + 1

    def hold_back(self, waiting: list[int]) -> None:
        """Stop fetching partitions with too many outputs waiting at a mark; `waiting` counts them."""
        paused = self._consumer.paused()
        full = [place for place, count in zip(self._places, waiting, strict=True) if count > MOST_WAITING]
        stop = [place for place in full if place not in paused]
        go_on = [place for place in paused if place not in full]
        if not stop and not go_on:
            return

        async def hold_back() -> None:  # the client wants its loop to run
            self._consumer.pause(*stop)
            self._consumer.resume(*go_on)

        self._run(hold_back())
        self._held = frozenset(place.partition for place in full)

    def to_read(self) -> dict[int, int]:
        """The next offset of each partition that is not held back. May be asked from any thread."""
        held = self._held
        return {number: offset for number, offset in enumerate(self._positions) if number not in held}

    def lag(self) -> list[int | None]:
        """Records of each partition that were not read yet, as of its last fetch; None before the first."""
        ends = [self._consumer.highwater(place) for place in self._places]
        return [
            None if end is None else max(0, end - position) for end, position in zip(ends, self._positions, strict=True)
        ]

    def close(self) -> None:
        self._run(self._consumer.stop())
        self._loop.close()


async def _started(kafka: str) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=1 << 20,
        max_poll_records=POLL_BATCHES,
    )
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer
