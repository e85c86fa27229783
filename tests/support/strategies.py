"""Hypothesis strategies: event streams with many gaps at the boundary of a session."""

from hypothesis import strategies as st

from livelift.event_time import DAY, MINUTE, SECOND
from tests.support.small_study import START
from tests.support.streams import Listen

GAPS = st.one_of(
    st.sampled_from([0, 29 * SECOND, 30 * SECOND, 30 * MINUTE - SECOND, 30 * MINUTE, 30 * MINUTE + SECOND]),
    st.integers(0, 600).map(lambda seconds: seconds * SECOND),
    st.integers(0, 40).map(lambda hours: hours * 3_600 * SECOND),
)


@st.composite
def listens(draw: st.DrawFn, most: int = 60) -> list[Listen]:
    """Plays of up to five users around the small study's period, on whole seconds, many at equal times."""
    plays = []
    for user in "abcde"[: draw(st.integers(1, 5))]:
        time = START - 4 * DAY + draw(st.sampled_from([0, 3 * DAY, 4 * DAY - 10 * MINUTE, 4 * DAY]))
        gaps = draw(st.lists(GAPS, min_size=1, max_size=most // 5))
        if draw(
            st.sampled_from([False] * 7 + [True])
        ):  # open from the end of the period until the wait for it is over, or longer
            time, marathon = START + 4 * DAY - 30 * MINUTE, draw(st.sampled_from([47, 48, 60]))
            gaps = [30 * MINUTE] * marathon + gaps
        for gap in gaps:
            time += gap
            plays.append(Listen(time, user, draw(st.sampled_from("xyz"))))
    return sorted(plays, key=lambda play: (play.time, play.user))
