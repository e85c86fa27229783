"""Kafka adapter of the producer: collects records into batches by partition, sends them in order, awaits
acknowledgements.

aiokafka's record batches (it is Faust's own client) instead of a send a record: see `docs/decisions/`.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from broker.batch_collector import BatchCollector
from broker.connecting import connected_producer
from livelift.errors import UnreachableError
from producer.report import Stopped, never

ANSWER_SECONDS = 120.0
"""Without an acknowledgement for so long the broker is given up: an idempotent client alone would try for ever."""

STOP_SECONDS = 5.0
LOOK_SECONDS = 0.2
"""How often it is asked, meanwhile, whether to stop."""


class EventWriter:
    """Collects records for the partitions of one topic; `flush` sends them while the next are collected.

    Attributes
    ----------
    append, add
        Collect a record or a batch: see `broker.batch_collector.BatchCollector`.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int, stopped: Stopped) -> None:
        self._stopped = stopped
        self._producer = producer
        self._topic = topic
        self._collected = BatchCollector(partitions, producer.create_batch)
        self.append, self.add = self._collected.append, self._collected.add
        self._sending: asyncio.Task[None] | None = None

    @classmethod
    async def connected(cls, kafka: str, topic: str, partitions: int, stopped: Stopped = never) -> "EventWriter":
        """A writer to the broker at `kafka`. Once `stopped`, it waits `STOP_SECONDS` for the broker, and no longer.

        Raises
        ------
        UnreachableError
            If it does not answer.
        """
        producer = await connected_producer(kafka)
        return cls(producer, topic, partitions, stopped)

    async def flush(self) -> None:
        """Start sending what was collected, once everything before it is acknowledged.

        Raises
        ------
        UnreachableError
            If what was flushed before is not.
        """
        full = self._collected.take()
        await self.acknowledged()
        self._sending = asyncio.create_task(self._send(full))
        await asyncio.sleep(0)

    async def acknowledged(self) -> None:
        """Wait until the broker has all that was flushed.

        Raises
        ------
        UnreachableError
            If it refuses a batch, or does not answer in `ANSWER_SECONDS`.
        """
        if self._sending is None:
            return
        sending, self._sending = self._sending, None
        fix = "see the broker's log and mend it; started again, the same run goes on where it was"
        waited = await self._wait(sending)
        try:
            if not sending.done():
                sending.cancel()
                what = f"Kafka has not acknowledged a batch for {self._topic} in {waited:.0f} s"
                raise UnreachableError(what, fix)
            await sending
        except KafkaError as error:
            raise UnreachableError(f"Kafka refuses a batch for {self._topic}: {error!r}", fix) from error

    async def _wait(self, sending: asyncio.Task[None]) -> float:
        """Wait until all is sent, or patience ends. Returns the seconds waited."""
        clock = asyncio.get_running_loop().time
        began = clock()
        until = began + ANSWER_SECONDS
        asked = False
        while not sending.done() and clock() < until:
            if not asked and self._stopped():
                asked, until = True, min(until, clock() + STOP_SECONDS)
            await asyncio.wait({sending}, timeout=LOOK_SECONDS)
        return clock() - began

    async def _send(self, full: Iterable[list[Any]]) -> None:
        await asyncio.gather(*(self._send_partition(p, batches) for p, batches in enumerate(full)))

    async def _send_partition(self, partition: int, batches: list[Any]) -> None:
        # One unacknowledged batch a partition: one that fails has no successor under way, so no gap is ever left.
        for batch in batches:
            await (await self._producer.send_batch(batch, self._topic, partition=partition))

    async def close(self) -> None:
        with suppress(TimeoutError):  # what a broker that is gone does not take would be waited for without end
            await asyncio.wait_for(self._producer.stop(), STOP_SECONDS)
