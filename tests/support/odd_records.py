"""Records on the events topic that the producer did not write: every kind that the processor has to refuse."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from livelift.event_time import DAY
from livelift.events import Control, End, Manifest, Progress, Start, encode_control
from tests.support.streams import FakeRecord


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a partition's log a record is put: the greatest row and time so far, and the replay's manifest."""

    row: int
    time: int
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Odd:
    """A record and the reason for which it has to be refused."""

    reason: str
    key: bytes | None
    value: bytes | None
    time: int


def _event(place: Place, **other: object) -> bytes:
    fields = {"v": 1, "row": place.row + 1, "artist_id": "x", "artist": "X"}
    return msgspec.json.encode({name: value for name, value in {**fields, **other}.items() if value is not ...})


def _mark(place: Place, kind: type[Control] = Progress, **other: object) -> bytes:
    fields = {"time": place.time, "row": place.row + 1, "manifest": place.manifest}
    return encode_control(kind(**{**fields, **other}))


def _other(place: Place) -> Manifest:
    return msgspec.structs.replace(place.manifest, rows=place.manifest.rows + 1, accepted=place.manifest.accepted + 1)


NESTED = b'{"v":1,"x":' + b"[" * 100_000
HUGE = b'{"v":1,"row":"' + b"x" * (2 << 20) + b'"}'
MICROSECONDS = 1_000
BIG = 10**29

Make = Callable[[Place], tuple[str, bytes | None, bytes | None, int]]
"""(reason, key, value, time in ms) of a record at a place."""

