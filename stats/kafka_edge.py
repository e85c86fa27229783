"""The Kafka edge of stats: reads the output log, partitions assigned by hand, from the positions that Redis holds."""

from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from broker.unreachable import unreachable
from livelift import output_log
from livelift.output_log import Output
from livelift.settings import BOOTSTRAP_MS

MOST_WAITING = 50_000
"""Outputs that a partition may have waiting at its mark before it is not fetched any more."""


class OutputReader:
    """A consumer of one run's output log. No group: Redis holds the positions."""

    def __init__(self, kafka: str, topic: str) -> None:
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=kafka,
                bootstrap_timeout_ms=BOOTSTRAP_MS,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                fetch_max_wait_ms=50,
                max_partition_fetch_bytes=4 << 20,
                max_poll_records=20_000,
            )
        except KafkaError as error:
            raise unreachable(kafka, error) from None
        self._topic = topic

    def partitions(self) -> int:
        """How many partitions the log has; 0 while there is no such topic."""
        return len(self._consumer.partitions_for_topic(self._topic) or ())

    def seek(self, positions: list[int]) -> None:
        """Read on from these offsets, one a partition."""
        tps = [TopicPartition(self._topic, p) for p in range(len(positions))]
        self._consumer.assign(tps)
        for tp, position in zip(tps, positions, strict=True):
            self._consumer.seek(tp, position)

    def poll(self, timeout_ms: int) -> Iterator[tuple[int, int, Output]]:
        """(partition, offset, output) of what has arrived, in order within a partition."""
        for tp, records in self._consumer.poll(timeout_ms=timeout_ms).items():
            for record in records:
                yield tp.partition, record.offset, output_log.decode(record.value)

    def hold_back(self, waiting: list[int]) -> None:
        """Stop fetching partitions with too many outputs waiting at a mark; `waiting` counts them."""
        for partition, count in enumerate(waiting):
            tp = TopicPartition(self._topic, partition)
            if count > MOST_WAITING:
                self._consumer.pause(tp)
            elif tp in self._consumer.paused():
                self._consumer.resume(tp)

    def lag(self) -> list[int | None]:
        """Records of each partition that were not read yet, as of its last fetch; None before the first."""
        places = sorted(self._consumer.assignment(), key=lambda tp: tp.partition)
        ends = [self._consumer.highwater(tp) for tp in places]
        return [
            None if end is None else max(0, end - self._consumer.position(tp))
            for tp, end in zip(places, ends, strict=True)
        ]

    def close(self) -> None:
        self._consumer.close()
