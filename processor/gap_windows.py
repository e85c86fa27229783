"""Session windows by a gap of inactivity: a user's open session, and what it is when it closes. Pure."""

from typing import Any

from livelift.output_log import SCHEMA, ClosedSession, Row
from processor.effects import Effects
from processor.partition import Partition
from processor.user_state import UsersElsewhere, UserState
from processor.window_operator import NO_ARM


class GapWindows(Partition):
    """A partition whose events make sessions: a gap of more than the study's ends one."""

    def _take(self, user: UserState, time: int, event: Any, effects: Effects) -> None:
        """Add the event to the user's open session, or begin one."""
        if user.accumulator is not None and time - user.session_last > self._gap:
            self._open.end(user)
            self._close(user.session_last + self._gap, user, effects)
        if user.accumulator is None:
            user.session_start = user.session_last = time
            user.accumulator = self._measures.begin(event)
            self._count_opened(user)
            self._open.begin(user)
        else:
            self._measures.extend(user.accumulator, event, time - user.session_last)
            user.session_last = self._open.last[user.place] = time
        self._note_activity(user, time, event)

    def _count_opened(self, user: UserState) -> None:
        self.open_sessions += 1
        if self._start <= user.session_start < self._end:
            self._open_in_period += 1

    def _restore(self, user: UserState) -> None:
        if user.accumulator is not None:
            self._count_opened(user)
            if not self._open.restore(user):  # its record says another place than it has now
                self._touch(user)
                if isinstance(self.users, UsersElsewhere):
                    self.users.hold(user)

    def _close(self, due: int, user: UserState, effects: Effects) -> None:
        accumulator, start, last = user.accumulator, user.session_start, user.session_last
        assert accumulator is not None, "an open session is due once"
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
