"""What travels on the events topic: one record an event, and control marks on every partition.

An event record has key = user id (UTF-8), timestamp = event time in ms, value = readable JSON with at least `v`, `row`
and the study's fields. A control mark has no key; its value is a `Control`. Values start with `{"v":<schema>`.
"""

import msgspec

from livelift.errors import VersionError

SCHEMA = 1


class Manifest(msgspec.Struct, frozen=True):
    """What became of the input before the stream.

    rows = accepted + Σ rejected + duplicates; `first` and `last` are the accepted events' least and greatest time in
    ms; `until` is the exclusive end of a selected range (`--to`) in ms, if one was given.
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
    """

    time: int
    row: int
    manifest: Manifest
    v: int = SCHEMA


class Start(Control, frozen=True, tag="start"):
    """The stream begins; `time` is the first event's."""


class Progress(Control, frozen=True, tag="progress"):
    """So that a quiet partition moves on."""


class End(Control, frozen=True, tag="end"):
    """Nothing follows; `time` is the last event's."""


_decode_control = msgspec.json.Decoder(Start | Progress | End).decode
_encode = msgspec.json.Encoder().encode


def encode_control(mark: Control) -> bytes:
    return _encode(mark)


def decode_control(value: bytes) -> Start | Progress | End:
    """The mark in `value`.

    Raises
    ------
    VersionError
        If it was written by another schema.
    msgspec.MsgspecError
        If it is not a mark.
    """
    mark: Start | Progress | End = _decode_control(value)
    if mark.v != SCHEMA:
        raise VersionError(
            f"a control mark has schema {mark.v}, this program reads {SCHEMA}",
            "replay with the program that reads it: livelift reset, then livelift demo",
        )
    return mark
