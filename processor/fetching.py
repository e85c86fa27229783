"""Fetched records without the wrapping: aiokafka's own, as its compiled decoder made them, a Kafka batch at a time.

aiokafka wraps every record it fetched in a dataclass of eleven fields, one step of a generator each: a third of the
processor's time. Here an item of a fetch is the list of a batch's records, which have `offset`, `timestamp`, `key` and
`value`. Only Faust consumes in this process, and its `BatchingScheduler` expects just that. The figures are in
`docs/decisions/0010-the-hot-path.md`.
"""

import gc
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException

YOUNG_OBJECTS = 100_000
"""Garbage collection after so many new objects. The default of 700 would look through all of a batch's records dozens of
times, and find nothing: they are freed by their reference counts."""


class BatchRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one fetch of a partition; iterating gives one list a Kafka batch."""

    def _unpack_records(self) -> Iterator[list[Any]]:
        fetched = self._records
        while fetched.has_next():
            batch = fetched.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            if batch.is_control_batch:  # of a transaction: nothing of ours
                self.next_fetch_offset = batch.next_offset
                continue
            records = list(batch)
            if records and records[0].offset < self.next_fetch_offset:  # the batch begins before what was asked for
                records = [record for record in records if record.offset >= self.next_fetch_offset]
            self.next_fetch_offset = batch.next_offset
            if records:
                yield records


def fetch_in_batches() -> None:
    """Let every consumer of this process fetch this way, and spare the garbage collector the records."""
    fetcher.PartitionRecords = BatchRecords
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)


def settle() -> None:
    """What is there now stays: the garbage collector need not look through a million users again and again."""
    gc.collect()
    gc.freeze()
