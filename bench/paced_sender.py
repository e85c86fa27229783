"""Sends prepared events at a steady rate by the wall clock, and notes when each was sent.

The producer paces by event time; listening is strongly diurnal, so its rate would be anything but steady.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

import pyarrow.parquet as pq

from bench.sending import BatchSender, Sent
from livelift.events import Progress, Start, encode_control
from producer.cache import Prepared

TICK_SECONDS = 0.01
MARK_SECONDS = 0.1
"""As often as the paced producer writes its progress to every partition."""

UNPACED_ROWS = 20_000


class PacedSender:
    """Writes one prepared input to the events topic; `sent` has a log for each partition.

    Attributes
    ----------
    worst_delay
        The most seconds that an event was sent after its moment.
    """

    def __init__(self, kafka: str, topic: str, partitions: int, prepared: Prepared) -> None:
        self._sender = BatchSender(kafka, topic, partitions)
        self._manifest = prepared.manifest
        table = pq.read_table(prepared.events)
        self._times, self._users, self._values = (table[name].to_pylist() for name in ("time", "user", "value"))
        self.worst_delay = 0.0

    @property
    def sent(self) -> list[Sent]:
        return self._sender.sent

    def row_at(self, event_time: int) -> int:
        """The first row at or after an event time in ms."""
        return next(row for row, time in enumerate(self._times) if time >= event_time)

    async def run(self, first: int, rate: float, seconds: float, before_pacing: Callable[[], Awaitable[None]]) -> int:
        """Send rows below `first` as fast as it goes, wait for `before_pacing()`, then `rate` a second for `seconds`.

        Returns the number of rows sent.
        """
        manifest = self._manifest
        gc.freeze()  # millions of objects: looking through them would halt the sending
        try:
            async with self._sender as sender:
                await sender.send([], [], [], encode_control(Start(manifest.first, 0, manifest)), manifest.first)
                for row in range(0, first, UNPACED_ROWS):
                    await self._send(row, min(row + UNPACED_ROWS, first), mark=True)
                await before_pacing()
                return await self._paced(first, rate, seconds)
        finally:
            gc.unfreeze()

    async def _paced(self, first: int, rate: float, seconds: float) -> int:
        began = marked = time.time()
        row = first
        while row < len(self._times) and time.time() - began < seconds:
            now = time.time()
            due = min(first + int((now - began) * rate), len(self._times))
            self.worst_delay = max(self.worst_delay, (due - row) / rate)
            mark = now - marked >= MARK_SECONDS
            if mark:
                marked = now
            await self._send(row, due, mark=mark)
            row = due
            await asyncio.sleep(max(0.0, TICK_SECONDS - (time.time() - now)))
        return row

    async def _send(self, first: int, end: int, *, mark: bool) -> None:
        last = self._times[max(end - 1, 0)]
        progress = encode_control(Progress(last, end, self._manifest)) if mark else b""
        rows = slice(first, end)
        await self._sender.send(self._users[rows], self._times[rows], self._values[rows], progress, last)
