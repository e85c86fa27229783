"""Prepares the input: read, validate, sort, remove duplicates, number, and write to the cache.

Every pass is a stream: memory stays the same for a file of any length.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import structlog

from livelift.errors import InputError, ResourceError
from livelift.event_time import to_iso
from livelift.events import SCHEMA, Manifest
from livelift.source import Source
from livelift.study import Study
from producer.cache import EVENTS, CacheKey, Prepared, building_folder, key_of, load, locked, publish, seal
from producer.report import Interrupted, Report, Reporter, Stopped, never, silent
from producer.sorting import DuplicateFilter, sorted_rows
from producer.sources import REJECTED, REJECTED_OF_SEVERAL, JudgedBlock, Reader, Selection, reader_of
from producer.sources.finding import files_of, find
from producer.sources.input_file import text_bytes

MAX_THREADS = 4
"""For sorting: each needs its own buffers."""

_DISK_SHARE = 2.5
"""Disk needed at most, sorting runs and cache together, per byte of text."""

log = structlog.get_logger("producer")


def prepare(
    study: Study,
    data: Path,
    cache: Path,
    selection: Selection = Selection(),  # noqa: B008  # frozen
    report: Reporter = silent,
    stopped: Stopped = never,
) -> Prepared:
    """The sorted cache of the study's input, made if the one there is not of this input, study and selection.

    Parameters
    ----------
    data
        The input file, or the folder that holds it.
    cache
        The folder of caches; created if it is not there.

    Raises
    ------
    InputError
        If there is no file, it cannot be read, or no row of it is acceptable.
    ResourceError
        If the disk has no room.
    Interrupted
        If `stopped` says so.
    """
    reader = reader_of(study)
    path = find(data, study)
    try:
        key = key_of(path, study, selection)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check its permissions") from None
    if ready := load(cache, key):
        return ready
    with locked(cache):
        if ready := load(cache, key):  # made by the one we waited for
            return ready
        check_disk(path, study.source, cache)
        with building_folder(cache, key) as building:
            manifest = _Build(study, reader, path, selection, report, stopped).run(building)
            _still_the_same(path, study, selection, key)
            seal(building, key, manifest)
            publish(building, cache, key)
    return Prepared(cache / key.name, manifest)


def check_disk(path: Path, source: Source, cache: Path) -> None:
    """Is there room for the cache of the input at `path`?

    Raises
    ------
    ResourceError
        Naming what is needed and what is free.
    """
    needed, free = int(text_bytes(files_of(path, source)) * _DISK_SHARE), shutil.disk_usage(cache).free
    if free < needed:
        raise ResourceError(
            f"sorting {path} needs up to {needed / 1e9:.1f} GB in {cache}, {free / 1e9:.1f} GB are free",
            "make room, or name a folder on another disk (LIVELIFT_CACHE)",
        )


def _still_the_same(path: Path, study: Study, selection: Selection, key: CacheKey) -> None:
    if key_of(path, study, selection) != key:
        tables = ", or a table of the study's lookups," if study.lookups else ""
        raise InputError(f"{path}{tables} changed while it was read", "wait until it is complete and start again")


class _Build:
    """One making of a cache: reads with one hand, writes with the other, and counts."""

    def __init__(
        self, study: Study, reader: Reader, path: Path, selection: Selection, report: Reporter, stopped: Stopped
    ) -> None:
        self._study, self._reader, self._path, self._selection = study, reader, path, selection
        self._report, self._stopped = report, stopped
        self._rows = self._acceptable = self._written = 0
        self._reasons: Counter[str] = Counter()
        self._first_wrong: dict[str, tuple[str, bytes]] = {}  # reason → where its first line is, and its text
        self._first = self._last = 0
        self._reaches_end = False

    def run(self, building: Path) -> Manifest:
        """Write both files into `building`."""
        paths = Prepared(building, Manifest(0, 0, {}, 0, 0, 0))
        spill = building / "spill"
        spill.mkdir()
        threads = min(os.cpu_count() or 1, MAX_THREADS)
        with ExitStack() as stack:
            schema = REJECTED_OF_SEVERAL if self._study.source.several else REJECTED
            rejected = stack.enter_context(pq.ParquetWriter(paths.rejected, schema, compression="zstd"))
            events = stack.enter_context(
                pq.ParquetWriter(
                    paths.events,
                    EVENTS,
                    compression="zstd",
                    use_dictionary=["user"],
                    column_encoding={"row": "DELTA_BINARY_PACKED", "time": "DELTA_BINARY_PACKED"},
                    write_statistics=["row"],
                    write_page_checksum=True,
                )
            )
            duplicates = DuplicateFilter()
            for batch in sorted_rows(self._acceptable_rows(rejected), self._reader, spill, threads):
                self._write(events, batch.filter(pa.array(duplicates.first_ones(batch))))
        shutil.rmtree(spill)
        if not self._written:
            raise self._nothing_acceptable()
        return Manifest(
            rows=self._rows,
            accepted=self._written,
            rejected=dict(self._reasons),
            duplicates=self._acceptable - self._written,
            first=self._first,
            last=self._last,
            until=self._selection.end if self._reaches_end else None,
        )

    def _acceptable_rows(self, rejected: pq.ParquetWriter) -> Iterator[pa.RecordBatch]:
        """The acceptable rows in the file's order; the others go to `rejected`."""
        for block in self._reader.read(self._path, self._selection):
            self._count(block)
            if block.rejected.num_rows:
                self._note(block)
                rejected.write_batch(_with_files(block) if self._study.source.several else block.rejected)
            yield block.accepted

    def _note(self, block: JudgedBlock) -> None:
        rejected = block.rejected
        for reason in pc.unique(rejected["reason"]).to_pylist():
            if reason not in self._first_wrong:
                at = pc.index(rejected["reason"], reason).as_py()
                where = f"Line {rejected['line'][at].as_py() - block.before}" + (
                    f" of {block.file}" if block.file else ""
                )
                self._first_wrong[reason] = where, rejected["text"][at].as_py()

    def _count(self, block: JudgedBlock) -> None:
        self._rows += block.rows
        self._acceptable += block.accepted.num_rows
        self._reasons.update(block.reasons)
        self._reaches_end |= block.reaches_end
        self._say(Report("reading", block.done, block.total, rejected=self._reasons.total()))

    def _write(self, events: pq.ParquetWriter, batch: pa.RecordBatch) -> None:
        """Number the next rows of the replay and write them."""
        if not batch.num_rows:
            return
        times = batch["time"].to_numpy()
        if not self._written:
            self._first = self._last = int(times[0])
        assert (np.diff(times, prepend=self._last) >= 0).all(), "DuckDB gave rows out of order"
        self._last = int(times[-1])
        row = pa.array(np.arange(self._written, self._written + batch.num_rows))
        events.write_batch(
            pa.record_batch([row, batch["time"], batch["user"], event_values(row, batch["fields"])], schema=EVENTS)
        )
        self._written += batch.num_rows
        self._say(Report("sorting", self._written, self._acceptable, rejected=self._reasons.total()))

    def _say(self, report: Report) -> None:
        if self._stopped():
            raise Interrupted
        self._report(report)

    def _nothing_acceptable(self) -> InputError:
        if set(self._reasons) == {"not_selected"}:
            start, end = self._selection.start, self._selection.end
            return InputError(
                f"no event of {self._path} lies in the selected time "
                f"[{'…' if start is None else to_iso(start)}, {'…' if end is None else to_iso(end)})",
                "choose another --from and --to",
            )
        if not self._first_wrong:
            return InputError(f"{self._path} holds no row", "download or copy the file again")
        counts = ", ".join(f"{reason} {count}" for reason, count in self._reasons.most_common())
        most = max(self._first_wrong, key=self._reasons.__getitem__)
        where, text = self._first_wrong[most]
        return InputError(
            f"{self._path}: not one of its {self._rows} rows is acceptable (rejected: {counts}). "
            f"{where}: {self._reader.what_is_wrong(most, text)}",
            "give a file as the study declares it, or correct [source] and [fields] of the study; the reasons are in "
            "docs/07-rejected-rows.md",
        )


def _with_files(block: JudgedBlock) -> pa.RecordBatch:
    """The rejected rows with the file that each is of."""
    rows = block.rejected
    file = pa.repeat(pa.scalar(block.file or None, pa.string()), rows.num_rows)
    return rows.append_column("file", file).append_column("file_line", pc.subtract(rows["line"], block.before))


def event_values(row: pa.Array, fields: pa.Array) -> pa.Array:
    """The records' values: `fields`, each a JSON object, with `v` and `row` put before its own keys."""
    rest = pc.binary_replace_slice(fields.cast(pa.binary()), 0, 1, b",")
    opening = pc.binary_join_element_wise(f'{{"v":{SCHEMA},"row":', row.cast(pa.string()), "")
    return pc.binary_join_element_wise(opening.cast(pa.binary()), rest, b"")
