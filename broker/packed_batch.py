"""Kafka record batches as bytes: encoded and compressed once, kept, and sent as often as a replay is.

To encode and compress is nearly all that sending costs. Of a kept batch only what names its producer changes from one
replay to the next, and with it the checksum (Kafka's record batch, magic 2).
"""

import struct
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c

from broker.connecting import BATCH_BYTES, compress_quickly

_CRC_AT = 17
_CHECKED_FROM = 21
"""The checksum is of everything from here on."""
_PRODUCER_AT = 43
_COUNT_AT = 57
_CRC, _PRODUCER, _COUNT = struct.Struct(">I"), struct.Struct(">qhi"), struct.Struct(">i")


def new_batch() -> BatchBuilder:
    """An empty batch of our size and compression, without a producer."""
    compress_quickly()
    return BatchBuilder(BATCH_BYTES, DefaultRecordBatch.CODEC_LZ4)


def packed(batch: BatchBuilder) -> bytes:
    """The bytes of a closed batch."""
    return bytes(batch._build())


class PackedBatch:
    """A kept batch in place of aiokafka's `BatchBuilder`, of which it has what `send_batch` and the sender call.

    Parameters
    ----------
    content
        What `packed` gave.
    """

    def __init__(self, content: bytes) -> None:
        self._content = bytearray(content)
        (self._count,) = _COUNT.unpack_from(content, _COUNT_AT)

    def record_count(self) -> int:
        return int(self._count)

    def size(self) -> int:
        return len(self._content)

    def close(self) -> None:
        """It is closed already."""

    def closed(self) -> bool:
        return True

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        _PRODUCER.pack_into(self._content, _PRODUCER_AT, producer_id, producer_epoch, base_sequence)
        _CRC.pack_into(self._content, _CRC_AT, calc_crc32c(memoryview(self._content)[_CHECKED_FROM:]))

    def _build(self) -> Any:
        return self._content
