"""Batching scheduler for Faust's consumer: all fetched records of a partition become one message (promise P4).

Faust hands messages to an agent one by one; that costs some 100 µs each. `ConsumerScheduler` is its official extension
point: here `iterate` yields one message per partition whose value is the list of fetched Kafka batches and whose offset is
the last record's, so that acknowledging it acknowledges them all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from broker.fetching import KafkaBatch


class MergedRecords:
    """Looks like a consumer record to Faust; `value` is the list of the Kafka batches."""

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

    def __init__(self, tp: TP, batches: list[KafkaBatch]) -> None:
        self.topic = tp.topic
        self.partition = tp.partition
        self.offset = batches[-1].last
        self.timestamp = None
        self.timestamp_type = None
        self.key = None
        self.value = batches
        self.headers = ()
        self.checksum = None
        self.serialized_key_size = 0
        self.serialized_value_size = 0


class BatchingScheduler(DefaultSchedulingStrategy):
    """Messages of up to `most` records, or of one Kafka batch, each of one partition."""

    most = 20_000

    def iterate(self, records: Mapping[TP, list[KafkaBatch]]) -> Iterator[tuple[TP, Any]]:
        """`records`: partition → its Kafka batches, as `broker.fetching` hands them over."""
        for tp, batches in records.items():
            message: list[KafkaBatch] = []
            for batch in batches:
                if message and batch.last - message[0].first >= self.most:
                    yield tp, MergedRecords(tp, message)
                    message = []
                message.append(batch)
            yield tp, MergedRecords(tp, message)


def batching_scheduler(most: int) -> type[BatchingScheduler]:
    """The scheduler with messages of up to `most` records: Faust makes the instance itself."""
    return type("BatchingScheduler", (BatchingScheduler,), {"most": most})
