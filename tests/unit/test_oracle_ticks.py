"""Sums of the batch oracle at each tick: due times at a boundary, completion of the period, end of the stream."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batch.oracle import Oracle
from livelift.event_time import DAY, from_iso, to_iso
from livelift.study import load_study
from livelift.tick_sums import TickSums

STUDY = load_study("lastfm")
START, END = STUDY.experiment.start_ms, STUDY.experiment.end_ms

Ticks = Callable[..., list[TickSums]]


@pytest.fixture
def ticks(tmp_path: Path) -> Ticks:
    """The ticks of a file of (user number, "MM-DD hh:mm:ss") plays of 2009."""

    def evaluated(*plays: tuple[int, str], select_to: int | None = None) -> list[TickSums]:
        file = tmp_path / "input.tsv"
        rows = (f"user_{user:06d}\t2009-{time.replace(' ', 'T')}Z\ta\tA\t\tt\n" for user, time in plays)
        file.write_text("".join(rows))
        with Oracle(file, STUDY, select_to=select_to) as oracle:
            found = oracle.ticks()
            assert_same(oracle.final(), found[-1])
        return found

    return evaluated


def at(found: list[TickSums], day: str) -> TickSums:
    """The tick at the midnight that opens `day` of 2009."""
    return next(tick for tick in found if tick.time == from_iso(f"2009-{day}") and not tick.ended)


def assert_same(one: TickSums, other: TickSums) -> None:
    """Equal in every figure."""
    assert one.users.keys() == other.users.keys()
    assert all(np.array_equal(one.users[name], other.users[name]) for name in one.users)
    assert replace(one, users={}) == replace(other, users={})


def test_a_session_due_exactly_at_midnight_is_of_the_next_tick(ticks: Ticks) -> None:
    found = ticks((1, "03-02 10:00:00"), (1, "03-02 12:00:00"), (1, "03-02 23:30:00"), (1, "03-10 10:00:00"))
    assert (at(found, "03-03").sessions_all, at(found, "03-04").sessions_all) == (2, 3)
    assert (at(found, "03-03").included, at(found, "03-04").included) == ((0, 0), (1, 0))


def test_a_session_due_a_second_before_midnight_is_of_its_tick(ticks: Ticks) -> None:
    found = ticks((1, "03-02 10:00:00"), (1, "03-02 12:00:00"), (1, "03-02 23:29:59"), (1, "03-10 10:00:00"))
    assert at(found, "03-03").sessions_all == 3
    assert at(found, "03-03").included == (1, 0)


def test_a_user_is_exposed_when_the_session_closes(ticks: Ticks) -> None:
    found = ticks((1, "03-02 23:30:00"), (5, "03-02 23:29:59"), (2, "03-10 10:00:00"))
    assert at(found, "03-03").exposed == (0, 1)
    assert at(found, "03-04").exposed == (1, 1)


def test_a_session_open_at_midnight_is_in_no_figure_of_that_tick(ticks: Ticks) -> None:
    found = ticks((1, "03-02 23:50:00"), (1, "03-03 00:10:00"), (2, "03-10 10:00:00"))
    assert (at(found, "03-03").sessions_all, at(found, "03-03").counts.accepted) == (0, 1)
    assert (at(found, "03-04").sessions_all, at(found, "03-04").counts.accepted) == (1, 2)


def test_an_event_at_a_midnight_is_not_counted_in_its_tick(ticks: Ticks) -> None:
    found = ticks((1, "03-03 00:00:00"), (1, "03-04 00:00:00"), (1, "03-05 00:00:00"))
    assert [tick.counts.accepted for tick in found] == [0, 0, 1, 2, 3]


def test_a_user_day_due_at_a_midnight_is_known_in_its_tick(ticks: Ticks) -> None:
    plays = [(1, f"03-02 {hour:02d}:00:00") for hour in (8, 12, 16)]
    found = ticks(*plays, (1, "03-03 09:00:00"), (2, "03-10 10:00:00"))
    retention = {to_iso(tick.time)[5:10]: tick.classic["d1_retention"][0] for tick in found}
    assert retention["03-03"].n == 0
    assert (retention["03-04"].n, retention["03-04"].mean) == (1, 1.0)
    assert (retention["03-05"].n, retention["03-05"].mean) == (1, 0.5)


def test_ticks_run_from_first_look_to_completion_and_stream_end(ticks: Ticks) -> None:
    found = ticks((1, "01-01 10:00:00"), (1, "06-01 10:00:00"))
    assert [tick.time for tick in found[:-1]] == list(range(START + DAY, END + DAY, DAY))
    assert len(found) == STUDY.experiment.days + 1
    assert [tick.period_complete for tick in found] == [False] * 60 + [True, True]
    assert [tick.ended for tick in found] == [False] * 61 + [True]
    assert found[-1].time == from_iso("2009-06-01T10:00:00")


def test_a_last_session_due_a_second_before_the_end_completes_it(ticks: Ticks) -> None:
    """The period is then complete at its end."""
    found = ticks((1, "04-30 23:29:59"), (2, "05-05 10:00:00"))
    assert found[-2].time == END
    assert found[-2].period_complete


def test_a_session_due_exactly_at_the_end_delays_completion(ticks: Ticks) -> None:
    """The period is complete a day later."""
    found = ticks((1, "04-30 23:30:00"), (2, "05-05 10:00:00"))
    assert [(tick.time, tick.period_complete) for tick in found[-3:-1]] == [(END, False), (END + DAY, True)]
    assert found[-2].sessions_in_period == 1


def test_a_session_begun_after_the_period_never_delays_it(ticks: Ticks) -> None:
    """It does not delay the period's completion."""
    found = ticks((1, "05-01 00:00:00"), (1, "05-01 23:50:00"), (1, "05-02 00:10:00"), (2, "05-05 10:00:00"))
    assert (found[-2].time, found[-2].period_complete) == (END, True)


