"""When a partition's state is written: every few seconds, not with every batch. Pure: the clock is passed in.

State says from where a partition is read again after a crash. What came since is then applied again and gives the same
outputs, which stats knows by their fences (promise P2). Writing it seldom costs some seconds of work after a crash, and
saves most of the writing where users are many: between two writes a user is written once.
"""

from collections.abc import Mapping

from processor.changelog import Records, StateWriter
from processor.partition import Partition
from processor.states import States
from processor.user_state import UserState


class Checkpoint:
    """The users of one partition that are to be written, for one assignment."""

    def __init__(self, writer: StateWriter, states: States, seconds: float) -> None:
        self._writer = writer
        self._states = states
        self._seconds = seconds
        self._touched: dict[bytes, UserState] = {}
        self._written_at: float | None = None

    def records(self, partition: Partition, touched: Mapping[bytes, UserState], now: float) -> Records:
        """A batch changed the users `touched`: all records to write at `now` seconds. None unless it is time: with the first
        batch of an assignment, every few seconds, and at the end of the stream."""
        self._touched.update(touched)
        early = self._written_at is not None and now - self._written_at < self._seconds
        if early and not partition.ended:
            return []
        self._written_at = now
        records: Records = list(self._writer.records(partition, self._touched.values()))
        self._states.written(records, self._touched)
        self._touched.clear()
        return records
