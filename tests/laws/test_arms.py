"""Arms that events name: who is in which, from when on, and what counts, as plain Python has it by the definition."""

from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.event_time import DAY, MINUTE
from livelift.output_log import ClosedSession, UserTotals
from livelift.plan import retentions
from livelift.sessions import session_measures
from livelift.totals import SESSIONS, total_columns
from tests.support.restarts import outputs_of
from tests.support.small_study import START, armed_study
from tests.support.strategies import listens
from tests.support.streams import Listen, partition_records

PERIOD = 5
END = START + PERIOD * DAY
RETENTIONS = retentions(armed_study("gap"))


@dataclass
class Answer:
    """A user by the definition; `arm` None where no event of the period names one."""

    arm: int | None = None
    exposed_at: int | None = None
    in_both: bool = False
    sessions: int = 0
    returns: list[tuple[int, int]] = field(default_factory=list)


def answer_of(plays: list[Listen], windows: str, wait_until: int) -> Answer:
    """Of one user's plays in the order of the stream."""
    found = Answer()
    named = [(i, "xy".index(p.artist)) for i, p in enumerate(plays) if START <= p.time < END and p.artist in "xy"]
    if not named:
        found.returns = [(0, 0) for _ in RETENTIONS]
        return found
    first, found.arm = named[0]
    found.in_both = len({arm for _, arm in named}) == 2
    found.exposed_at = plays[first].time
    sessions: list[list[int]] = []
    for i, play in enumerate(plays):
        if windows == "gap" and sessions and play.time - plays[i - 1].time <= 30 * MINUTE:
            sessions[-1].append(i)
        else:
            sessions.append([i])
    for session in sessions:
        due = plays[session[-1]].time + (30 * MINUTE if windows == "gap" else 0)
        found.sessions += START <= plays[session[0]].time < END and due < wait_until and session[-1] >= first
    active = {play.time // DAY for play in plays[first:] if play.time < END}
    for one in RETENTIONS:
        anchors = {
            "every_day": active,
            "first_activity": {plays[0].time // DAY} & active,
            "exposure": {min(active)},
        }[one.anchor]
        over = [day for day in anchors if (day + one.days + 1) * DAY <= END]
        found.returns.append((len(over), sum(day + one.days in active for day in over)))
    return found


@pytest.mark.parametrize("windows", ["gap", "row"])
@given(plays=listens(), data=st.data())
def test_arms_are_as_defined(windows: str, plays: list[Listen], data: st.DataObject) -> None:
    study = armed_study(windows, PERIOD)
    plays = [*plays, Listen(max(END, max(play.time for play in plays)) + DAY, "~")]  # every day is over at the end
    (records,) = partition_records(plays)
    columns = total_columns(study, session_measures(study).names)
    totals: dict[str, tuple[int, ...]] = defaultdict(lambda: columns.zero)
    variants: dict[str, int] = {}
    exposed: dict[str, int] = {}
    in_both: list[str] = []
    for output in outputs_of(study, records, data):
        if isinstance(output, ClosedSession | UserTotals):
            totals[output.user], variants[output.user] = output.totals, output.variant
            in_both += [output.user] * output.in_both
            if output.first_exposed_at is not None:
                assert output.user not in exposed
                exposed[output.user] = output.first_exposed_at
    for user in sorted({play.user for play in plays}):
        mine = [play for play in sorted(plays, key=lambda play: play.time) if play.user == user]
        answer = answer_of(mine, windows, study.experiment.wait_until_ms)
        assert variants[user] == (-1 if answer.arm is None else answer.arm)
        assert exposed.get(user) == answer.exposed_at
        assert in_both.count(user) == answer.in_both
        assert totals[user][SESSIONS] == answer.sessions
        for number, expected in enumerate(answer.returns):
            column = columns.returns(number)
            assert totals[user][column : column + 2] == expected
