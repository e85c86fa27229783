"""Checkpoint policy: a partition's state is written every few seconds, not with every batch. Pure: the clock is passed
in.

State says from where a partition is read again after a crash. What came since is then applied again and gives the same
outputs, which stats knows by their cursors (promise P2). Writing it seldom costs some seconds of work after a crash, and
saves most of the writing where users are many: between two writes a user is written once.
"""

from collections.abc import Iterable

from processor.changelog import KeyValue, StateWriter
from processor.partition import Partition
from processor.states import States

EVENTS_A_USER = 6
"""Writing waits until there were so many events for each user or group of a table to write: one costs about as much as an event."""

LONGEST = 6
"""It waits at most so many times the usual seconds; not at all where users are on disk."""


class Checkpoint:
    """When and what is written of one partition, for one assignment: with its first batch, every `seconds` or somewhat later
    (`EVENTS_A_USER`), and at the end of the stream."""

    def __init__(self, writer: StateWriter, states: States, seconds: float) -> None:
        self._writer = writer
        self._states = states
        self._seconds = seconds
        self._written_at: float | None = None
        self._as_of = -1  # the offset up to which everything is written

    def records(self, partition: Partition, now: float) -> Iterable[KeyValue]:
        """A batch was applied: all records to write at `now` seconds; none unless it is time.

        They are made while one goes through them, which is to be done before the next batch is applied: a million users'
        records would fill the memory.
        """
        if not (partition.ended or self._is_time(partition, now)):
            return []
        self._written_at = now
        self._as_of = partition.as_of
        touched = partition.take_touched()
        return self._states.written(self._writer.records(partition, touched), touched)

    def _is_time(self, partition: Partition, now: float) -> bool:
        if self._written_at is None:
            return True
        waited = now - self._written_at
        if waited < self._seconds:
            return False
        if not self._states.in_memory:
            return True  # those who changed stay in memory until they are written
        events = partition.as_of - self._as_of
        return events >= EVENTS_A_USER * partition.to_write or waited >= LONGEST * self._seconds
