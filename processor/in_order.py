"""Faust's consumer, for messages that are acknowledged in their order.

Faust looks for gaps among acknowledged offsets, one integer an offset. Here a message stands for up to thousands of
records (`processor.scheduler`), and one agent applies a partition's messages in turn: the newest acknowledged offset is
all there is to know. Looking for gaps took a twentieth of the processor's time.
"""

from typing import Any

from faust.transport.drivers import aiokafka
from faust.types import TP


class InOrderConsumer(aiokafka.Consumer):
    """Commits the newest acknowledged offset of each partition."""

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


def acknowledge_in_order(app: Any) -> None:
    """Let the app's consumer be one; before the app starts."""
    app.transport.Consumer = InOrderConsumer
