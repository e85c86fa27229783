"""The processor's Faust consumer while the agent's buffer is full, and at the end of a partition."""

import asyncio
from collections.abc import Iterator
from typing import Any

import faust
import pytest
from faust.types import TP

from processor.consumer import FETCH_WAIT_MS, StateConsumer

HERE, THERE = TP("events", 0), TP("events", 1)


async def _nothing(*_: Any) -> None: ...


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop of the test: Faust takes the current one when an app is made."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        yield runner.get_loop()
    asyncio.set_event_loop(None)


@pytest.fixture
def consumer(loop: asyncio.AbstractEventLoop) -> StateConsumer:
    """A consumer that reads both partitions and is not connected."""
    app = faust.App("full-buffer", broker="kafka://127.0.0.1:1", loop=loop)
    consumer = StateConsumer(app.transport, _nothing, _nothing, _nothing)
    consumer._set_active_tps({HERE, THERE})
    return consumer


@pytest.fixture
def asked(consumer: StateConsumer, monkeypatch: pytest.MonkeyPatch) -> list[set[TP]]:
    """The partitions that records were asked of, request for request; there never are any."""
    asked: list[set[TP]] = []

    async def getmany(active_partitions: set[TP], timeout: float) -> dict[TP, Any]:
        asked.append(set(active_partitions))
        return {}

    monkeypatch.setattr(consumer, "_getmany", getmany)
    return asked


def test_a_full_buffer_stops_every_partition_each_time_it_fills(
    loop: asyncio.AbstractEventLoop, consumer: StateConsumer, asked: list[set[TP]]
) -> None:
    """Fetching goes on when there is room, and stops again when the buffer fills up again."""

    async def run() -> None:
        for partition_with_room in (HERE, THERE):
            consumer.on_buffer_full(HERE)
            taking = asyncio.create_task(consumer._wait_next_records(1.0))
            await asyncio.sleep(0.05)
            assert asked == []
            consumer.on_buffer_drop(partition_with_room)
            await asyncio.wait_for(taking, 0.5)
            assert asked == [{HERE, THERE}]
            asked.clear()

    loop.run_until_complete(run())


def test_a_buffer_that_was_silently_emptied_is_filled_again(
    loop: asyncio.AbstractEventLoop, consumer: StateConsumer, asked: list[set[TP]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.consumer.ROOM_SECONDS", 0.2)

    async def run() -> None:
        consumer.on_buffer_full(HERE)
        for _ in range(10):  # it waits once, and not every time
            await asyncio.wait_for(consumer._wait_next_records(1.0), 0.5)
        assert asked == [{HERE, THERE}] * 10

    loop.run_until_complete(asyncio.wait_for(run(), 1.0))


def test_a_request_for_what_is_not_there_yet_is_soon_dropped(
    loop: asyncio.AbstractEventLoop, consumer: StateConsumer
) -> None:
    thread = consumer._new_consumer_thread()

    async def made() -> Any:
        return thread._create_worker_consumer(consumer.transport)

    try:
        assert loop.run_until_complete(made())._fetch_max_wait_ms == FETCH_WAIT_MS <= 100
    finally:
        thread.thread_loop.close()  # it is not started, and so never stopped
