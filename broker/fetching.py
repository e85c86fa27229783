"""Iterates over fetched record batches directly in aiokafka's compiled decoder, without its per-record wrapper objects.

aiokafka wraps every record it fetched in a dataclass of eleven fields, one step of a generator each: that was a third of
the processor's time. Here an item of a fetch is a Kafka batch, still compressed: a record is made when its turn comes, and
is gone before the next one, in memory that is still in the cache. It monkey-patches aiokafka for the whole
process, so nothing else in it may consume. The figures are in `docs/decisions/0010-the-hot-path.md`.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException

from broker.repeats import WRAPS_AT, Numbers


class KafkaBatch:
    """What a fetch gives between two offsets, which have `offset`, `timestamp`, `key` and `value`. One can go through it once.

    Attributes
    ----------
    first, last
        The offset that was asked for and the last one of the Kafka batch. Not every offset between them has a record of
        ours: compaction takes records out, and a transaction's commit or abort is a record of the broker's own. What the
        broker still has in [first, last] is all here, so that a consumer whose next offset is not `first` has missed some.
    """

    __slots__ = ("_batch", "first", "last")

    def __init__(self, batch: Any, asked_from: int) -> None:
        self._batch = batch
        self.first = asked_from
        self.last: int = batch.next_offset - 1

    @property
    def numbers(self) -> Numbers | None:
        """What tells it from others of its producer; None if that is not idempotent, and of the broker's own records."""
        batch = self._batch
        if batch.is_control_batch or batch.producer_id < 0:
            return None
        last = batch.base_sequence + batch.next_offset - 1 - batch.base_offset
        return Numbers(batch.producer_id, batch.producer_epoch, last % WRAPS_AT)

    def __iter__(self) -> Iterator[Any]:
        if self._batch.is_control_batch:
            return iter(())
        if self._batch.base_offset >= self.first:
            return iter(self._batch)
        return (record for record in self._batch if record.offset >= self.first)


class Batches(fetcher.PartitionRecords):  # type: ignore[misc]
    """One fetch of a partition; iterating gives its Kafka batches."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[KafkaBatch]:
        fetched = self._records
        while fetched.has_next():
            batch = fetched.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            asked_from = self.next_fetch_offset
            self.next_fetch_offset = batch.next_offset
            yield KafkaBatch(batch, asked_from)


def fetch_in_batches() -> None:
    """Let every consumer of this process fetch this way: an item is then a `KafkaBatch`."""
    fetcher.PartitionRecords = Batches
