"""The session operator of one partition: records in, ordered outputs out. Pure: no clock, no client, no await.

The watermark moves with every record, never at batch grain, and fires the timers in the order (due, kind, user). How
the records are cut into batches, and where a crash cut them anew, therefore leaves no trace in the outputs (promise P2).
"""

from collections.abc import Iterable
from operator import add, mul
from typing import Any

import msgspec

from livelift.assignment import VARIANTS, variant_of
from livelift.errors import StateError
from livelift.event_time import DAY, MINUTE, next_midnight
from livelift.events import Control, End, Manifest, decode_control
from livelift.output_log import (
    END_DUE,
    EVENT,
    MARK,
    SCHEMA,
    SESSION,
    USER_DAY,
    ClosedSession,
    Counts,
    EndMark,
    Mark,
    UserDay,
)
from livelift.sessions import SessionMeasures
from livelift.study import Study
from processor.effects import DeadLetter, Effects, Record
from processor.timers import Timer, Timers
from processor.user_state import Users, UserState

NEVER = END_DUE


class Partition:
    """The operator's state of one partition.

    Attributes
    ----------
    as_of
        Offset of the last record applied; −1 before the first.
    watermark
        Event time in ms before which nothing on time is still to come; −1 before the first record.
    row
        The greatest `row` passed: one that is not above it was sent twice.
    ended
        The end mark was passed.
    open_sessions
        Sessions that may still go on.
    """

    def __init__(self, study: Study, measures: SessionMeasures) -> None:
        self.as_of = -1
        self.watermark = -1
        self.row = -1
        self.accepted = 0
        self.late = 0
        self.undecodable = 0
        self.manifest: Manifest | None = None
        self.ended = False
        self.open_sessions = 0
        self.users: Users = {}
        self._users_stay = True  # in memory, so that a timer may hold one: to look up its key takes long
        self._measures = measures
        self._zero = (0,) * len(measures.names)
        self._salt = study.experiment.salt
        self._control_percent = study.experiment.control_percent
        self._gap = study.sessions.gap_ms
        self._lateness = study.sessions.lateness_ms
        self._pre_start = study.experiment.pre_start_ms
        self._start = study.experiment.start_ms
        self._end = study.experiment.end_ms
        self._timers = Timers(self._session_timer)  # (due, kind, user or offset, …)
        self._ahead = max(1, self._gap - MINUTE)  # no session is due so soon that begins or goes on now
        self._fire_at = -1  # the least watermark that fires a timer; the first event always advances
        self._open_before_end = 0  # open sessions that started before the period's end
        self._touched: list[UserState] = []
        self._day: tuple[int] = (-1,)  # the latest active day of any user, and its end: users share these objects
        self._day_end = 0
        self._replay_until = -1  # offsets up to here may be in a user's recovered state already

    @classmethod
    def recovered(
        cls,
        study: Study,
        measures: SessionMeasures,
        *,
        as_of: int,
        watermark: int,
        row: int,
        counts: Counts,
        manifest: Manifest | None,
        ended: bool,
        users: Users,
    ) -> "Partition":
        """The partition as its records of state say, ready to take the record after `as_of`.

        A user's state may be newer than the partition's: the records of a batch are not written atomically. Events that
        it holds already are then skipped by their offset.
        """
        partition = cls(study, measures)
        partition.as_of = as_of
        partition.watermark = watermark
        partition.row = row
        partition.accepted, partition.late, partition.undecodable = counts.accepted, counts.late, counts.undecodable
        partition.manifest = manifest
        partition.ended = ended
        if watermark >= 0 and not ended:
            partition._timers.push((next_midnight(watermark), MARK, b""))
        partition.users = users
        partition._users_stay = isinstance(users, dict)
        for user in users.values():
            partition._replay_until = max(partition._replay_until, user.as_of)
            if user.accumulator is not None:
                partition._schedule_session(user)
            for day in user.days:
                partition._schedule_day(user.user, day)
            for time, offset, value in user.waiting:
                partition._timers.push((time, EVENT, offset, user.user, value))
        partition._rearm()
        return partition

    @property
    def counts(self) -> Counts:
        return Counts(self.accepted, self.late, self.undecodable)

    def apply(self, records: Iterable[Record]) -> Effects:
        """Take the partition's next records, in offset order.

        Raises
        ------
        StateError
            If records are missing between the state and the first one.
        VersionError
            If a control mark was written by another schema.
        """
        effects = Effects()
        before = self.counts
        users, touched = self.users, self._touched
        decode, extend = self._measures.decode, self._measures.extend
        for record in records:
            offset = record.offset
            if offset != self.as_of + 1:
                if offset <= self.as_of:
                    continue
                raise StateError(
                    f"the events between offset {self.as_of} and {offset} are missing",
                    "start a new run: livelift reset, then livelift demo",
                )
            self.as_of = offset
            key = record.key
            if key is None:
                self._control(decode_control(record.value), effects)
                continue
            try:
                event = decode(record.value)
            except msgspec.MsgspecError:
                self._reject(record, "undecodable", -1, effects)
                continue
            row = event.row
            if row <= self.row:
                continue  # sent twice by a producer that was killed with requests in flight
            self.row = row
            time = record.timestamp
            if time < self.watermark or self.ended:
                self._reject(record, "late", row, effects)
                continue
            if self._lateness:
                self.accepted += 1
                self._wait(key, time, offset, record.value, effects)
                self._advance(time - self._lateness, effects)
                continue
            if time >= self._fire_at:
                self._advance(time, effects)  # before the count: a mark holds what came before it
            else:
                self.watermark = time
            self.accepted += 1
            user = users.get(key) or self._meet(key)
            if offset <= self._replay_until and offset <= user.as_of:
                continue  # recovered with this event in it
            accumulator = user.accumulator
            if accumulator is not None and time < user.day_end:  # what nearly all events do, without a call
                extend(accumulator, event, time - user.session_last)
                user.session_last = time
            else:
                self._take(user, time, event)
            if not user.touched:  # as `_touch` does, without a call
                user.touched = True
                touched.append(user)
        effects.counts = self.counts - before
        return effects

    def _touch(self, user: UserState) -> None:
        if not user.touched:
            user.touched = True
            self._touched.append(user)

    @property
    def touched_users(self) -> int:
        """How many users changed since the last `take_touched`."""
        return len(self._touched)

    def take_touched(self) -> list[UserState]:
        """The users that changed since the last call, in the order of their first change. Their state is to be written before
        the next batch is applied (`UserForm.encode`)."""
        touched, self._touched = self._touched, []
        return touched

    def _take(self, user: UserState, time: int, event: Any) -> None:
        """Add the event to the user's open session, or begin one."""
        if user.accumulator is None:
            user.session_start = user.session_last = time
            user.accumulator = self._measures.begin(event)
            self._schedule_session(user)
        else:
            self._measures.extend(user.accumulator, event, time - user.session_last)
            user.session_last = time
        if time >= user.day_end:
            self._new_day(user, time)

    def _meet(self, key: bytes) -> UserState:
        variant = VARIANTS.index(variant_of(key.decode(), self._salt, self._control_percent))
        user = self.users[key] = UserState.new(key, variant, self._zero)
        return user

    def _new_day(self, user: UserState, time: int) -> None:
        """The user's first event of a UTC day; the period's bounds are midnights, so exposure begins on such an event."""
        if time >= self._day_end or time < self._day_end - DAY:
            self._day = (time // DAY,)
            self._day_end = next_midnight(time)
        user.day_end = self._day_end
        if self._start <= time < self._end:
            if user.exposed_at is None:
                user.exposed_at = time
            user.days = user.days + self._day
            self._schedule_day(user.user, *self._day)

    # Timers. One entry per open session, at its due or earlier; one per user-day; one for the next midnight.

    def _schedule_session(self, user: UserState) -> None:
        self.open_sessions += 1
        if user.session_start < self._end:
            self._open_before_end += 1
        due = user.session_last + self._gap
        self._timers.push_session(due, user if self._users_stay else user.user)
        self._fire_at = min(self._fire_at, due + 1)

    def _schedule_day(self, key: bytes, day: int) -> None:
        """A day is resolved at the end of the next one, if that is inside the period too."""
        if (day + 2) * DAY <= self._end:
            due = (day + 2) * DAY
            self._timers.push((due, USER_DAY, key))
            self._fire_at = min(self._fire_at, due + 1)

    def _user_of(self, who: Any) -> UserState:
        """Whom a session's timer holds: the user, or the key where users don't stay in memory."""
        user: UserState = who if self._users_stay else self.users[who]
        return user

    def _session_timer(self, who: Any) -> Timer:
        """Of a user's open session, as of its last event by now: it fires once the watermark is beyond."""
        user = self._user_of(who)
        return user.session_last + self._gap, SESSION, user.user, who

    def _rearm(self) -> None:
        timer = self._timers.first(self.watermark + self._ahead)
        if timer is not None:
            self._fire_at = timer[0] + (timer[1] >= SESSION)
            return
        minute = self._timers.next_minute()
        if minute is not None:
            self._fire_at = minute
        else:
            self._fire_at = NEVER if self.watermark >= 0 else -1

    def _advance(self, watermark: int, effects: Effects) -> None:
        """Move the watermark to `watermark` ms, never back, and fire what it passes."""
        if self.watermark < 0 <= watermark:
            self._timers.push((next_midnight(watermark), MARK, b""))
            self._rearm()
        self.watermark = max(self.watermark, watermark)
        while watermark >= self._fire_at:
            if self._timers.any_open():
                self._fire(self._timers.pop(), effects)
            self._rearm()

    def _fire(self, timer: Timer, effects: Effects) -> None:
        due, kind = timer[:2]
        if kind == SESSION:
            self._close(due, timer[3], effects)
        elif kind == USER_DAY:
            self._resolve_day(due, timer[2], effects)
        elif kind == MARK:
            complete = due >= self._end and self._open_before_end == 0
            effects.outputs.append(Mark(SCHEMA, due, self.counts, complete, self.manifest))
            self._timers.push((due + DAY, MARK, b""))
        else:
            self._release(timer, effects)

    def _close(self, due: int, who: Any, effects: Effects) -> None:
        user = self._user_of(who)
        accumulator, start, last = user.accumulator, user.session_start, user.session_last
        assert accumulator is not None, "an open session has exactly one timer"
        if last + self._gap > due:  # it went on since the timer was set
            self._timers.push_session(last + self._gap, who)
            return
        user.accumulator = None
        effects.closed += 1
        self.open_sessions -= 1
        self._open_before_end -= start < self._end
        measures = self._measures.finish(accumulator, start, last)
        in_period = self._start <= start < self._end
        if in_period:
            user.sessions += 1
            user.sums = tuple(map(add, user.sums, measures))
            user.squares = tuple(map(add, user.squares, map(mul, measures, measures)))
        elif self._pre_start <= start and due < self._start:
            user.pre_sessions += 1
            user.pre_sums = tuple(map(add, user.pre_sums, measures))
        exposed_at = None if user.exposure_told else user.exposed_at
        user.exposure_told = user.exposed_at is not None
        effects.outputs.append(
            ClosedSession(
                SCHEMA,
                due,
                user.user.decode(),
                user.variant,
                start,
                last,
                in_period,
                measures,
                user.totals(),
                exposed_at,
            )
        )
        self._touch(user)

    def _resolve_day(self, due: int, key: bytes, effects: Effects) -> None:
        user = self.users[key]
        day = due // DAY - 2
        returned = day + 1 in user.days
        user.days = tuple([later for later in user.days if later > day])
        user.eligible += 1
        user.returned += returned
        effects.outputs.append(UserDay(SCHEMA, due, key.decode(), user.variant, day, returned, user.totals()))
        self._touch(user)

    # Allowed lateness: an accepted event waits among the timers until the watermark passes it.

    def _wait(self, key: bytes, time: int, offset: int, value: bytes, effects: Effects) -> None:
        user = self.users.get(key) or self._meet(key)
        if offset <= user.as_of:
            return  # recovered with this event in it
        user.waiting = (*user.waiting, (time, offset, value))
        self._timers.push((time, EVENT, offset, key, value))
        self._rearm()
        self._touch(user)

    def _release(self, timer: Timer, effects: Effects) -> None:
        time, _, offset, key, value = timer
        user = self.users[key]
        user.waiting = tuple([one for one in user.waiting if one[1] != offset])
        self._take(user, time, self._measures.decode(value))
        self._touch(user)

    # What comes from the producer or goes to the dead letters.

    def _control(self, mark: Control, effects: Effects) -> None:
        if self.ended:
            return
        self.manifest = mark.manifest
        self._advance(mark.time, effects)
        if isinstance(mark, End):
            self._finish(mark.manifest, effects)

    def _finish(self, manifest: Manifest, effects: Effects) -> None:
        """The end of the stream: every open session closes, in due order; a day that is not over stays unresolved."""
        while self._timers:
            timer = self._timers.pop()
            if timer[1] == SESSION:
                self._fire(timer, effects)
        self._rearm()
        self.ended = True
        effects.outputs.append(EndMark(SCHEMA, END_DUE, self.watermark, self.counts, manifest))

    def _reject(self, record: Record, reason: str, row: int, effects: Effects) -> None:
        if reason == "late":
            self.late += 1
        else:
            self.undecodable += 1
        effects.dead_letters.append(DeadLetter(record.offset, reason, row, record.key, record.value))
