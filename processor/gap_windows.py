"""Session windows by a gap of inactivity: an open session of a user, its timer, and what it is when it closes. Pure."""

from typing import Any

from livelift.output_log import SCHEMA, SESSION, ClosedSession, Row
from processor.effects import Effects
from processor.partition import Partition
from processor.timers import Timer
from processor.user_state import UserState
from processor.window_operator import NO_ARM


class GapWindows(Partition):
    """A partition whose events make sessions: a gap of more than the study's ends one."""

    def _take(self, user: UserState, time: int, event: Any, effects: Effects) -> None:
        """Add the event to the user's open session, or begin one."""
        if user.accumulator is None:
            user.session_start = user.session_last = time
            user.accumulator = self._measures.begin(event)
            self._schedule_session(user)
        else:
            self._measures.extend(user.accumulator, event, time - user.session_last)
            user.session_last = time
        self._note_activity(user, time, event)

    def _restore(self, user: UserState) -> None:
        if user.accumulator is not None:
            self._schedule_session(user)

    def _schedule_session(self, user: UserState) -> None:
        self.open_sessions += 1
        if self._start <= user.session_start < self._end:
            self._open_in_period += 1
        due = user.session_last + self._gap
        self._timers.push_session(due, user if self._users_stay else user.user)
        self._fire_at = min(self._fire_at, due + 1)

    def _user_of(self, who: Any) -> UserState:
        """Whom a session's timer holds: the user, or the key where users don't stay in memory."""
        user: UserState = who if self._users_stay else self.users[who]
        return user

    def _session_timer(self, who: Any) -> Timer:
        user = self._user_of(who)
        return user.session_last + self._gap, SESSION, user.user, who

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
        in_period = began_in_period and due < self._wait_until and user.variant != NO_ARM
        measures = self._measures.finish(accumulator, start, last)
        if in_period:
            user.totals = self._add(user.totals, measures)
        elif self._pre_start <= start and due < self._start:
            user.totals = self._add_before(user.totals, measures)
        exposed_at, in_both = self._tell_exposure(user)
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
                user.totals,
                exposed_at,
                in_both,
            )
        )
        self._touch(user)

    def _user_changed(self, user: UserState, due: int, before: Row, effects: Effects) -> None:
        effects.outputs.append(self._totals_of(user, due, before))
