"""The open sessions of a partition, in the order in which they close. Pure.

All sessions end after the same gap, so the one that was not continued for longest is the next one due: an event moves its
user to the end of an ordered dict, and what is due lies at its front. A queue of timers would have to look at a session
again and again, to find that it went on.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from livelift.output_log import END_DUE
from processor.user_state import Users, UserState

NEVER = END_DUE


class OpenSessions:
    """Users with an open session, by its last event.

    Parameters
    ----------
    gap_ms
        A session is due so long after its last event.

    Attributes
    ----------
    continued
        To be called with the key of a user whose session goes on, at an event that no session's last one is later than.

    >>> sessions = OpenSessions(10)
    >>> for key, last in [(b"b", 1), (b"a", 1), (b"c", 2)]:
    ...     user = UserState.new(key, 0, ()); user.session_last = last; sessions.begin(user)
    >>> sessions.next_due(), [user.user for user in sessions.take(11)], sessions.next_due()
    (11, [b'a', b'b'], 12)
    """

    def __init__(self, gap_ms: int) -> None:
        self._gap = gap_ms
        self._by_last: OrderedDict[bytes, Any] = OrderedDict()  # key → what `_users` makes a user of
        self.continued = self._by_last.move_to_end

    def begin(self, user: UserState) -> None:
        """The user's session is open; no other one's last event is later."""
        self._by_last[user.user] = user

    def _users(self) -> Iterable[UserState]:
        return self._by_last.values()

    def next_due(self) -> int:
        """When the next session is due, ms; `NEVER` if none is open."""
        for user in self._users():
            return user.session_last + self._gap
        return NEVER

    def take(self, due: int) -> list[UserState]:
        """Take out the users whose sessions are due at `due`, the next due time, by key."""
        last = due - self._gap
        taken = []
        for user in self._users():
            if user.session_last != last:
                break
            taken.append(user)
        for user in taken:
            del self._by_last[user.user]
        return taken if len(taken) == 1 else sorted(taken, key=_key)


class LookedUpSessions(OpenSessions):
    """The same for users that do not stay in memory: their keys are held, and who may be due next is looked up in `users`."""

    def __init__(self, gap_ms: int, users: Users) -> None:
        super().__init__(gap_ms)
        self._find = users.__getitem__

    def begin(self, user: UserState) -> None:
        self._by_last[user.user] = None

    def _users(self) -> Iterable[UserState]:
        return map(self._find, self._by_last)


def _key(user: UserState) -> bytes:
    return user.user
