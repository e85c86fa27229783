"""Records that Kafka sends while a rebalance keeps the processor from reading wait until it reads again."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.types import TP

from processor.consumer import _Thread

CHANGELOG, EVENTS = TP("changelog", 0), TP("events", 0)
RECORDS = 61


class Fetched:
    """What a fetch brought, as aiokafka keeps it."""

    def __init__(self) -> None:
        self.next_fetch_offset = 0

    def __iter__(self) -> Iterator[int]:
        for offset in range(RECORDS):
            self.next_fetch_offset = offset + 1
            yield offset


class Reading:
    """A consumer's thread with aiokafka's own fetcher, and no broker: `answer` is what one would send."""

    def __init__(self) -> None:
        self.subscriptions = SubscriptionState()
        self.subscriptions.subscribe({CHANGELOG.topic, EVENTS.topic})
        client: Any = SimpleNamespace(
            _loop=asyncio.get_running_loop(),
            _metadata_max_age_ms=1000,
            cluster=SimpleNamespace(leader_for_partition=lambda _: None),
            force_metadata_update=asyncio.get_running_loop().create_future,
        )
        self.fetcher = Fetcher(client, self.subscriptions)
        self.active = {EVENTS}
        self.consumer = SimpleNamespace(flow_active=True)
        self._thread = object.__new__(_Thread)  # one that is not started
        self._thread.consumer = self.consumer  # type: ignore[assignment]
        self.assign()

    def assign(self) -> None:
        """A rebalance gives both partitions; reading begins at their start."""
        self.subscriptions.assign_from_subscribed({CHANGELOG, EVENTS})
        for tp in (CHANGELOG, EVENTS):
            self.subscriptions.seek(tp, 0)

    def take(self, timeout: float = 0.2) -> "asyncio.Task[dict[TP, list[int]]]":
        client = SimpleNamespace(_fetcher=self.fetcher, _closed=False)
        return asyncio.create_task(self._thread._fetch_records(client, self.active, timeout, 1000))

    def answer(self) -> None:
        for tp in (CHANGELOG, EVENTS):
            self.fetcher._records[tp] = FetchResult(
                tp, assignment=self.subscriptions.subscription.assignment, partition_records=Fetched(), backoff=0.1
            )
        for waiter in self.fetcher._fetch_waiters:
            self.fetcher._notify(waiter)

    def positions(self) -> dict[TP, int]:
        assignment = self.subscriptions.subscription.assignment
        return {tp: assignment.state_value(tp).position for tp in (CHANGELOG, EVENTS)}


@pytest.mark.parametrize("flow_active", [False, True], ids=["the flow is stopped", "only the partitions are"])
@pytest.mark.parametrize("restored", [CHANGELOG, EVENTS])
def test_what_arrives_during_a_rebalance_is_read_after_it(restored: TP, flow_active: bool) -> None:
    async def run() -> None:
        reading = Reading()
        waiting = reading.take()
        await asyncio.sleep(0)
        reading.consumer.flow_active = flow_active  # a rebalance: Faust pauses all partitions
        reading.active.clear()
        reading.assign()
        await asyncio.sleep(0.05)
        reading.answer()
        assert await waiting == {}
        assert reading.positions() == {CHANGELOG: 0, EVENTS: 0}
        reading.active.add(restored)
        reading.consumer.flow_active = True
        assert await reading.take() == {restored: list(range(RECORDS))}
        await reading.fetcher.close()

    asyncio.run(run())


def test_what_arrives_while_the_flow_is_stopped_stays_in_place() -> None:
    async def run() -> None:
        reading = Reading()
        reading.active.add(CHANGELOG)
        waiting = reading.take()
        await asyncio.sleep(0)
        reading.consumer.flow_active = False
        reading.answer()
        assert await waiting == {}
        assert reading.positions() == {CHANGELOG: 0, EVENTS: 0}
        await reading.fetcher.close()

    asyncio.run(run())
