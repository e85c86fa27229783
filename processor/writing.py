"""Writes the outputs and state of a batch while the next one is applied; at most one batch a partition is in flight
(promise P2.3).

Of a partition, in this order, each acknowledged before the next: a batch's outputs and dead letters, its state, the next
batch's outputs. What is written was packed when the batch was applied, so the operator is free to go on.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from broker.record_batches import RecordBatches
from livelift.names import RunNames
from processor.changelog import KeyValue


@dataclass(frozen=True, slots=True)
class AppliedBatch:
    """A batch's records for the output log, the dead letters and the changelog, to go through before the next batch is applied."""

    outputs: Iterable[KeyValue]
    letters: Iterable[KeyValue]
    state: Iterable[KeyValue]


@dataclass(frozen=True, slots=True)
class Written:
    """Seconds that writing took: outputs and dead letters; state, None where it was not time for it."""

    output: float
    changelog: float | None


class Writing:
    """The batches under way, one a partition.

    Parameters
    ----------
    failed
        Told of an error, at once: nothing can go on after it.
    """

    def __init__(self, batches: RecordBatches, names: RunNames, failed: Callable[[Exception], None]) -> None:
        self._batches = batches
        self._names = names
        self._failed = failed
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def write(self, partition: int, batch: AppliedBatch, written: Callable[[Written], None]) -> None:
        """Write a batch once the one before it is acknowledged; returns when it is under way."""
        names, pack = self._names, self._batches.pack
        packed = (
            pack(names.output, batch.outputs),
            pack(names.dead_letters, batch.letters),
            pack(names.changelog, batch.state),
        )
        before = self._under_way.get(partition)
        if before is not None:
            await before
        self._under_way[partition] = asyncio.create_task(self._write(partition, *packed, written))

    async def _write(
        self,
        partition: int,
        outputs: list[Any],
        letters: list[Any],
        state: list[Any],
        written: Callable[[Written], None],
    ) -> None:
        """Kafka batches, in their order."""
        names, send = self._names, self._batches.send
        try:
            began = time.perf_counter()
            await asyncio.gather(send(names.output, partition, outputs), send(names.dead_letters, partition, letters))
            told = time.perf_counter()
            await send(names.changelog, partition, state)
            written(Written(told - began, time.perf_counter() - told if state else None))
        except Exception as error:
            self._failed(error)
            raise
