"""Recognises this replay's own records on an events topic, and from them a partition's position. Pure.

Anybody may have written to the topic. A mark is ours if it has our manifest; an event is ours if the prepared replay has
the same bytes at its row.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from livelift.errors import StateError, VersionError
from livelift.events import UNREADABLE, Control, End, Manifest, Start, agrees_with_its_manifest, decode_control
from producer.cache import Prepared


class Record(Protocol):
    """A record of the events topic, as the consumer hands it over."""

    key: bytes | None
    value: bytes | None
    timestamp: int


class Event(NamedTuple):
    """An event as it is to be sent; time in ms."""

    key: bytes
    time: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Resume:
    """`started`: the partition has its start mark; `ended`: its end mark; rows below `next_row` are there."""

    started: bool = False
    ended: bool = False
    next_row: int = 0


class _Numbered(msgspec.Struct):
    row: int


_decode_row = msgspec.json.Decoder(_Numbered).decode


class OwnRecords:
    """Tells the records of the replay of `manifest` from others'.

    Parameters
    ----------
    event
        The replay's event of a row.
    topic
        The topic's name, for messages.
    """

    def __init__(self, manifest: Manifest, event: Callable[[int], Event], topic: str) -> None:
        self._manifest = manifest
        self._event = event
        self._topic = topic

    def has_start(self, records: Iterable[Record]) -> bool:
        """Does a partition, whose records from the first on these are, hold this replay?

        Raises
        ------
        StateError
            If it holds another one: its first start mark is not ours.
        """
        for record in records:
            mark = _mark(record)
            if isinstance(mark, Start) and mark.row == 0:  # where a producer resumes there is another one
                if mark.manifest != self._manifest:
                    raise StateError(
                        f"{self._topic} holds the replay of other data, or of another selection of it",
                        "a changed input is a new run: give another LIVELIFT_RUN",
                    )
                return True
        return False

    def position(self, backwards: Iterable[Record]) -> Resume:
        """Where a partition stands by the last record of ours; `backwards` begins with its last one."""
        for record in backwards:
            found = self._mark_says(record) if record.key is None else self._event_says(record)
            if found is not None:
                return found
        return Resume()

    def _mark_says(self, record: Record) -> Resume | None:
        mark = _mark(record)
        if mark is None or mark.manifest != self._manifest:
            return None
        return Resume(True, isinstance(mark, End), mark.row)

    def _event_says(self, record: Record) -> Resume | None:
        try:
            row = _decode_row(record.value).row  # type: ignore[arg-type]  # None is a TypeError
        except UNREADABLE:
            return None
        if not 0 <= row < self._manifest.accepted:
            return None
        is_ours = self._event(row) == (record.key, record.timestamp, record.value)
        return Resume(True, False, row + 1) if is_ours else None


def _mark(record: Record) -> Control | None:
    """The mark in a record; None if there is none, or one that contradicts itself."""
    if record.key is not None:
        return None
    try:
        mark = decode_control(record.value)
    except (*UNREADABLE, VersionError):
        return None
    return mark if agrees_with_its_manifest(mark) else None


class PreparedEvents:
    """The events of a prepared replay by row; those around the last one asked for are at hand."""

    def __init__(self, prepared: Prepared) -> None:
        self._file = pq.ParquetFile(prepared.events)
        self._group: tuple[int, pa.Table] | None = None  # its first row

    def __call__(self, row: int) -> Event:
        first, table = self._group_with(row)
        (found,) = table.slice(row - first, 1).to_pylist()
        return Event(found["user"].encode(), found["time"], found["value"])

    def _group_with(self, row: int) -> tuple[int, pa.Table]:
        group = self._group
        if group is None or not group[0] <= row < group[0] + group[1].num_rows:
            number, first = self._find(row)
            group = self._group = first, self._file.read_row_group(number, ["time", "user", "value"])
        return group

    def _find(self, row: int) -> tuple[int, int]:
        """Number and first row of the row group that holds `row`."""
        first = 0
        for number, rows in self._rows():
            if row < first + rows:
                return number, first
            first += rows
        raise IndexError(row)

    def _rows(self) -> Iterator[tuple[int, int]]:
        metadata = self._file.metadata
        for number in range(self._file.num_row_groups):
            yield number, metadata.row_group(number).num_rows
