"""Connects an aiokafka producer with the settings that all stations use."""

import sys
from functools import partial

from aiokafka import AIOKafkaProducer, codec
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from broker.unreachable import unreachable

BATCH_BYTES = 1 << 20

LZ4_LEVEL = 1
"""aiokafka's own level is 9: a quarter smaller, and more CPU than all the rest of producing."""


def compress_quickly() -> None:
    """Make aiokafka compress at `LZ4_LEVEL`, in this process: it has no setting for it."""
    module = sys.modules[DefaultRecordBatchBuilder.__module__]  # the compiled one, where there is one
    module.lz4_encode = partial(codec.lz4_encode, level=LZ4_LEVEL)  # type: ignore[attr-defined]


async def connected_producer(kafka: str) -> AIOKafkaProducer:
    """An idempotent producer of record batches, connected to the broker at `kafka`.

    Raises
    ------
    UnreachableError
        If it does not answer.
    """
    compress_quickly()
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=BATCH_BYTES,
        max_request_size=8 * BATCH_BYTES,
        linger_ms=0,
    )
    try:
        await producer.start()
    except KafkaError as error:
        await producer.stop()
        raise unreachable(kafka, error) from None
    return producer
