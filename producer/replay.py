"""Replays the sorted input: rejected rows to the dead letters, then events between control marks, paced.

A mark before each slice announces its rows and times, so that whoever reads the topic knows what cannot be ours.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

import pyarrow.parquet as pq

from livelift.dead_letters import encode_letter
from livelift.errors import InputError
from livelift.events import End, Start, encode_control
from producer import slices
from producer.cache import Prepared
from producer.kafka_edge import EventWriter
from producer.own_records import Resume
from producer.pacing import Pacer
from producer.packed_replay import PackedSlice, kept_batches, pack_all
from producer.partitioner import Partitioner
from producer.report import Report, Reporter, Stopped
from producer.slices import Slice, announcement, progress

PACED_SECONDS = 0.1
"""When paced: seconds between two looks at the clock, hence between progress marks."""


class Replay:
    """Sends one prepared input to one run's topics, from where the partitions stand."""

    def __init__(
        self, prepared: Prepared, resume: list[Resume], speed: float | None, report: Reporter, stopped: Stopped
    ) -> None:
        self._prepared = prepared
        self._manifest = prepared.manifest
        self._resume = resume
        self._speed = speed
        self._report = report
        self._stopped = stopped
        self._partition_of = Partitioner(len(resume))
        self._next_rows = [point.next_row for point in resume]
        self._pacer: Pacer | None = None
        self._upcoming: int | None = None  # the next event's time, where it is known and not due yet

    @property
    def resumes_at(self) -> int:
        """The first row of the replay that some partition lacks."""
        return min((r.next_row for r in self._resume if not r.ended), default=self._manifest.accepted)

    async def run(self, writer: EventWriter) -> bool:
        """Send everything that is missing; False if it was stopped before the end."""
        manifest = self._manifest
        for partition, point in enumerate(self._resume):
            if not point.ended:  # one that has its start mark gets another: its rows from there on may come twice
                row = point.next_row
                start = Start(manifest.first, row, manifest, row_limit=row, time_limit=manifest.first)
                writer.append(partition, None, encode_control(start), manifest.first)
        sent = self.resumes_at
        last = manifest.first
        async with aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                if self._stopped():
                    await writer.flush()
                    await writer.acknowledged()
                    return False
                if isinstance(piece, PackedSlice):
                    self._add(writer, piece)
                    sent, last = piece.end, piece.last
                else:
                    self._announce(writer, piece)
                    self._append(writer, piece)
                    sent = piece.end
                    last = piece.times[-1] if piece.times else last
                    self._progress(writer, self._reached(sent, last), sent, last)
                await writer.flush()
                self._report(Report("sending", sent, manifest.accepted, last, sum(manifest.rejected.values())))
        if sent < manifest.accepted:
            raise InputError(
                f"the cache in {self._prepared.folder} ends at row {sent} of {manifest.accepted}",
                "delete that folder and start again: the same run goes on where it was",
            )
        end = encode_control(End(manifest.last, manifest.accepted, manifest))
        for partition, point in enumerate(self._resume):
            if not point.ended:
                writer.append(partition, None, end, manifest.last)
        await writer.flush()
        await writer.acknowledged()
        return True

    def _add(self, writer: EventWriter, piece: PackedSlice) -> None:
        for partition, batch in piece.batches:
            if not self._resume[partition].ended:
                writer.add(partition, batch)

    def _announce(self, writer: EventWriter, piece: Slice) -> None:
        """Tell each partition which rows and times follow."""
        if not piece.times:
            return
        for partition, next_row in enumerate(self._next_rows):
            if next_row < piece.end and not self._resume[partition].ended:
                mark = announcement(piece, next_row, self._manifest)
                writer.append(partition, None, mark, piece.times[0])

    def _append(self, writer: EventWriter, piece: Slice) -> None:
        partition_of, next_rows, append = self._partition_of, self._next_rows, writer.append
        row = piece.first
        resuming = row < max(next_rows)
        for user, event_time, value in zip(piece.users, piece.times, piece.values, strict=True):
            partition = partition_of[user]
            if not resuming or row >= next_rows[partition]:
                append(partition, user.encode(), value, event_time)
            row += 1

    def _progress(self, writer: EventWriter, reached: int, sent: int, last: int) -> None:
        mark = progress(reached, sent, last, self._manifest)
        for partition, point in enumerate(self._resume):
            if not point.ended and sent >= self._next_rows[partition]:
                writer.append(partition, None, mark, last)

    def _reached(self, sent: int, last: int) -> int:
        """Event time before which everything was sent: paced, the clock's, where no event is due; else the last event's."""
        if self._pacer is None or self._upcoming is None:
            return last
        return max(last, min(self._upcoming, self._pacer.event_time(time.monotonic())))

    async def _pieces(self) -> AsyncGenerator[Slice | PackedSlice, None]:
        """What is missing, in order: as fast as it is sent, or paced."""
        if self._speed is not None:
            async for part in self._paced(self._speed):
                yield part
            return
        for piece in self._unpaced():
            yield piece

    def _unpaced(self) -> Iterator[Slice | PackedSlice]:
        """Rows of slices that some partition has a part of, and packed slices from where none has anything."""
        behind = [point.next_row for point in self._resume if not point.ended]
        size = slices.SLICE_ROWS
        packed_from = -(-max(behind, default=self._manifest.accepted) // size) * size
        kept = kept_batches(self._prepared, len(self._resume))
        if kept is None and packed_from:  # packed are all slices or none
            yield from self._rows(self.resumes_at)
            return
        if packed_from and self.resumes_at < packed_from:
            yield from _until(packed_from, self._rows(self.resumes_at))
        sent = packed_from
        for piece in kept.slices(sent) if kept is not None else pack_all(self._prepared, len(self._resume)):
            yield piece
            sent = piece.end
        yield from self._rows(sent)  # where kept ones are damaged

    def _rows(self, row: int) -> Iterator[Slice]:
        """Slices from that of `row` on."""
        if row >= self._manifest.accepted:
            return iter(())
        return slices.read_slices(self._prepared, row)

    async def _paced(self, speed: float) -> AsyncIterator[Slice]:
        """Parts of slices as their time comes, empty ones included."""
        for piece in self._rows(self.resumes_at):
            if self._pacer is None:
                self._pacer = Pacer(speed, piece.times[0], time.monotonic())
            at = 0
            while at < len(piece.times):
                if self._stopped():
                    yield Slice(piece.first + at, [], [], [])
                now = time.monotonic()
                due = self._pacer.event_time(now)
                end = at
                while end < len(piece.times) and piece.times[end] <= due:
                    end += 1
                self._upcoming = piece.times[end] if end < len(piece.times) else None
                yield Slice(piece.first + at, piece.times[at:end], piece.users[at:end], piece.values[at:end])
                at = end
                await asyncio.sleep(PACED_SECONDS)


def _until(row: int, pieces: Iterator[Slice]) -> Iterator[Slice]:
    """The slices up to the one that ends with `row`, or the last."""
    for piece in pieces:
        yield piece
        if piece.end >= row:
            return


def dead_letters(prepared: Prepared) -> Iterator[tuple[bytes, bytes]]:
    """The rejected rows as (key, value) records, in the file's order."""
    for batch in pq.ParquetFile(prepared.rejected).iter_batches():
        for row in batch.to_pylist():
            where = {"file": row["file"], "file_line": row["file_line"]} if row.get("file") else {}
            yield f"line:{row['line']}".encode(), encode_letter(row["reason"], row["line"], row["text"], **where)
