"""The replay as it is sent: Kafka batches by slice and partition, marks included, kept beside the cache's events.

<cache>/<study>-<key>/batches-<partitions>.parquet      a row group a slice, a row a batch; complete or absent
                      batches-<partitions>.<pid>.building  while the first replay at full speed makes it, by the holder
                      of packing.lock

A replay at full speed sends every batch as it is kept. One that is paced, or that goes on in the middle of a slice, sends
row by row.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from broker.batch_collector import BatchCollector
from broker.connecting import BATCH_BYTES
from broker.packed_batch import PackedBatch, new_batch, packed
from broker.partitioning import partition_of
from livelift import events
from livelift.events import Manifest
from producer import slices
from producer.cache import Prepared
from producer.partitioner import Partitioner
from producer.slices import Slice, announcement, progress

FORM = 1
"""Raised whenever what is kept changes: batches of another form are made anew."""

SCHEMA = pa.schema([("end", pa.int64()), ("last", pa.int64()), ("partition", pa.int32()), ("batch", pa.binary())])
"""`end`: the row after the slice's last one, whose time is `last` ms."""

FORM_KEY = b"livelift"

ROOM = 3
"""Batches are kept where the disk has so many times the room of the sorted events, which they take twice, and `SPARE_BYTES`:
Kafka's log is often on the same disk, and a full one stops it."""

SPARE_BYTES = 1 << 30

NOT_KEPT = "the batches are not kept, a later replay makes them again"
DAMAGED = "the kept batches are damaged: the rows are sent, and a later replay makes the batches again"

log = structlog.get_logger("producer")


@dataclass(frozen=True, slots=True)
class PackedSlice:
    """A slice's batches, as (partition, batch) in the order of sending; the others as in `SCHEMA`."""

    end: int
    last: int
    batches: list[tuple[int, PackedBatch]]


def _path(prepared: Prepared, partitions: int) -> Path:
    return prepared.folder / f"batches-{partitions}.parquet"


def _form(manifest: Manifest, partitions: int) -> bytes:
    """What kept batches are made of, beside the events."""
    rule = [partition_of(b"%d" % user, partitions) for user in range(64)]
    made_of = (FORM, events.SCHEMA, slices.SLICE_ROWS, BATCH_BYTES, rule, manifest)
    return hashlib.sha256(msgspec.json.encode(made_of)).hexdigest().encode()


