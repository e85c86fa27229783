"""Record formats of the events topic: one record an event, and control marks on every partition.

An event record has key = user id (UTF-8), timestamp = event time in ms, value = readable JSON with at least `v`, `row`
and the study's fields. A control mark has no key; its value is a `Control`. Values start with `{"v":<schema>`.

The topic is open to anybody: a reader judges every record (`processor.admission`, `producer.resume`).
"""

import msgspec

from livelift.errors import VersionError

SCHEMA = 1

MOST_USER_BYTES = 128 << 10
"""A longer user id would not fit its record of state, which holds it twice. Whoever admits events goes by this one limit."""


class Manifest(msgspec.Struct, frozen=True):
    """What became of the input before the stream.

    rows = accepted + Σ rejected + duplicates; `first` and `last` are the accepted events' least and greatest time in
    ms; `until` is the exclusive end of a selected range (`--to`) in ms, if the input has rows at or after it: a range that is
    asked for beyond the last row is no data.
    """

    rows: int
    accepted: int
    rejected: dict[str, int]
    duplicates: int
    first: int
    last: int
    until: int | None = None

    @property
    def covers_until(self) -> int:
        """Every event before this time is in the stream, in ms."""
        return max(self.last, self.until or 0)


class Control(msgspec.Struct, frozen=True, tag_field="control", omit_defaults=False):
    """A mark written to every partition.

    v
        Schema version.
    time
        No event before this time follows on the partition, in ms.
    row
        How many rows of the whole replay were sent before it: a producer resumes from here.
    row_limit, time_limit
        Until the next mark no row at or above `row_limit` follows, and no event after `time_limit` ms: what does is not
        the producer's. None: the manifest is the only limit.
    """

    time: int
    row: int
    manifest: Manifest
    v: int = SCHEMA
    row_limit: int | None = None
    time_limit: int | None = None


class Start(Control, frozen=True, tag="start"):
    """The stream begins; `time` is the first event's.

    A producer that resumes writes it again: from then on, rows from `row` on may come a second time.
    """


class Progress(Control, frozen=True, tag="progress"):
    """So that a quiet partition moves on."""


class End(Control, frozen=True, tag="end"):
    """Nothing follows; `time` is the last event's."""


def agrees_with_its_manifest(mark: Control) -> bool:
    """Can `mark` be of the replay that its manifest describes? One that contradicts itself is nobody's."""
    manifest = mark.manifest
    if not (
        manifest.accepted > 0
        and manifest.first <= manifest.last
        and manifest.rows == manifest.accepted + sum(manifest.rejected.values()) + manifest.duplicates
    ):
        return False
    if isinstance(mark, End):
        return mark.row == manifest.accepted and mark.time == manifest.last
    return (
        0 <= mark.row <= manifest.accepted
        and manifest.first <= mark.time <= manifest.last
        and (mark.row_limit is None or mark.row <= mark.row_limit <= manifest.accepted)
        and (mark.time_limit is None or manifest.first <= mark.time_limit <= manifest.last)
    )


UNREADABLE = (ValueError, TypeError, RecursionError)
"""What decoding raises for bytes that are no record: malformed JSON or UTF-8, another type, no value, too deep nesting."""

_decode_control = msgspec.json.Decoder(Start | Progress | End).decode
_encode = msgspec.json.Encoder().encode


def encode_control(mark: Control) -> bytes:
    return _encode(mark)


def decode_control(value: bytes | None) -> Start | Progress | End:
    """The mark in `value`.

    Raises
    ------
    VersionError
        If it was written by another schema.
    ValueError, TypeError, RecursionError
        If it is not a mark (`UNREADABLE`).
    """
    mark: Start | Progress | End = _decode_control(value)  # type: ignore[arg-type]  # None is a TypeError
    if mark.v != SCHEMA:
        raise VersionError(
            f"a control mark has schema {mark.v}, this program reads {SCHEMA}",
            "replay with the program that reads it: livelift reset, then livelift demo",
        )
    return mark


class _Versioned(msgspec.Struct):
    v: int


_decode_version = msgspec.json.Decoder(_Versioned).decode


def has_other_schema(value: bytes | None) -> bool:
    """Does an unreadable record say that it is of another schema version?

    >>> has_other_schema(b'{"v":9,"row":1}'), has_other_schema(b'{"v":1}'), has_other_schema(b"hello")
    (True, False, False)
    """
    try:
        return _decode_version(value).v != SCHEMA  # type: ignore[arg-type]  # None is a TypeError
    except UNREADABLE:
        return False