MAKERS: dict[str, Make] = {
    "keyless text": lambda at: ("undecodable", None, b"hello", at.time),
    "keyless event": lambda at: ("undecodable", None, _event(at), at.time),
    "keyless tombstone": lambda at: ("undecodable", None, None, at.time),
    "keyless nothing": lambda at: ("undecodable", None, b"", at.time),
    "keyless nested": lambda at: ("undecodable", None, b'{"control":"progress","x":' + b"[" * 100_000, at.time),
    "keyless not UTF-8": lambda at: ("undecodable", None, b'{"control":"\xff"}', at.time),
    "tombstone": lambda at: ("undecodable", b"a", None, at.time),
    "empty value": lambda at: ("undecodable", b"a", b"", at.time),
    "text": lambda at: ("undecodable", b"a", b"hello", at.time),
    "value not UTF-8": lambda at: ("undecodable", b"a", _event(at).replace(b'"X"', b'"\xff"'), at.time),
    "byte order mark": lambda at: ("undecodable", b"a", b"\xef\xbb\xbf" + _event(at), at.time),
    "lone surrogate": lambda at: ("undecodable", b"a", _event(at).replace(b'"X"', b'"\\ud800"'), at.time),
    "an array": lambda at: ("undecodable", b"a", b"[]", at.time),
    "a number": lambda at: ("undecodable", b"a", b"7", at.time),
    "cut short": lambda at: ("undecodable", b"a", _event(at)[:-1], at.time),
    "nested": lambda at: ("undecodable", b"a", NESTED, at.time),
    "huge": lambda at: ("undecodable", b"a", HUGE, at.time),
    "another type": lambda at: ("undecodable", b"a", _event(at, artist=7), at.time),
    "row as text": lambda at: ("undecodable", b"a", _event(at, row="1"), at.time),
    "row as fraction": lambda at: ("undecodable", b"a", _event(at, row=1.5), at.time),
    "no row": lambda at: ("undecodable", b"a", _event(at, row=...), at.time),
    "null row": lambda at: ("undecodable", b"a", _event(at, row=None), at.time),
    "no schema": lambda at: ("undecodable", b"a", _event(at, v=...), at.time),
    "empty key": lambda at: ("undecodable", b"", _event(at), at.time),
    "key not UTF-8": lambda at: ("undecodable", b"\xff\xfe", _event(at), at.time),
    "huge key": lambda at: ("undecodable", b"k" * (1 << 20), _event(at), at.time),
    "mark as an event": lambda at: ("undecodable", b"a", _mark(at), at.time),
    "unknown schema": lambda at: ("schema", b"a", _event(at, v=9), at.time),
    "schema 0": lambda at: ("schema", b"a", _event(at, v=0), at.time),
    "mark of unknown schema": lambda at: ("schema", None, _mark(at, v=9), at.time),
    "row far too high": lambda at: ("no_such_row", b"a", _event(at, row=10**9), at.time),
    "row one too high": lambda at: ("no_such_row", b"a", _event(at, row=at.manifest.accepted), at.time),
    "row of no computer": lambda at: (
        "no_such_row",
        b"a",
        _event(at).replace(b'"row":%d' % (at.row + 1), b'"row":%d' % BIG),
        at.time,
    ),
    "row passed": lambda at: ("no_such_row", b"a", _event(at, row=at.row), at.time),
    "row passed, in the past": lambda at: ("no_such_row", b"a", _event(at, row=at.row), at.time - DAY),
    "negative row": lambda at: ("no_such_row", b"a", _event(at, row=-1), at.time),
    "row of minus a lot": lambda at: ("no_such_row", b"a", _event(at, row=-(10**18)), at.time),
    "now": lambda at: ("out_of_range", b"a", _event(at), 1_795_000_000_000),
    "microseconds": lambda at: ("out_of_range", b"a", _event(at), max(at.time, 1) * MICROSECONDS),
    "a moment after the last": lambda at: ("out_of_range", b"a", _event(at), at.manifest.last + 1),
    "greatest timestamp": lambda at: ("out_of_range", b"a", _event(at), (1 << 63) - 1),
    "stranger's mark": lambda at: ("foreign_mark", None, _mark(at, manifest=_other(at)), at.time),
    "stranger's start": lambda at: ("foreign_mark", None, _mark(at, Start, manifest=_other(at)), at.time),
    "stranger's end": lambda at: ("foreign_mark", None, _mark(at, End, manifest=_other(at)), at.time),
    "end of too few rows": lambda at: ("foreign_mark", None, _mark(at, End, row=at.manifest.accepted - 1), at.time),
    "mark after the last event": lambda at: ("foreign_mark", None, _mark(at, time=at.manifest.last + 1), at.time),
    "mark of now": lambda at: ("foreign_mark", None, _mark(at, time=1_795_000_000_000), at.time),
    "mark before the first": lambda at: ("foreign_mark", None, _mark(at, time=at.manifest.first - 1), at.time),
    "mark of too many rows": lambda at: ("foreign_mark", None, _mark(at, row=at.manifest.accepted + 1), at.time),
    "mark of minus one row": lambda at: ("foreign_mark", None, _mark(at, row=-1), at.time),
    "mark announces too much": lambda at: (
        "foreign_mark",
        None,
        _mark(at, row_limit=at.manifest.accepted + 1),
        at.time,
    ),
    "mark announces the future": lambda at: ("foreign_mark", None, _mark(at, time_limit=at.manifest.last + 1), at.time),
}
"""By name. All of them are refused between two events of a replay, whatever is next."""


def odd_record(name: str, place: Place) -> Odd:
    return Odd(*MAKERS[name](place))


def put_in(log: list[FakeRecord], odd: dict[int, list[str]]) -> tuple[list[FakeRecord], list[tuple[str, int]]]:
    """`log` with odd records, by name, before the record of each index (above 0: the start mark is first).

    Returns the longer log, and (reason, offset) of every odd record.
    """
    manifest = msgspec.json.decode(msgspec.json.encode(msgspec.json.decode(log[0].value)["manifest"]), type=Manifest)
    longer: list[FakeRecord] = []
    refused = []
    row, time = -1, manifest.first
    for index, record in enumerate(log):
        for name in odd.get(index, []):
            made = odd_record(name, Place(row, time, manifest))
            refused.append((made.reason, len(longer)))
            longer.append(FakeRecord(len(longer), made.time, made.key, made.value))  # type: ignore[arg-type]
        longer.append(replace(record, offset=len(longer)))
        if record.key is not None:
            row = max(row, msgspec.json.decode(record.value)["row"])
        time = max(time, record.timestamp)
    return longer, refused
