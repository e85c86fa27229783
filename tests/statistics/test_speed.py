"""Run time of a preview and of a look with 2,000 re-randomisations.

The best of many runs, so that what else the machine does is left out. What takes a millisecond on one machine takes one and a half
on another: a preview is compared with a loop that runs in turn with it.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from livelift.document import decode_document, encode
from livelift.output_log import SCHEMA, ClosedSession
from livelift.sessions import session_measures
from livelift.totals import total_columns
from stats.decision import engine
from stats.edges.document import make_document
from stats.sums.run_state import RunState
from tests.statistics.support import STUDY, tick

MEASURES = session_measures(STUDY).names


def best_seconds(work: Callable[[], Any], runs: int) -> float:
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def a_millisecond() -> int:
    """What plain Python does in about a millisecond on a quiet core of 3 GHz."""
    total = 0
    for number in range(20_000):
        total += number * number
    return total


def run_of(users: int) -> RunState:
    """A run in which every user has closed four sessions."""
    state = RunState(STUDY, MEASURES, 1)
    random = np.random.default_rng(3)
    start = STUDY.experiment.start_ms
    for user in range(users):
        columns = total_columns(STUDY, MEASURES)
        totals = columns.zero
        for _ in range(3):
            totals = columns.add_before(totals, (5000,) * len(MEASURES))
        for session in range(4):
            plays = int(random.integers(2, 30))
            values = {"seconds": 240 * plays, "plays": plays, "skips": 1, "artists": int(random.integers(1, plays))}
            measures = tuple(values[name] for name in MEASURES)
            totals = columns.add(totals, measures)
            closed = ClosedSession(
                SCHEMA, start + session, f"user_{user}", user % 2, start, start, True, measures, totals,
                start if session == 0 else None,
            )  # fmt: skip
            state.aggregate.apply(closed)
    return state


@pytest.mark.parametrize("users", [200, 20_000])
def test_a_preview_takes_about_a_millisecond_for_any_user_count(users: int) -> None:
    """From the state to the text that Redis would hold, right after many sessions have changed it."""
    state = run_of(users)
    kept, _ = engine.step(engine.initial(STUDY), tick(20), STUDY)

    def preview() -> str:
        sums = state.totals()
        return encode(make_document(STUDY, "run", sums, engine.preview(kept, sums, STUDY)))

    assert decode_document(preview()).variants["control"].users_included == users // 2
    turns = [(best_seconds(preview, 30), best_seconds(a_millisecond, 30)) for _ in range(10)]
    best, millisecond = map(min, zip(*turns, strict=True))
    assert best <= 2 * millisecond


def test_a_look_with_2000_draws_takes_at_most_100_ms() -> None:
    kept, sums = engine.initial(STUDY), tick(20, users=20_000)
    assert STUDY.statistics.draws == 2000
    engine.step(kept, sums, STUDY)  # the draws of a salt are made once
    assert best_seconds(lambda: engine.step(kept, sums, STUDY), 10) <= 0.1
