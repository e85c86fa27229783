"""Row windows: each event is a closed window by itself, such as one viewing or one purchase. Pure.

There may be as many windows as events, so that an output for each would be as much work as the input. A user's totals are
told at the midnight after they changed, in the order of the users; a tick needs them no sooner.
"""

from typing import Any

from livelift.event_time import next_midnight
from livelift.output_log import Row
from processor.effects import Effects
from processor.partition import Partition
from processor.user_state import UserState
from processor.window_operator import NO_ARM


class RowWindows(Partition):
    """A partition whose events are closed windows, due at their own time."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._changed: list[bytes] = []  # users whose totals the next midnight tells
        self._midnight = 0  # the end of the latest event's day

    def _take(self, user: UserState, time: int, event: Any, effects: Effects) -> None:
        """Close the event's window, and add it to the user's totals."""
        measures = self._measures.finish(self._measures.begin(event), time, time)
        self._note_activity(user, time, event)
        if time >= self._midnight:
            self._midnight = next_midnight(time)
        self._tell(user, self._midnight, user.totals)
        user.windows += 1
        effects.closed += 1
        if self._start <= time < self._end:
            if user.variant != NO_ARM:
                user.totals = self._add(user.totals, measures)
        elif self._pre_start <= time < self._start:
            user.totals = self._add_before(user.totals, measures)

    def _tell(self, user: UserState, due: int, before: Row) -> None:
        """Let the midnight `due` tell of the user, whose totals were `before`."""
        if not user.told_due:
            user.told, user.told_due = before, due
            self._changed.append(user.user)

    def _restore(self, user: UserState) -> None:
        if user.told_due:
            self._changed.append(user.user)

    def _user_changed(self, user: UserState, due: int, before: Row, effects: Effects) -> None:
        self._tell(user, due, before)

    def _before_mark(self, due: int, effects: Effects) -> None:
        later = []
        for key in sorted(self._changed):
            user = self.users[key]
            if user.told_due > due:  # its state was restored as of a later midnight
                later.append(key)
                continue
            exposed_at, in_both = self._tell_exposure(user)
            effects.outputs.append(self._totals_of(user, user.told_due, user.told, user.windows, exposed_at, in_both))
            user.told, user.told_due, user.windows = (), 0, 0
            self._touch(user)
        self._changed = later
