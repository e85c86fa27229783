"""Writes event records and control marks to a topic in record batches, without the producer station."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer

from producer.partitioner import Partitioner

BATCH_BYTES = 8 << 20


@dataclass(slots=True)
class Sent:
    """Per batch of a partition: wall time before sending and after the acknowledgement, event time reached (ms)."""

    handed: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)


class BatchSender:
    """A producer of one topic, as an asynchronous context; `sent` has a log for each partition."""

    def __init__(self, kafka: str, topic: str, partitions: int) -> None:
        self._kafka = kafka
        self._topic = topic
        self._partition_of = Partitioner(partitions)
        self.sent = [Sent() for _ in range(partitions)]

    async def __aenter__(self) -> "BatchSender":
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka, acks="all", enable_idempotence=True, compression_type="lz4", linger_ms=0,
            max_batch_size=BATCH_BYTES, max_request_size=2 * BATCH_BYTES,
        )  # fmt: skip
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def send(
        self, users: Sequence[str], times: Sequence[int], values: Sequence[bytes], mark: bytes = b"", mark_time: int = 0
    ) -> None:
        """Write events, then `mark` to every partition if there is one; returns when all is acknowledged."""
        batches = [self._producer.create_batch() for _ in self.sent]
        reached = [-1] * len(batches)
        for user, event_time, value in zip(users, times, values, strict=True):
            partition = self._partition_of[user]
            batches[partition].append(key=user.encode(), value=value, timestamp=event_time)
            reached[partition] = event_time
        if mark:
            for partition, batch in enumerate(batches):
                batch.append(key=None, value=mark, timestamp=mark_time)
                reached[partition] = mark_time
        full = [(p, batch) for p, batch in enumerate(batches) if batch.record_count()]
        await asyncio.gather(*(self._send(p, batch, reached[p]) for p, batch in full))

    async def _send(self, partition: int, batch: Any, reached: int) -> None:
        sent = self.sent[partition]
        handed = time.time()
        batch.close()
        await (await self._producer.send_batch(batch, self._topic, partition=partition))
        sent.handed.append(handed)
        sent.acknowledged.append(time.time())
        sent.reached.append(reached)
