"""What every kind of window has in common on one partition: users, timers, the watermark, returns, midnight marks.

The watermark fires the timers in the order (due, kind, user). `processor.gap_windows` and `processor.row_windows` say what
an event does and what a midnight tells. Pure: no clock, no client, no await.
"""

from operator import sub
from typing import Any

from livelift.assignment import VARIANTS, variant_of
from livelift.event_time import DAY, next_midnight
from livelift.events import Manifest
from livelift.output_log import (
    END_DUE,
    EVENT,
    MARK,
    SCHEMA,
    USER,
    Counts,
    EndMark,
    Identity,
    Mark,
    Output,
    Row,
    UserTotals,
)
from livelift.sessions import SessionMeasures
from livelift.study import Study
from livelift.totals import SESSIONS, total_columns
from processor.admission import Known
from processor.effects import Effects
from processor.open_sessions import LookedUpSessions, OpenSessions
from processor.table_changes import TableChanges, table_changes
from processor.timers import Timer, Timers
from processor.user_state import Users, UsersElsewhere, UserState

NEVER = END_DUE

NO_ARM = -1
"""The variant of a user whose arm is not known."""


class Operator:
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
        self._measures = measures
        self._columns = total_columns(study, measures.names)
        self._zero, self._add, self._add_before = self._columns.zero, self._columns.add, self._columns.add_before
        experiment = study.experiment
        self._arm_field = experiment.arm_field
        self._arm_of = {experiment.control_value: 0, experiment.treatment_value: 1}.get
        self._salt = experiment.salt
        self._control_percent = experiment.control_percent
        self._gap = study.windows.gap_ms
        self._pre_start = experiment.pre_start_ms
        self._start = experiment.start_ms
        self._end = experiment.end_ms
        self._wait_until = experiment.wait_until_ms
        self._timers = Timers()  # (due, kind, user or offset, …)
        self._open = OpenSessions(self._gap)
        self._fire_at = -1  # the least watermark that fires a timer, or that no mark has announced
        self._open_in_period = 0  # open sessions that started in the period
        self._touched: list[UserState] = []
        self._day: tuple[int] = (-1,)  # the latest active day of any user, and its end: users share these objects
        self._day_end = 0
        self._tables = table_changes(study)
        self._retentions = self._columns.retentions
        self._kept_days = max((one.days for one in self._retentions if one.anchor == "every_day"), default=0)

    # What a kind of window adds.

    def _take(self, user: UserState, time: int, event: Any, effects: Effects) -> None:
        """Add the event to the user's windows."""
        raise NotImplementedError

    def _close(self, due: int, user: UserState, effects: Effects) -> None:
        """The user's session is due."""
        raise NotImplementedError

    def _user_changed(self, user: UserState, due: int, before: Row, effects: Effects) -> None:
        """The midnight `due` changed the user's totals, which were `before`."""
        raise NotImplementedError

    def _before_mark(self, due: int, effects: Effects) -> None:
        """The midnight `due` is passed: what is to be told before its mark."""

    def _restore(self, user: UserState) -> None:
        """Note the windows of a restored user."""

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
        self._open = (
            LookedUpSessions(self._gap, users) if isinstance(users, UsersElsewhere) else OpenSessions(self._gap)
        )
        newest = -1
        for user in users.values():  # once: on disk each is decoded for it
            newest = max(newest, user.as_of)
            self._restore(user)
            for day in self._anchor_days(user):
                self._schedule_day(user, day)
            for time, offset, value in user.waiting:
                self._timers.push((time, EVENT, offset, user.user, value))
        self._open.restored()
        self._rearm()
        return newest

    def _touch(self, user: UserState) -> None:
        if not user.touched:
            user.touched = True
            self._touched.append(user)

    @property
    def to_write(self) -> int:
        """How many users changed since the last `take_touched`, and groups of tables since the last midnight."""
        return len(self._touched) + (0 if self._tables is None else len(self._tables))

    @property
    def tables(self) -> TableChanges | None:
        """Of a study with tables."""
        return self._tables

    def take_touched(self) -> list[UserState]:
        """The users that changed since the last call, in the order of their first change. Their state is to be written before
        the next batch is applied (`UserForm.encode`)."""
        touched, self._touched = self._touched, []
        return touched

    def _meet(self, key: bytes) -> UserState:
        by_hash = not self._arm_field
        variant = VARIANTS.index(variant_of(key.decode(), self._salt, self._control_percent)) if by_hash else NO_ARM
        user = self.users[key] = UserState.new(key, variant, self._zero)
        return user

    def _note_activity(self, user: UserState, time: int, event: Any) -> None:
        """Note the user's arm, exposure and active day, for an event that is not plainly one more of a known day."""
        if not self._arm_field:
            if time >= user.day_end:
                self._new_day(user, time)
            return
        if user.first_day < 0:
            user.first_day = time // DAY
        if not self._start <= time < self._end:
            return
        arm = self._arm_of(getattr(event, self._arm_field), NO_ARM)
        if user.variant == NO_ARM:
            user.variant = arm
        elif arm not in (NO_ARM, user.variant):
            user.in_both = True
        if user.variant != NO_ARM and time >= user.active_day_end:
            self._new_day(user, time)
            user.active_day_end, user.day_end = user.day_end, 0

    def _tell_exposure(self, user: UserState) -> tuple[int | None, bool]:
        """(exposure in ms, is the user in both arms) if an output of the user tells it now for the first time."""
        exposed_at = None if user.exposure_told else user.exposed_at
        user.exposure_told = user.exposed_at is not None
        in_both = user.exposure_told and user.in_both and not user.both_told
        user.both_told |= in_both
        return exposed_at, in_both

    def _totals_of(
        self,
        user: UserState,
        due: int,
        before: Row,
        windows: int = 0,
        first_exposed_at: int | None = None,
        in_both: bool = False,
    ) -> UserTotals:
        """The user's output of the midnight `due`, where its totals were `before` at the one before it."""
        added = tuple(map(sub, user.totals, before))
        return UserTotals(
            SCHEMA, due, user.user.decode(), user.variant, user.totals, added, windows, user.exposure_told, first_exposed_at,
            in_both,
        )  # fmt: skip

    def _new_day(self, user: UserState, time: int) -> None:
        """The user's first event of a UTC day; the period's bounds are midnights, so exposure begins on such an event."""
        if time >= self._day_end or time < self._day_end - DAY:
            self._day = (time // DAY,)
            self._day_end = next_midnight(time)
        user.day_end = self._day_end
        (day,) = self._day
        if user.first_day < 0:
            user.first_day = day
        if self._start <= time < self._end:
            if user.exposed_at is None:
                user.exposed_at = time
            if self._retentions:
                oldest = day - self._kept_days  # midnights before today are resolved
                user.days = (*[one for one in user.days if one >= oldest], day) if user.days else self._day
                self._schedule_day(user, day)

    # Timers: one for each day to resolve, each waiting event and the next midnight. Open sessions are due by themselves.

    def _schedule_day(self, user: UserState, day: int) -> None:
        """A day is an anchor of some retentions: each is resolved at the end of its later day, if the period has that."""
        for retention in self._retentions:
            due = (day + retention.last_day + 1) * DAY
            if due <= self._end and due > user.resolved_until and self._is_anchor(user, retention.anchor, day):
                self._timers.push((due, USER, user.user))

    def _is_anchor(self, user: UserState, anchor: str, day: int) -> bool:
        if anchor == "every_day":
            return True
        exposed_on = -1 if user.exposed_at is None else user.exposed_at // DAY
        if anchor == "first_activity":
            return day == user.first_day == exposed_on  # who came before the period, or before the arm, has none
        return day == exposed_on

    def _anchor_days(self, user: UserState) -> list[int]:
        """Days of the period that may still wait for their later day."""
        days = set(user.days)
        if user.exposed_at is not None:
            days.add(user.exposed_at // DAY)
        return sorted(days)

    def _rearm(self) -> None:
        """Set the least watermark that needs a look: where a timer fires, or beyond what was announced."""
        timer = self._timers.first(self.watermark + 1)
        if timer is not None:
            fire_at = timer[0]
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
            timer = self._timers.first(watermark + 1)
            if timer is not None and timer[0] <= watermark:
                self._fire(self._timers.pop(), effects)
            self._rearm()

    def _close_sessions(self, before: int, effects: Effects) -> None:
        """Close what is due before `before` ms."""
        for due, user in self._open.take(before):
            self._close(due, user, effects)

    def _complete(self, effects: Effects) -> None:
        """A batch of records was taken: close what they made due, and put the outputs into the log's order.

        A session is closed when its result is needed: by its user's next event, by a midnight, or by the end of the batch. The
        result depends on its user's events alone, so that only the order of the outputs remains to be made.
        """
        self._close_sessions(self.watermark, effects)
        effects.outputs.sort(key=_identity)

    def _fire(self, timer: Timer, effects: Effects) -> None:
        due, kind = timer[:2]
        if kind != EVENT:
            self._close_sessions(due, effects)  # sessions due exactly then close after it
        if kind == USER:
            self._resolve_days(due, timer[2], effects)
        elif kind == MARK:
            self._before_mark(due, effects)
            self._tell_tables(due, effects)
            effects.outputs.append(Mark(SCHEMA, due, self.counts, self._open_in_period, self.manifest))
            self._timers.push((due + DAY, MARK, b""))
        else:
            self._release(timer, effects)

    def _resolve_days(self, due: int, key: bytes, effects: Effects) -> None:
        """A day is over: every retention of the user whose later day it is, is known."""
        user = self.users[key]
        if user.resolved_until >= due:  # two retentions have one timer each, and are resolved together
            return
        user.resolved_until = due
        before = user.totals
        totals = list(before)
        over = due // DAY - 1
        for number, retention in enumerate(self._retentions):
            day = over - retention.last_day
            if day in user.days if retention.anchor == "every_day" else self._is_anchor(user, retention.anchor, day):
                column = self._columns.returns(number)
                totals[column] += 1
                totals[column + 1] += self._begun(user) if retention.counts_sessions else over in user.days
        user.totals = tuple(totals)
        if self._kept_days:
            user.days = tuple([day for day in user.days if day > over - self._kept_days])
        self._user_changed(user, due, before, effects)
        self._touch(user)

    def _begun(self, user: UserState) -> int:
        """The user's sessions of the period that have begun; what is due has closed."""
        still_open = user.accumulator is not None and self._start <= user.session_start < self._end
        return user.totals[SESSIONS] + still_open

    def _release(self, timer: Timer, effects: Effects) -> None:
        time, _, offset, key, value = timer
        user = self.users[key]
        user.waiting = tuple([one for one in user.waiting if one[1] != offset])
        event = self._measures.decode(value)
        if self._tables is not None:
            self._tables.add(user, time, offset, event)
        self._take(user, time, event, effects)
        self._touch(user)

    def _tell_tables(self, due: int, effects: Effects) -> None:
        if self._tables is not None:
            effects.outputs.extend(self._tables.told(due))

    def _finish(self, manifest: Manifest, effects: Effects) -> None:
        """The end of the stream: every open session closes, in due order; a day that is not over stays unresolved."""
        self._close_sessions(NEVER, effects)
        self._timers = Timers()
        self._before_mark(NEVER, effects)
        self._tell_tables(NEVER, effects)
        self._rearm()
        effects.outputs.append(EndMark(SCHEMA, END_DUE, self.watermark, self.counts, manifest))


def _identity(output: Output) -> Identity:
    return output.identity
