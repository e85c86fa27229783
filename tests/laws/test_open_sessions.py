"""Open sessions close in the order (due, user), however they went on before."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processor.open_sessions import NEVER, LookedUpSessions, OpenSessions
from processor.user_state import UserState

GAP = 10


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([b"a", b"b", b"c", b"d", b"ab"]))), st.booleans())
def test_sessions_close_by_due_and_user_as_a_plain_dict_says(steps: list[tuple[int, bytes]], looked_up: bool) -> None:
    """A step is how much later the next event is, and whose; sessions are closed before it as their due has passed."""
    users = {key: UserState.new(key, 0, ()) for _, key in steps}
    sessions = LookedUpSessions(GAP, users) if looked_up else OpenSessions(GAP)
    last: dict[bytes, int] = {}
    closed, expected = list[tuple[int, bytes]](), list[tuple[int, bytes]]()
    now = 0
    for later, key in [*steps, (2 * GAP, None)]:
        now += later
        passed = sorted((time + GAP, user) for user, time in last.items() if time + GAP < now)
        expected += passed
        for _, user in passed:
            del last[user]
        _close(sessions, now, closed)
        assert sessions.next_due() == min((time + GAP for time in last.values()), default=NEVER)
        if key is None:
            break
        users[key].session_last = now
        if key in last:
            sessions.continued(key)
        else:
            sessions.begin(users[key])
        last[key] = now
    assert closed == expected
    assert {user for _, user in closed} == {key for _, key in steps}


def _close(sessions: Any, now: int, closed: list[tuple[int, bytes]]) -> None:
    while (due := sessions.next_due()) < now:
        closed += [(due, user.user) for user in sessions.take(due)]
