"""Session windows of one partition: users, their open sessions and timers; emits closed sessions, resolved user-days
and midnight marks.

The watermark fires the timers in the order (due, kind, user). Pure: no clock, no client, no await.
"""

from operator import add, mul
from typing import Any

from livelift.assignment import VARIANTS, variant_of
from livelift.event_time import DAY, MINUTE, next_midnight
from livelift.events import Manifest
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
from processor.admission import Known
from processor.effects import Effects
from processor.timers import Timer, Timers
from processor.user_state import Users, UserState

NEVER = END_DUE


class SessionOperator:
    """Users, timers and the watermark; `processor.partition` decides which events they are given.

    Attributes
    ----------
    watermark
        Event time in ms before which nothing on time is still to come; −1 before the first record.
    accepted, late, refused, repeated
        Records so far, by what became of them; `refused` by reason (`livelift.refusals`).
    open_sessions
        Sessions that may still go on.
    known
        What the control marks have told.
    """

    def __init__(self, study: Study, measures: SessionMeasures) -> None:
        self.watermark = -1
        self.accepted = 0
        self.late = 0
        self.refused: dict[str, int] = {}
        self.repeated = 0
        self.open_sessions = 0
        self.users: Users = {}
        self.known = Known()
        self._users_stay = True  # in memory, so that a timer may hold one: to look up its key takes long
        self._measures = measures
        self._zero = (0,) * len(measures.names)
        self._salt = study.experiment.salt
        self._control_percent = study.experiment.control_percent
        self._gap = study.sessions.gap_ms
        self._pre_start = study.experiment.pre_start_ms
        self._start = study.experiment.start_ms
        self._end = study.experiment.end_ms
        self._wait_until = study.experiment.wait_until_ms
        self._timers = Timers(self._session_timer)  # (due, kind, user or offset, …)
        self._ahead = max(1, self._gap - MINUTE)  # no session is due so soon that begins or goes on now
        self._fire_at = -1  # the least watermark that fires a timer, or that no mark has announced
        self._open_in_period = 0  # open sessions that started in the period
        self._touched: list[UserState] = []
        self._day: tuple[int] = (-1,)  # the latest active day of any user, and its end: users share these objects
        self._day_end = 0

    @property
    def counts(self) -> Counts:
        return Counts(self.accepted, self.late, dict(self.refused), self.repeated)

    @property
    def manifest(self) -> Manifest | None:
        """What became of the input before the stream, as the first mark told it."""
        return self.known.manifest

    def _recover(self, users: Users, watermark: int, *, ended: bool) -> int:
        """Set the timers of users that were restored; returns the newest as-of offset among them, −1 without users."""
        self.watermark = watermark
        if watermark >= 0 and not ended:
            self._timers.push((next_midnight(watermark), MARK, b""))
        self.users = users
        self._users_stay = isinstance(users, dict)
        newest = -1
        for user in users.values():  # once: on disk each is decoded for it
            newest = max(newest, user.as_of)
            if user.accumulator is not None:
                self._schedule_session(user)
            for day in user.days:
                self._schedule_day(user.user, day)
            for time, offset, value in user.waiting:
                self._timers.push((time, EVENT, offset, user.user, value))
        self._rearm()
        return newest

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
        if self._start <= user.session_start < self._end:
            self._open_in_period += 1
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
        """Set the least watermark that needs a look: where a timer fires, or beyond what was announced."""
        timer = self._timers.first(self.watermark + self._ahead)
        if timer is not None:
            fire_at = timer[0] + (timer[1] >= SESSION)
        else:
            minute = self._timers.next_minute()
            fire_at = NEVER if minute is None else minute
        self._fire_at = min(fire_at, self.known.time_limit + 1)

    def _advance(self, watermark: int, effects: Effects) -> None:
        """Move the watermark to `watermark` ms, never back, and fire what it passes."""
        if self.watermark < 0 <= watermark:
            # The looks are registered: one that a log begins after is taken all the same, with nothing to see.
            self._timers.push((next_midnight(min(watermark, self._start)), MARK, b""))
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
            effects.outputs.append(Mark(SCHEMA, due, self.counts, self._open_in_period, self.manifest))
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
        began_in_period = self._start <= start < self._end
        self._open_in_period -= began_in_period
        in_period = began_in_period and due < self._wait_until
        measures = self._measures.finish(accumulator, start, last)
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

    def _release(self, timer: Timer, effects: Effects) -> None:
        time, _, offset, key, value = timer
        user = self.users[key]
        user.waiting = tuple([one for one in user.waiting if one[1] != offset])
        self._take(user, time, self._measures.decode(value))
        self._touch(user)

    def _finish(self, manifest: Manifest, effects: Effects) -> None:
        """The end of the stream: every open session closes, in due order; a day that is not over stays unresolved."""
        while self._timers:
            timer = self._timers.pop()
            if timer[1] == SESSION:
                self._fire(timer, effects)
        self._rearm()
        effects.outputs.append(EndMark(SCHEMA, END_DUE, self.watermark, self.counts, manifest))
