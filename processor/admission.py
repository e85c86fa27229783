"""Validates records of the events topic: which belong to this run, and why others are rejected. Pure.

The topic is open to whoever reaches the broker, so a record counts only if the run's producer can have written it: its
manifest, its row numbers and what its latest mark announced say what can follow. Every judgement is a function of the
record and of what the partition's own state holds, so that a record read again after a crash is judged the same.
"""

from collections.abc import Callable

import msgspec

from broker.repeats import Taken
from livelift.errors import VersionError
from livelift.events import (
    MOST_USER_BYTES,
    UNREADABLE,
    Control,
    Manifest,
    Start,
    agrees_with_its_manifest,
    decode_control,
    has_other_schema,
)
from livelift.refusals import FOREIGN_MARK, SCHEMA, UNDECODABLE, WRONG_PARTITION

NO_ROW = (1 << 63) - 1
"""Above every row."""

MOST_WAITING_BYTES = 256 << 10
"""With allowed lateness an event's value waits in its user's record of state, which has to fit a Kafka batch of 1 MiB."""


def belongs_here(key: bytes) -> bool:
    """The rule of a topic of one partition."""
    return True


def unreadable(value: bytes | None) -> str:
    """The reason for a value that could not be decoded."""
    return SCHEMA if has_other_schema(value) else UNDECODABLE


class Known(msgspec.Struct, array_like=True, gc=False):
    """What the marks of a partition have told; the default is a partition without one.

    Attributes
    ----------
    manifest
        That of the first start mark: marks of another one are foreign.
    row_limit, time_limit
        No row at or above `row_limit` and no event after `time_limit` ms has been announced.
    resent_from
        Rows from here on may come again: a producer has begun again there.
    taken
        The newest batch that was read of each producer.
    """

    manifest: Manifest | None = None
    row_limit: int = 0
    time_limit: int = -1
    resent_from: int = NO_ROW
    taken: Taken = msgspec.field(default_factory=dict)


class Admission:
    """Judges a partition's records.

    Parameters
    ----------
    belongs
        Tells whether a key belongs to the partition.
    """

    def __init__(self, belongs: Callable[[bytes], bool]) -> None:
        self._belongs = belongs

    def mark(self, value: bytes | None, known: Known, row: int, reached: int) -> Control | str:
        """The control mark in the value of a record without key, or the reason why it is refused.

        Parameters
        ----------
        known
            What earlier marks told; what this one tells is added to it.
        row
            The greatest row that was passed.
        reached
            The greatest event time of the partition so far, in ms.
        """
        try:
            mark = decode_control(value)
        except VersionError:
            return SCHEMA
        except UNREADABLE:
            return unreadable(value)
        if not agrees_with_its_manifest(mark):
            return FOREIGN_MARK
        if known.manifest is None:
            if not isinstance(mark, Start) or mark.row:
                return FOREIGN_MARK
            known.manifest = mark.manifest
        elif mark.manifest != known.manifest or (mark.row <= row and mark.time > reached):  # rows rise with time
            return FOREIGN_MARK
        elif isinstance(mark, Start):
            known.resent_from = min(known.resent_from, mark.row)
        _announced(mark, known)
        return mark

    def key(self, key: bytes) -> str | None:
        """Why no user of this partition can have `key`; None if one can."""
        if not key or len(key) > MOST_USER_BYTES:
            return UNDECODABLE
        try:
            key.decode()
        except UnicodeDecodeError:
            return UNDECODABLE
        return None if self._belongs(key) else WRONG_PARTITION


def _announced(mark: Control, known: Known) -> None:
    """Add what may follow `mark`."""
    manifest = mark.manifest
    rows = manifest.accepted if mark.row_limit is None else mark.row_limit
    time = manifest.last if mark.time_limit is None else max(mark.time, mark.time_limit)
    known.row_limit = max(known.row_limit, rows)
    known.time_limit = max(known.time_limit, time)
