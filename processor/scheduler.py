"""Faust's consumer scheduler, batching: all fetched records of a partition become one message (promise P4).

Faust hands messages to an agent one by one; that costs some 100 µs each. `ConsumerScheduler` is its official extension
point: here `iterate` yields one message per partition whose value is the list of fetched records and whose offset is
the last one's, so that acknowledging it acknowledges them all.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP


class MergedRecords:
    """Looks like a consumer record to Faust; `value` is the list of the records themselves."""

    __slots__ = (
        "checksum",
        "headers",
        "key",
        "offset",
        "partition",
        "serialized_key_size",
        "serialized_value_size",
        "timestamp",
        "timestamp_type",
        "topic",
        "value",
    )

    def __init__(self, tp: TP, records: list[Any]) -> None:
        last = records[-1]
        self.topic = tp.topic
        self.partition = tp.partition
        self.offset = last.offset
        self.timestamp = last.timestamp
        self.timestamp_type = last.timestamp_type
        self.key = None
        self.value = records
        self.headers = ()
        self.checksum = None
        self.serialized_key_size = 0
        self.serialized_value_size = 0


class BatchingScheduler(DefaultSchedulingStrategy):
    """Messages of up to `most` records, each of one partition."""

    most = 20_000

    def iterate(self, records: Mapping[TP, list[list[Any]]]) -> Iterator[tuple[TP, Any]]:
        """`records`: partition → its Kafka batches, as `processor.fetching` hands them over."""
        for tp, batches in records.items():
            fetched = list(chain.from_iterable(batches))
            for start in range(0, len(fetched), self.most):
                yield tp, MergedRecords(tp, fetched[start : start + self.most])


def batching_scheduler(most: int) -> type[BatchingScheduler]:
    """The scheduler with messages of up to `most` records: Faust makes the instance itself."""
    return type("BatchingScheduler", (BatchingScheduler,), {"most": most})
