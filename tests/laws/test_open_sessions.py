"""Sessions are taken in the order (due, user), however they went on before, and wherever they are kept."""

from hypothesis import given
from hypothesis import strategies as st

from processor.open_sessions import MOST_EMPTY, LookedUpSessions, OpenSessions
from processor.user_state import UserState

GAP = 10
KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b"ab"])


@given(st.lists(st.tuples(st.integers(0, 6), KEYS, st.booleans())), st.booleans())
def test_sessions_are_taken_by_due_and_user_as_a_plain_dict_says(
    steps: list[tuple[int, bytes, bool]], looked_up: bool
) -> None:
    """A step is how much later the next event is, whose, and whether it is looked before it for what is due."""
    users = {key: UserState.new(key, 0, ()) for _, key, _ in steps}
    sessions = LookedUpSessions(GAP, users) if looked_up else OpenSessions(GAP)  # type: ignore[arg-type]
    last: dict[bytes, int] = {}
    now = 0
    for later, key, look in [*steps, (2 * GAP, b"", True)]:
        now += later
        if look:
            expected = sorted((time + GAP, user) for user, time in last.items() if time + GAP < now)
            assert [(due, user.user) for due, user in sessions.take(now)] == expected
            for _, user in expected:
                del last[user]
        if not key:
            break
        user = users[key]
        if key in last and now - last[key] > GAP:  # its session is over, and nobody has looked
            sessions.end(user)
            del last[key]
        user.session_last = now
        if key in last:
            sessions.last[user.place] = now
        else:
            sessions.begin(user)
        last[key] = now
    assert not last
    assert all(user.place == -1 for user in users.values())


@given(st.lists(st.integers(0, 8) | st.sampled_from([-1, MOST_EMPTY + 9, 2**62]), max_size=8), st.integers(0, 4))
def test_restored_users_have_places_of_their_own(places: list[int], more: int) -> None:
    """Whatever their records say; then new ones take what is left."""
    sessions = OpenSessions(GAP)
    users = []
    for number, place in enumerate(places):
        user = UserState.new(b"%d" % number, 0, ())
        user.place, user.session_last = place, number
        users.append(user)
        assert sessions.restore(user) == (0 <= place < MOST_EMPTY and place not in places[:number])
    sessions.restored()
    assert len(sessions.last) <= MOST_EMPTY
    kept = {place: number for number, place in reversed(list(enumerate(places))) if 0 <= place < MOST_EMPTY}
    assert all(users[number].place == place for place, number in kept.items())
    for number in range(more):
        user = UserState.new(b"new %d" % number, 0, ())
        user.session_last = len(places)
        sessions.begin(user)
        users.append(user)
    assert len({user.place for user in users}) == len(users)
    taken = sessions.take(GAP + 100)
    assert sorted(user.user for _, user in taken) == sorted(user.user for user in users)
