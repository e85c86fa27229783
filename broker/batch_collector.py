"""Collects records by partition into Kafka record batches."""

from collections.abc import Callable
from typing import Any

from broker.connecting import BATCH_BYTES
from livelift.errors import InputError


class BatchCollector:
    """Open and full batches of each of some partitions.

    Parameters
    ----------
    new_batch
        Makes an empty one, as `aiokafka.AIOKafkaProducer.create_batch` does.
    """

    def __init__(self, partitions: int, new_batch: Callable[[], Any]) -> None:
        self._new_batch = new_batch
        self._open = [new_batch() for _ in range(partitions)]
        self._full: list[list[Any]] = [[] for _ in range(partitions)]

    def append(self, partition: int, key: bytes | None, value: bytes, time: int) -> None:
        """Collect a record with timestamp `time` ms.

        Raises
        ------
        InputError
            If it does not even fit into an empty batch.
        """
        if self._open[partition].append(key=key, value=value, timestamp=time) is None:
            self._close(partition)
            if self._open[partition].append(key=key, value=value, timestamp=time) is None:
                raise InputError(
                    f"an event of {len(value)} bytes is larger than a batch of {BATCH_BYTES}",
                    "shorten the names of the row that holds it",
                )

    def add(self, partition: int, batch: Any) -> None:
        """Collect a whole batch, to come after what was collected before."""
        self._close(partition)
        self._full[partition].append(batch)

    def _close(self, partition: int) -> None:
        batch = self._open[partition]
        if batch.record_count():
            batch.close()
            self._full[partition].append(batch)
            self._open[partition] = self._new_batch()

    def take(self) -> list[list[Any]]:
        """What was collected since the last call: each partition's batches, in order."""
        for partition in range(len(self._open)):
            self._close(partition)
        full, self._full = self._full, [[] for _ in self._open]
        return full
