"""The stats station's side of a partition's log: outputs that are read again are passed over."""

import pytest

from livelift.output_log import SCHEMA, Counts, Mark, Output
from livelift.sessions import session_measures
from livelift.study import load_study
from stats.sums.run_state import RunState

STUDY = load_study("lastfm")
DAY = 86_400_000


def marks(*days: int) -> list[tuple[int, Output]]:
    return [(day, Mark(SCHEMA, day * DAY, Counts(accepted=day), 0, None)) for day in days]


@pytest.mark.parametrize("again", [(0,), (0, 1), (1,), (0, 1, 2), (1, 2, 3), ()], ids=str)
def test_outputs_that_are_read_again_are_applied_once(again: tuple[int, ...]) -> None:
    """After a seek the consumer gives some outputs a second time, alone or with new ones."""
    state = RunState(STUDY, session_measures(STUDY).names, 1)
    ticks = []
    for outputs in (marks(0, 1), marks(*again), marks(2, 3)):
        state.offer(0, outputs)
        while (sums := state.step()) is not None:
            ticks.append(sums.time // DAY)
    assert ticks == [0, 1, 2, 3] and state.logs[0].position == 4


def test_outputs_that_wait_at_a_mark_are_not_taken_twice() -> None:
    """One partition is at its mark, the other has not come so far: what is read again meanwhile waits once."""
    state = RunState(STUDY, session_measures(STUDY).names, 2)
    for _ in range(2):
        state.offer(0, marks(0, 1))
        assert state.step() is None
    assert [offset for offset, _ in state.logs[0].waiting] == [0, 1]