class KeptBatches:
    """The kept batches of a replay; see `kept_batches`."""

    def __init__(self, path: Path, file: pq.ParquetFile) -> None:
        self._path = path
        self._file = file

    def slices(self, row: int) -> Iterator[PackedSlice]:
        """From the slice that begins with `row` on. Where the file was damaged after it was made, it is deleted and the slices
        end: the rest is to be sent row by row."""
        for number in range(row // slices.SLICE_ROWS, self._file.num_row_groups):
            try:
                columns = self._file.read_row_group(number).to_pydict()
            except (OSError, pa.ArrowException) as error:
                log.warning(DAMAGED, file=str(self._path), problem=str(error))
                self._path.unlink(missing_ok=True)
                return
            batches = [(p, PackedBatch(b)) for p, b in zip(columns["partition"], columns["batch"], strict=True)]
            yield PackedSlice(columns["end"][0], columns["last"][0], batches)


def kept_batches(prepared: Prepared, partitions: int) -> KeptBatches | None:
    """The batches kept of a replay to so many partitions; None if there are none, or ones of another form."""
    path = _path(prepared, partitions)
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        log.warning(DAMAGED, file=str(path), problem=str(error))
        return None
    whole = -(-prepared.manifest.accepted // slices.SLICE_ROWS)
    form = (file.schema_arrow.metadata or {}).get(FORM_KEY)
    if form != _form(prepared.manifest, partitions) or file.num_row_groups != whole:
        return None
    return KeptBatches(path, file)


class Packer:
    """Makes the batches of slices."""

    def __init__(self, manifest: Manifest, partitions: int) -> None:
        self._manifest = manifest
        self._partitions = partitions
        self._partition_of = Partitioner(partitions)
        self._collected = BatchCollector(partitions, new_batch)

    def pack(self, piece: Slice) -> list[tuple[int, bytes]]:
        """(partition, batch) of a slice that is not empty: its announcement, its events, its progress mark."""
        append, partition_of = self._collected.append, self._partition_of
        before = announcement(piece, piece.first, self._manifest)
        for partition in range(self._partitions):
            append(partition, None, before, piece.times[0])
        for user, time, value in zip(piece.users, piece.times, piece.values, strict=True):
            append(partition_of[user], user.encode(), value, time)
        last = piece.times[-1]
        after = progress(last, piece.end, last, self._manifest)
        for partition in range(self._partitions):
            append(partition, None, after, last)
        return [(number, packed(batch)) for number, full in enumerate(self._collected.take()) for batch in full]


def pack_all(prepared: Prepared, partitions: int) -> Iterator[PackedSlice]:
    """All slices, packed as they are asked for, and kept once the last one was, unless another process is packing."""
    packer = Packer(prepared.manifest, partitions)
    with _keeping(prepared, partitions) as kept:
        for piece in slices.read_slices(prepared, 0):
            batches = packer.pack(piece)
            kept.add(piece, batches)
            yield PackedSlice(piece.end, piece.times[-1], [(p, PackedBatch(content)) for p, content in batches])
        kept.publish()


@contextmanager
def _keeping(prepared: Prepared, partitions: int) -> Iterator["_Kept"]:
    """Where batches are kept until `publish`; what was not published is removed."""
    path = _path(prepared, partitions)
    lock = _lock(prepared)
    schema = None if lock is None else SCHEMA.with_metadata({FORM_KEY: _form(prepared.manifest, partitions)})
    try:
        kept = _Kept(path, schema)
        try:
            yield kept
        finally:
            kept.drop()
    finally:
        if lock is not None:
            lock.close()


def _lock(prepared: Prepared) -> IO[str] | None:
    """The right to pack, until it is closed; what killed holders left is cleared. None where another process packs, the folder
    cannot be written, or the disk has not the room."""
    try:
        if shutil.disk_usage(prepared.folder).free < ROOM * prepared.events.stat().st_size + SPARE_BYTES:
            log.info("the batches are not kept: the disk has little room", folder=str(prepared.folder))
            return None
        lock = (prepared.folder / "packing.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in prepared.folder.glob("batches-*.building"):
                left.unlink()
        except OSError:
            lock.close()
            raise
    except BlockingIOError:
        return None
    except OSError as error:
        log.warning(NOT_KEPT, problem=str(error))
        return None
    return lock


class _Kept:
    """The file that is made. A disk without room ends the keeping, not the replay. Without a schema nothing is kept."""

    def __init__(self, path: Path, schema: pa.Schema | None) -> None:
        self._path = path
        self._building = path.with_suffix(f".{os.getpid()}.building")
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        if schema is not None:
            self._try(self._open)

    def _open(self) -> None:
        self._writer = pq.ParquetWriter(
            self._building,
            self._schema,
            compression="none",  # the batches are compressed
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            log.warning(NOT_KEPT, problem=str(error))
            self.drop()

    def add(self, piece: Slice, batches: list[tuple[int, bytes]]) -> None:
        writer = self._writer
        if writer is not None:
            rows = [
                {"end": piece.end, "last": piece.times[-1], "partition": number, "batch": content}
                for number, content in batches
            ]
            self._try(lambda: writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=self._schema)))

    def publish(self) -> None:
        writer = self._writer
        if writer is not None:
            self._try(writer.close)
        if self._writer is not None:
            self._try(self._rename)

    def _rename(self) -> None:
        self._building.replace(self._path)

    def drop(self) -> None:
        """Remove what was not published."""
        writer, self._writer = self._writer, None
        with suppress(OSError):  # the disk may have no room for its end, or be gone
            self._building.unlink(missing_ok=True)
            if writer is not None:
                writer.close()
