"""Applies the records of one partition in order: validate, advance the watermark, fire timers, update windows. Pure:
no clock, client or await.

The watermark moves with every record, never at batch grain, and fires the timers in the order (due, kind, user). Sessions that
it makes due are closed by the end of the batch, and the batch's outputs sorted. How the records are cut into batches, and
where a crash cut them anew, therefore leaves no trace in the outputs (promise P2).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Self

from broker.repeats import taken_before
from livelift.errors import StateError
from livelift.events import UNREADABLE, End
from livelift.output_log import EVENT
from livelift.refusals import NO_SUCH_ROW, OUT_OF_RANGE, UNDECODABLE
from livelift.sessions import SessionMeasures
from livelift.study import Study
from processor.admission import MOST_WAITING_BYTES, Admission, belongs_here, unreadable
from processor.effects import Batch, DeadLetter, Effects, Record
from processor.partition_state import PartitionState
from processor.table_changes import TableShard
from processor.user_state import Users
from processor.window_operator import Operator


class Partition(Operator):
    """One partition of the events topic: which of its records are applied, in which order, and how far.

    `processor.windows` makes one with the windows that the study declares.

    Attributes
    ----------
    as_of
        Offset of the last record applied; −1 before the first.
    row
        The greatest `row` passed: one that is not above it was sent twice, or is not of this replay.
    ended
        The end mark was passed.
    """

    def __init__(
        self, study: Study, measures: SessionMeasures, belongs: Callable[[bytes], bool] = belongs_here
    ) -> None:
        super().__init__(study, measures)
        self.as_of = -1
        self.row = -1
        self.ended = False
        self._admission = Admission(belongs)
        self._lateness = study.windows.lateness_ms
        self._replay_until = -1  # offsets up to here may be in a user's recovered state already

    @classmethod
    def recovered(
        cls,
        study: Study,
        measures: SessionMeasures,
        state: PartitionState,
        users: Users,
        belongs: Callable[[bytes], bool] = belongs_here,
        shards: Mapping[int, TableShard] = {},
    ) -> Self:
        """The partition as its records of state say, ready to take the record after `state.as_of`.

        A user's state may be newer than the partition's: the records of a batch are not written atomically. Events that
        it holds already are then skipped by their offset.
        """
        partition = cls(study, measures, belongs)
        partition.as_of, partition.row, partition.ended = state.as_of, state.row, state.ended
        partition.accepted, partition.late = state.counts.accepted, state.counts.late
        partition.refused, partition.repeated = dict(state.counts.refused), state.counts.repeated
        partition.known = state.known
        if partition._tables is not None:
            partition._tables.restore(shards, state.as_of)
        partition._replay_until = partition._recover(users, state.watermark, ended=state.ended)
        return partition

    def state(self) -> PartitionState:
        """The partition without its users, to be written after them."""
        return PartitionState(self.as_of, self.watermark, self.row, self.counts, self.ended, self.known)

    def apply(self, records: Iterable[Record]) -> Effects:
        """Take the partition's next records, in offset order and without a gap.

        Raises
        ------
        StateError
            If records are missing between the state and the first one.
        """
        return self._counted(lambda effects: self._apply(self._in_order(records), effects))

    def apply_batches(self, batches: Iterable[Batch]) -> Effects:
        """Take the partition's next Kafka batches, in order: offsets that a batch covers and has no record of never held
        one of ours. A batch that the broker took twice counts once.

        Raises
        ------
        StateError
            If batches are missing between the state and the first one.
        """

        def apply(effects: Effects) -> None:
            for batch in batches:
                as_of = self.as_of
                self._expect(batch.first)
                if not taken_before(batch.numbers, self.known.taken):
                    self._apply(batch if batch.first > as_of else (r for r in batch if r.offset > as_of), effects)
                self.as_of = max(as_of, batch.last)

        return self._counted(apply)

    def _counted(self, apply: Callable[[Effects], None]) -> Effects:
        effects = Effects()
        before = self.counts
        apply(effects)
        self._complete(effects)
        effects.counts = self.counts - before
        return effects

    def _expect(self, offset: int) -> None:
        if offset > self.as_of + 1:
            raise StateError(
                f"the events between offset {self.as_of} and {offset} are missing",
                "start a new run: livelift reset, then livelift demo",
            )

    def _in_order(self, records: Iterable[Record]) -> Iterable[Record]:
        for record in records:
            self._expect(record.offset)
            if record.offset > self.as_of:
                yield record
                self.as_of = record.offset

    def _apply(self, records: Iterable[Record], effects: Effects) -> None:
        """Take records after `as_of`, which the caller then moves."""
        users, touched, known, lateness = self.users, self._touched, self.known, self._lateness
        decode, extend, last, most_gap = self._measures.decode, self._measures.extend, self._open.last, self._gap
        tables = self._tables
        recovered = self.as_of < self._replay_until
        for record in records:
            key = record.key
            if key is None:
                self._control(record, effects)
                continue
            try:
                event = decode(record.value)  # type: ignore[arg-type]  # None is a TypeError
            except UNREADABLE:
                self._refuse(record, unreadable(record.value), effects)
                continue
            row = event.row
            time = record.timestamp
            if not self.row < row < known.row_limit or time < self.watermark:
                self._out_of_turn(record, row, effects)
                continue
            user = users.get(key)
            if user is None:  # of a known user the key was judged before
                reason = OUT_OF_RANGE if time > known.time_limit else self._admission.key(key)
                if reason:
                    self._refuse(record, reason, effects, row)
                    continue
            if lateness:
                self._wait(record, row, effects)
                continue
            if time >= self._fire_at:
                if time > known.time_limit:
                    self._refuse(record, OUT_OF_RANGE, effects, row)
                    continue
                self._advance(time, effects)  # before the count: a mark holds what came before it
            else:
                self.watermark = time
            self.row = row
            self.accepted += 1
            if user is None:
                user = self._meet(key)
            if recovered and record.offset <= user.as_of:
                continue  # its state was restored with this event in it
            if tables is not None:
                tables.add(user, time, record.offset, event)
            accumulator = user.accumulator
            gap = time - user.session_last
            if accumulator is not None and gap <= most_gap and time < user.day_end:  # what nearly all events do
                extend(accumulator, event, gap)
                user.session_last = last[user.place] = time
            else:
                self._take(user, time, event, effects)
            if not user.touched:  # as `_touch` does, without a call
                user.touched = True
                touched.append(user)

    # Allowed lateness: an accepted event waits among the timers until the watermark passes it.

    def _wait(self, record: Record, row: int, effects: Effects) -> None:
        key, time, offset, value = record.key, record.timestamp, record.offset, record.value
        assert key is not None and value is not None, "an event was decoded"
        if time > self.known.time_limit or len(value) > MOST_WAITING_BYTES:
            self._refuse(record, UNDECODABLE if len(value) > MOST_WAITING_BYTES else OUT_OF_RANGE, effects, row)
            return
        self.row = row
        self.accepted += 1
        user = self.users.get(key) or self._meet(key)
        if offset > user.as_of:  # else it was recovered with this event in it
            user.waiting = (*user.waiting, (time, offset, value))
            self._timers.push((time, EVENT, offset, key, value))
            self._rearm()
            self._touch(user)
        # At least to where it is: an event of that very time does not wait, so that what is before the watermark and what waits is told
        # apart by the time alone, as the records of state of the tables do.
        self._advance(max(self.watermark, time - self._lateness), effects)

    # What comes from the producer or goes to the dead letters.

    def _control(self, record: Record, effects: Effects) -> None:
        mark = self._admission.mark(record.value, self.known, self.row, self.watermark + self._lateness)
        if isinstance(mark, str):
            self._refuse(record, mark, effects)
            return
        if not self.ended:
            self._rearm()  # more was announced
            self._advance(mark.time, effects)
            if isinstance(mark, End):
                self._finish(mark.manifest, effects)
                self.ended = True
        if self.ended:
            self.known.row_limit = 0  # no row follows, whatever a second producer's marks announce

    def _out_of_turn(self, record: Record, row: int, effects: Effects) -> None:
        """An event whose row or time is not among those that can come now."""
        known, time, key = self.known, record.timestamp, record.key
        assert key is not None, "a record without a key is a control mark or refused"
        if known.manifest is not None and time > known.manifest.last:
            self._refuse(record, OUT_OF_RANGE, effects, row)
        elif reason := self._admission.key(key):  # before the row, so that it is the same reason as in turn
            self._refuse(record, reason, effects, row)
        elif row <= self.row:
            if row < known.resent_from or time > self.watermark + self._lateness:
                self._refuse(record, NO_SUCH_ROW, effects, row)
            else:  # it was sent twice, by a producer that was killed with requests in flight
                self.repeated += 1
        elif known.manifest is None or row >= known.manifest.accepted or (time >= self.watermark and not self.ended):
            self._refuse(record, NO_SUCH_ROW, effects, row)
        else:
            # The row stays where it is: rows rise with time, so this is no record of the run's producer, and the rows between
            # are still to come.
            self.late += 1
            effects.dead_letters.append(DeadLetter(record.offset, "late", row, record.key, record.value))

    def _refuse(self, record: Record, reason: str, effects: Effects, row: int = -1) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1
        effects.dead_letters.append(DeadLetter(record.offset, reason, row, record.key, record.value))
