"""The open sessions of a partition, and which of them are due. Pure.

The time of each session's last event lies in one array, at the session's place. An event writes a number there. To find what
is due, the array is compared as a whole, a few times per batch of records: that takes less than a nanosecond a session, where a
queue of timers or an ordered dict is a walk through memory for each event of a million users.
"""

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processor.user_state import Users, UserState

NO_PLACE = -1

EMPTY = (1 << 63) - 1
"""In place of a last event: the place is free."""

MOST_EMPTY = 1 << 20
"""A restored user's place leaves no more empty ones before it: a damaged record is not to fill the memory."""


class OpenSessions:
    """Users with an open session by place, and their last events.

    Parameters
    ----------
    gap_ms
        A session is due so long after its last event.

    Attributes
    ----------
    last
        Place → the session's last event in ms. The caller writes it when an event extends the session.

    >>> sessions = OpenSessions(10)
    >>> for key, last in [(b"b", 1), (b"a", 1), (b"c", 2)]:
    ...     user = UserState.new(key, 0, ()); user.session_last = last; sessions.begin(user)
    >>> [(due, user.user) for due, user in sessions.take(12)], sessions.take(12)
    ([(11, b'a'), (11, b'b')], [])
    """

    def __init__(self, gap_ms: int) -> None:
        self.last = array("q")
        self._gap = gap_ms
        self._who: list[Any] = []  # place → the user, or its key
        self._free: list[int] = []
        self._without_place: list[UserState] = []  # restored users whose places were taken
        self._none_before = EMPTY  # no session has an earlier last event

    def begin(self, user: UserState) -> None:
        """The user's session is open, with the last event that the user's state says."""
        if self._free:
            user.place = self._free.pop()
        else:
            user.place = len(self.last)
            self._grow(1)
        self._put(user)

    def restore(self, user: UserState) -> bool:
        """The same for a restored user, at the place that its record of state says; False if that is taken, or no place: the user
        then gets another one with `restored`, which the record does not know."""
        more = user.place + 1 - len(self.last)
        if 0 < more <= MOST_EMPTY:
            self._grow(more)
        free = 0 <= user.place < len(self.last) and self.last[user.place] == EMPTY
        if free:
            self._put(user)
        else:
            self._without_place.append(user)
        return free

    def _grow(self, places: int) -> None:
        self.last.extend([EMPTY] * places)
        self._who += [None] * places

    def restored(self) -> None:
        """All users are restored: the free places can be given, first to those who have none."""
        self._free = [place for place, last in enumerate(self.last) if last == EMPTY]
        while self._without_place:
            self.begin(self._without_place.pop())

    def _put(self, user: UserState) -> None:
        last = self.last[user.place] = user.session_last
        self._who[user.place] = self._held(user)
        self._none_before = min(self._none_before, last)

    def end(self, user: UserState) -> None:
        """The user's session is closed."""
        self.last[user.place] = EMPTY
        self._who[user.place] = None
        self._free.append(user.place)
        user.place = NO_PLACE

    def take(self, before: int) -> list[tuple[int, UserState]]:
        """End the sessions that are due before `before` ms; returns (due, user), in the order of due and key."""
        last_before = before - self._gap
        if self._none_before >= last_before:
            return []
        places = np.flatnonzero(self._lasts() < last_before).tolist()
        taken = [(self.last[place] + self._gap, self._user(self._who[place])) for place in places]
        for _, user in taken:
            self.end(user)
        self._none_before = int(self._lasts().min())
        return sorted(taken, key=_order)

    def _lasts(self) -> NDArray[np.int64]:
        """`last` for NumPy. The array cannot grow while somebody holds it."""
        return np.frombuffer(self.last, dtype=np.int64)

    def _held(self, user: UserState) -> Any:
        return user

    def _user(self, held: Any) -> UserState:
        user: UserState = held
        return user


class LookedUpSessions(OpenSessions):
    """The same for users that do not stay in memory: their keys are held, and whoever is due is looked up in `users`."""

    def __init__(self, gap_ms: int, users: Users) -> None:
        super().__init__(gap_ms)
        self._find = users.__getitem__

    def _held(self, user: UserState) -> Any:
        return user.user

    def _user(self, held: Any) -> UserState:
        return self._find(held)


def _order(due_and_user: tuple[int, UserState]) -> tuple[int, bytes]:
    due, user = due_and_user
    return due, user.user