def half_hours(first: int, last: int) -> list[tuple[int, str]]:
    """User 1's plays every 30 minutes, counted from 30 April 00:00."""
    halves = range(48 * 29 + first, 48 * 29 + last + 1)
    return [
        (1, f"0{4 + half // 48 // 30}-{half // 48 % 30 + 1:02d} {half % 48 // 2:02d}:{half % 2 * 30:02d}:00")
        for half in halves
    ]


def test_a_session_of_several_days_delays_completion_by_one(ticks: Ticks) -> None:
    found = ticks(*half_hours(40, 48 * 3 + 9), (2, "05-05 10:00:00"))  # 30 April 20:00 … 3 May 04:30
    last = found[-3:]
    assert [(tick.time, tick.period_complete) for tick in last[:2]] == [(END, False), (END + DAY, True)]
    assert [tick.sessions_unfinished for tick in last] == [1, 1, 1]
    assert (found[-1].sessions_all, found[-1].sessions_in_period) == (2, 0)


def test_a_session_counts_if_it_is_due_before_the_wait_is_over(ticks: Ticks) -> None:
    """Its last play at 23:00 or at 23:30 on the day after the period: due at 23:30, or at the very end of the wait."""
    for last, counted in ((48 + 46, 1), (48 + 47, 0)):
        found = ticks(*half_hours(46, last), (2, "05-05 10:00:00"))
        assert (found[-2].time, found[-2].period_complete) == (END + DAY, True)
        assert [tick.sessions_in_period for tick in found[-2:]] == [counted, counted]
        assert [tick.sessions_unfinished for tick in found[-2:]] == [1 - counted, 1 - counted]


def test_a_stream_that_ends_early_is_not_complete(ticks: Ticks) -> None:
    found = ticks((1, "03-02 10:00:00"), (1, "04-20 10:00:00"))
    assert found[-2].time == from_iso("2009-04-20")
    assert not any(tick.period_complete for tick in found)


def test_a_selection_to_the_end_completes_when_the_stream_ends(ticks: Ticks) -> None:
    """A selection up to the end of the period completes it at the end of the stream."""
    plays = [(1, "03-02 10:00:00"), (1, "04-20 10:00:00"), (1, "05-01 00:00:00")]
    assert ticks(*plays, select_to=END)[-1].period_complete
    assert not ticks(*plays[:2], select_to=END)[-1].period_complete  # a wish, not data: the file ends before
    assert not ticks(*plays, select_to=END - DAY)[-1].period_complete


def test_a_stream_that_ends_before_the_first_look_has_one_tick(ticks: Ticks) -> None:
    """The one tick is the stream's end."""
    (only,) = ticks((1, "03-01 10:00:00"))
    assert (only.ended, only.time, only.sessions_all) == (True, from_iso("2009-03-01T10:00:00"), 1)


def test_a_stream_that_ends_at_midnight_has_that_midnight_s_tick(ticks: Ticks) -> None:
    found = ticks((1, "03-01 10:00:00"), (1, "03-02 00:00:00"))
    assert [(tick.time, tick.ended, tick.sessions_all) for tick in found] == [
        (START + DAY, False, 1),
        (START + DAY, True, 2),
    ]


def test_ticks_between_which_nothing_happens_differ_in_time_only(ticks: Ticks) -> None:
    found = ticks(*((user, f"03-0{day} 10:00:00") for user in (1, 5) for day in (2, 3, 4)), (2, "03-20 10:00:00"))
    quiet = [tick for tick in found if from_iso("2009-03-06") <= tick.time <= from_iso("2009-03-20")]
    assert len(quiet) == 15
    assert quiet[0].included == (1, 1)
    for tick in quiet:
        assert_same(replace(tick, time=quiet[0].time), quiet[0])


def test_the_covariate_is_equal_at_every_tick_with_the_user(ticks: Ticks) -> None:
    before = [(1, "02-01 10:00:00"), (1, "02-01 10:20:00"), (1, "02-28 23:40:00")]
    found = ticks(*before, *((1, f"03-{day:02d} 10:00:00") for day in range(2, 30)))
    sums = [tick.users["session_duration"][0].sum(axis=0) for tick in found if tick.included == (1, 0)]
    assert len(sums) > 20
    assert {int(row[3]) for row in sums} == {-150}  # round(1000 ln((1200 + 8100) / (4 · 2700))): one session of 20 min
