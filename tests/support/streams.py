"""Small streams of Kafka-like records for the pure tests: events of a few users, cut over partitions and batches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from broker.repeats import Numbers
from livelift.events import Control, End, Manifest, Progress, Start, encode_control

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class FakeRecord:
    """What the operator reads of a consumer record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Listen:
    """A play of a test: time in ms, user, artist."""

    time: int
    user: str
    artist: str = "a"


def event_value(row: int, artist: str) -> bytes:
    return _encode({"v": 1, "row": row, "artist_id": artist, "artist": artist.upper()})


def manifest(listens: list[Listen], until: int | None = None) -> Manifest:
    times = [listen.time for listen in listens]
    return Manifest(len(listens), len(listens), {}, 0, min(times), max(times), until)


def partition_of(user: str, partitions: int) -> int:
    return sum(user.encode()) % partitions


def partition_records(
    listens: list[Listen], partitions: int = 1, *, progress_every: int = 0, until: int | None = None
) -> list[list[FakeRecord]]:
    """The event records of each partition, with start, progress and end marks, as the producer would send them."""
    listens = sorted(listens, key=lambda listen: (listen.time, listen.user.encode()))
    about = manifest(listens, until)
    logs: list[list[FakeRecord]] = [[] for _ in range(partitions)]

    def to_all(mark: Control) -> None:
        for log in logs:
            log.append(FakeRecord(len(log), mark.time, None, encode_control(mark)))

    to_all(Start(about.first, 0, about))
    for row, listen in enumerate(listens):
        log = logs[partition_of(listen.user, partitions)]
        log.append(FakeRecord(len(log), listen.time, listen.user.encode(), event_value(row, listen.artist)))
        if progress_every and row % progress_every == progress_every - 1:
            to_all(Progress(listen.time, row + 1, about))
    to_all(End(about.last, len(listens), about))
    return logs


@dataclass(frozen=True, slots=True)
class FakeBatch:
    """Records that were fetched together, and the offsets that they cover."""

    first: int
    last: int
    records: tuple[FakeRecord, ...]
    numbers: Numbers | None = None

    def __iter__(self) -> Iterator[FakeRecord]:
        return iter(self.records)


def spread(records: list[FakeRecord], gaps: list[int]) -> list[FakeRecord]:
    """The records with so many offsets left free before each: markers of transactions, or what compaction took out."""
    offset, spread = -1, []
    for record, gap in zip(records, gaps, strict=True):
        offset += 1 + gap
        spread.append(replace(record, offset=offset))
    return spread


def batches(records: list[FakeRecord], cuts: list[int], tail: int = 0) -> list[FakeBatch]:
    """The records as Kafka batches of the sizes `cuts`, of which some may be 0: what one asks for begins where the last
    one ended. `tail` offsets without a record follow the last one."""
    made: list[FakeBatch] = []
    first = start = 0
    for cut in [*cuts, len(records)]:
        piece = tuple(records[start : start + cut])
        if start < len(records):
            last = piece[-1].offset if piece else max(first, records[start].offset - 1)
            last = max(last, first)
            if piece or last < records[start].offset:
                made.append(FakeBatch(first, last, piece))
                first = last + 1
                start += len(piece)
    if tail:
        made.append(FakeBatch(first, first + tail - 1, ()))
    return made
