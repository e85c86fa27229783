"""Faust consumer that starts reading where the recovered state ends, and does not idle while records are available.

It differs in seven things:
- After a rebalance Faust reads on at the group's committed offset. State is written every few seconds only, so that offset
  is ahead of it after every crash: here reading goes on after what the state holds.
- Faust looks for gaps among acknowledged offsets, one integer an offset. Here a message stands for up to thousands of
  records (`processor.scheduler`), and one agent applies a partition's messages in turn: the newest acknowledged offset is
  all there is to know. Looking for gaps took a twentieth of the processor's time.
- Faust's look for streams that stand still crashes the worker when a seek is under way: here it looks another time.
- While the agent's buffer is full, Faust stops taking messages, one partition at a time. With all of them stopped it sleeps for
  a second, whatever happens, and with one going again it may wait a second for that one's. The buffer is one for all
  partitions: here all stop, and go on as soon as there is room. With `FETCH_WAIT_MS`, that was a third of a replay's time.
- While a rebalance or a restoration has stopped reading, nothing is taken of what was fetched (`_Active` says why).
- Where reading begins is asked for until Kafka answers (`processor.patient_recovery` says why).
- How far a partition goes is None where that is not known: Faust fails when a rebalance has taken the partition away.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka
from faust.types import TP

from processor.patient_recovery import RETRY_SECONDS, may_pass

NextOffsets = Callable[[], Mapping[TP, int]]
"""Of every partition with state, the offset after what the state holds. Empty while state is being restored."""

ROOM_SECONDS = 1.0
"""The most to wait for room in the agent's buffer: after a rebalance it may have been emptied without a word."""

FETCH_WAIT_MS = 50
"""The most that the broker keeps a request for records that are not there yet. While it keeps one, nothing else is
fetched: a partition that is read to its end would hold back all others for Faust's 1.5 s, each time."""

TAKE_SECONDS = 0.1
"""The most to wait for records before looking again which partitions are to be read. Records that came while none was do
not end the wait: with Faust's 1 s, a rebalance would take up to so much longer."""


class _Active:
    """The partitions to take fetched records of: the active ones, as they are at that moment; none while the flow is stopped.

    A thread takes records, and may be waiting for some when a rebalance stops the flow and empties Faust's set of active
    partitions. To aiokafka an empty set means all partitions: it hands over what it fetched and moves the positions on, and
    Faust drops the records, since no partition is active. The next seek mostly undoes that. But when it happened after
    the seek to where the changelog begins, the records were dropped for good, and recovery waited for them for ever. An
    object of this class is never empty to aiokafka.
    """

    def __init__(self, consumer: Any, partitions: set[TP]) -> None:
        self._consumer = consumer
        self._partitions = partitions  # Faust's own set, which other threads change

    def __contains__(self, tp: TP) -> bool:
        return self._consumer.flow_active and tp in self._partitions


class _Thread(aiokafka.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # Faust has no setting for it
        return consumer

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        return await super()._fetch_records(
            consumer,
            _Active(self.consumer, active_partitions),  # type: ignore[arg-type]  # aiokafka only asks what is in it
            timeout,
            max_records,
        )

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's look for streams that stand still. It takes for granted that there is a position, and crashes the worker
        when a seek is under way."""
        state = self._state(tp)
        if state is not None and state.has_valid_position:
            super().verify_event_path(now, tp)

    def highwater(self, tp: TP) -> int | None:  # type: ignore[override]  # Faust's own gives None before the first fetch
        """The offset after the partition's last record, as of its last fetch; None before that, or if it is not ours now."""
        state = self._state(tp)
        return None if state is None else state.highwater

    def _state(self, tp: TP) -> Any:
        """What aiokafka knows of a partition; None if it is not assigned. Other threads ask while a rebalance goes on."""
        assignment = _assignment(self._ensure_consumer())
        return None if assignment is None else assignment.state_value(tp)


def _assignment(client: Any) -> Any:
    """What the group gave to this client of aiokafka's; None before that, and while it is taken away."""
    subscription = client._subscription.subscription
    return None if subscription is None else subscription.assignment


class StateConsumer(aiokafka.Consumer):
    """Reads on after the state, commits the newest acknowledged offset of each partition."""

    next_offsets: NextOffsets = staticmethod(dict)

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def _reset_state(self) -> None:
        super()._reset_state()
        self._room = asyncio.Event()  # in the agent's buffer
        self._room.set()

    def on_buffer_full(self, tp: TP) -> None:
        """The agent's buffer has no room for more, of whichever partition."""
        self._room.clear()

    def on_buffer_drop(self, tp: TP) -> None:
        """It has room again."""
        self._room.set()

    @property
    def member_id(self) -> str:
        """What its group calls this worker; empty before it joined. May be asked from any thread."""
        client = self._thread._consumer
        return "" if client is None else str(getattr(client._coordinator, "member_id", ""))

    def assigned(self, topic: str) -> set[int]:
        """The partitions of a topic that the group gave to this worker. May be asked from any thread."""
        client = self._thread._consumer
        assignment = None if client is None else _assignment(client)
        return set() if assignment is None else {tp.partition for tp in assignment.tps if tp.topic == topic}

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        try:
            async with asyncio.timeout(ROOM_SECONDS):  # `wait_for` may swallow the cancellation at a stop
                await self._room.wait()
        except TimeoutError:
            self._room.set()
        return await super()._wait_next_records(min(timeout, TAKE_SECONDS))

    async def perform_seek(self) -> None:
        """Go where reading begins: Faust asks for it when an assignment's state is restored.

        Tried until it succeeds, or a rebalance cancels it: nothing else would, and the state must not be restored again
        from a changelog that was read already.
        """
        while True:
            try:
                await super().perform_seek()
                offsets = self.next_offsets()
                if offsets:
                    await self.seek_wait(offsets)
                return
            except (KafkaError, TimeoutError) as error:
                if not may_pass(error):
                    raise
                self.log.warning("Kafka does not answer where to read on, asking again: %r", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _seek(self, partition: TP, offset: int) -> None:
        """In the consumer's own thread. Faust does it in the caller's, while the other may be taking what was fetched."""
        await self._thread.seek_wait({partition: offset})

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """The offsets between two messages belong to the second one."""

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: after the newest acknowledged message; None if nothing was acknowledged since the last time."""
        acked = self._acked[tp]
        if not acked:
            return None
        newest = max(acked)
        self._acked_index[tp].difference_update(acked)
        acked.clear()
        return newest + 1


def state_consumer(next_offsets: NextOffsets) -> type[StateConsumer]:
    """The consumer class of an app whose state is asked by `next_offsets`: Faust makes the instance itself."""
    return type("StateConsumer", (StateConsumer,), {"next_offsets": staticmethod(next_offsets)})
