"""Faust's consumer, for a processor whose state says where to read on, and whose messages are acknowledged in their order.

After a rebalance Faust reads on at the group's committed offset. State is written every few seconds only, so that offset is
ahead of it after every crash: here reading goes on after what the state holds.

Faust looks for gaps among acknowledged offsets, one integer an offset. Here a message stands for up to thousands of
records (`processor.scheduler`), and one agent applies a partition's messages in turn: the newest acknowledged offset is
all there is to know. Looking for gaps took a twentieth of the processor's time.
"""

from collections.abc import Callable, Mapping

from faust.transport.drivers import aiokafka
from faust.types import TP

NextOffsets = Callable[[], Mapping[TP, int]]
"""Of every partition with state, the offset after what the state holds. Empty while state is being restored."""


class StateConsumer(aiokafka.Consumer):
    """Reads on after the state, commits the newest acknowledged offset of each partition."""

    next_offsets: NextOffsets = staticmethod(dict)

    async def perform_seek(self) -> None:
        """Go where reading begins: Faust asks for it when an assignment's state is restored."""
        await super().perform_seek()
        offsets = self.next_offsets()
        if offsets:
            await self.seek_wait(offsets)

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
