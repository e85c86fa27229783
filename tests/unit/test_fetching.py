"""Fetched Kafka batches say which offsets they cover, whatever is missing inside or between them."""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from broker.fetching import Batches, KafkaBatch
from broker.repeats import Numbers

CONTROL = 1 << 5
TRANSACTIONAL = 1 << 4


NOBODY = (-1, -1, 0)
"""What aiokafka writes for a producer that is not idempotent."""


def kafka_batch(
    base: int,
    deltas: list[int],
    last: int | None = None,
    attributes: int = 0,
    producer: tuple[int, int, int] = NOBODY,
) -> bytes:
    """A Kafka batch at `base` with records at these offsets from it, of which later ones were compacted up to `last`;
    `producer` is its id, epoch and the number of the first record."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, *producer, 1 << 20)
    for delta in deltas or [0]:
        builder.append(delta, 1_000, b"k", b"v", [])
    data = bytearray(builder.build())
    data[0:8] = base.to_bytes(8, "big")
    data[21:23] = (int.from_bytes(data[21:23], "big") | attributes).to_bytes(2, "big")
    if last is not None:
        data[23:27] = (last - base).to_bytes(4, "big")
    return bytes(data)


def batches_of(asked_from: int, *parts: bytes) -> Iterator[KafkaBatch]:
    """The batches of one fetch."""
    any_place: Any = "events-0"
    return iter(Batches(any_place, MemoryRecords(b"".join(parts)), [], asked_from, None, None, False, READ_UNCOMMITTED))


def fetched(asked_from: int, *parts: bytes) -> list[tuple[int, int, list[int]]]:
    """(first, last, offsets of the records) of each batch of one fetch."""
    return [(batch.first, batch.last, [record.offset for record in batch]) for batch in batches_of(asked_from, *parts)]


def test_batches_without_a_gap_cover_their_records() -> None:
    assert fetched(0, kafka_batch(0, [0, 1, 2]), kafka_batch(3, [0, 1])) == [(0, 2, [0, 1, 2]), (3, 4, [3, 4])]


def test_a_transaction_marker_is_covered_and_gives_no_record() -> None:
    marker = kafka_batch(3, [0], attributes=CONTROL | TRANSACTIONAL)
    assert fetched(0, kafka_batch(0, [0, 1, 2], attributes=TRANSACTIONAL), marker, kafka_batch(4, [0])) == [
        (0, 2, [0, 1, 2]),
        (3, 3, []),
        (4, 4, [4]),
    ]


def test_what_compaction_took_out_is_covered() -> None:
    """Within a batch, at its end, and whole batches between two."""
    assert fetched(0, kafka_batch(0, [1, 4], last=6), kafka_batch(20, [0])) == [(0, 6, [1, 4]), (7, 20, [20])]


def test_a_batch_is_taken_from_the_offset_that_was_asked_for() -> None:
    assert fetched(2, kafka_batch(0, [0, 1, 2, 3])) == [(2, 3, [2, 3])]


def test_a_batch_tells_producer_and_number_of_its_last_record() -> None:
    """Whatever its offsets, also if it is taken from its middle on; without a producer's id, and of the broker, it has none."""
    parts = (
        kafka_batch(0, [0, 1, 2], producer=(7, 1, 40)),
        kafka_batch(3, [0, 1], producer=(7, 1, (1 << 31) - 1)),
        kafka_batch(5, [0]),
        kafka_batch(6, [0], attributes=CONTROL | TRANSACTIONAL, producer=(7, 1, -1)),
    )
    expected = [Numbers(7, 1, 42), Numbers(7, 1, 0), None, None]
    assert [batch.numbers for batch in batches_of(1, *parts)] == expected
