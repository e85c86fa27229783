"""Retention with every anchor, over both kinds of windows: what the outputs carry is what plain Python counts."""

from collections import defaultdict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.event_time import DAY
from livelift.output_log import ClosedSession, Mark, UserTotals
from livelift.retention import FirstDays, LaterDay, Retention
from livelift.sessions import session_measures
from livelift.study import Study
from livelift.totals import total_columns
from processor.windows import new_partition
from tests.support.restarts import outputs_of
from tests.support.small_study import START, row_study, small_study
from tests.support.strategies import listens
from tests.support.streams import Listen, partition_records

PERIOD = 5

RETENTIONS: list[LaterDay] = [
    Retention(anchor, days)  # type: ignore[arg-type]
    for anchor in ("every_day", "first_activity", "exposure")
    for days in (1, 2, 4)
] + [
    FirstDays(anchor, days)  # type: ignore[arg-type]
    for anchor in ("first_activity", "exposure")
    for days in (1, 3, 5)
]


def study_with(retentions: list[LaterDay], windows: str) -> Study:
    study = row_study(PERIOD) if windows == "row" else small_study(PERIOD)
    pattern, replace = study.metrics["d1_retention"], msgspec.structs.replace
    metrics = {name: one for name, one in study.metrics.items() if one.retention is None}
    for number, one in enumerate(retentions):
        first_days = one if isinstance(one, FirstDays) else None
        metrics[f"r{number}"] = replace(pattern, retention=None if first_days else one, first_days=first_days)
    return replace(study, metrics=metrics)


@st.composite
def studies(draw: st.DrawFn) -> Study:
    retentions = draw(st.lists(st.sampled_from(RETENTIONS), min_size=1, max_size=4, unique=True))
    return study_with(retentions, draw(st.sampled_from(["gap", "row"])))


def begun(plays: list[Listen], user: str, gap: int, before: int) -> int:
    """Sessions of the user that begin in the period and before `before` ms."""
    times = sorted(play.time for play in plays if play.user == user)
    starts = [time for time, last in zip(times, [-gap - 1, *times], strict=False) if time - last > gap]
    if gap == 0:  # rows: events of one moment too
        starts = times
    return sum(START <= time < min(before, START + PERIOD * DAY) for time in starts)


def by_definition(plays: list[Listen], one: LaterDay, user: str, until: int, gap: int) -> tuple[int, int]:
    """(eligible, returned) of the user, of the days that are over at `until` ms."""
    mine = [play.time // DAY for play in plays if play.user == user]
    first, last = START // DAY, START // DAY + PERIOD - 1
    active = {day for day in mine if first <= day <= last}
    anchors = {
        "every_day": active,
        "first_activity": {min(mine)} & active,
        "exposure": set(sorted(active)[:1]),
    }[one.anchor]
    if isinstance(one, FirstDays):
        ends = [(day + one.days) * DAY for day in anchors]
        known = [end for end in ends if end <= min(until, START + PERIOD * DAY)]
        return len(known), sum(begun(plays, user, gap, end) for end in known)
    over = [day for day in anchors if day + one.days <= last and (day + one.days + 1) * DAY <= until]
    return len(over), sum(day + one.days in active for day in over)


@given(listens(), studies(), st.data())
def test_totals_are_what_the_definition_counts(plays: list[Listen], study: Study, data: st.DataObject) -> None:
    (records,) = partition_records(plays)
    columns = total_columns(study, session_measures(study).names)
    totals: dict[str, tuple[int, ...]] = defaultdict(lambda: columns.zero)
    outputs = outputs_of(study, records, data)
    identities = [output.identity for output in outputs]
    assert identities == sorted(set(identities))
    for output in outputs:
        if isinstance(output, UserTotals):
            before = totals[output.user]
            assert output.totals == tuple(a + b for a, b in zip(before, output.added, strict=True))
        if isinstance(output, UserTotals | ClosedSession):
            totals[output.user] = output.totals
        if isinstance(output, Mark):
            check(study, plays, totals, output.due)
    check(study, plays, totals, max(play.time for play in plays))


def check(study: Study, plays: list[Listen], totals: dict[str, tuple[int, ...]], until: int) -> None:
    columns = total_columns(study, session_measures(study).names)
    for user in {play.user for play in plays}:
        for number, one in enumerate(columns.retentions):
            column = columns.returns(number)
            assert totals[user][column : column + 2] == by_definition(plays, one, user, until, study.windows.gap_ms)


@given(listens(), st.data())
def test_rows_are_told_once_at_their_midnight(plays: list[Listen], data: st.DataObject) -> None:
    """Every event is a window of its user, in the output of the midnight after it, and in no other."""
    study = study_with([RETENTIONS[0]], "row")
    (records,) = partition_records(plays)
    told = [output for output in outputs_of(study, records, data) if isinstance(output, UserTotals)]
    expected: dict[tuple[int, str], int] = defaultdict(int)
    for play in plays:
        expected[(play.time // DAY + 1) * DAY, play.user] += 1
    assert {(one.due, one.user): one.windows for one in told if one.windows} == expected
    exposed = {play.user for play in plays if START <= play.time < START + PERIOD * DAY}
    assert sorted(one.user for one in told if one.first_exposed_at is not None) == sorted(exposed)


@pytest.mark.parametrize("windows", ["gap", "row"])
def test_two_retentions_of_a_midnight_are_one_output(windows: str) -> None:
    study = study_with([Retention("every_day", 1), Retention("exposure", 1)], windows)
    (records,) = partition_records([Listen(START, "a"), Listen(START + DAY, "a"), Listen(START + 2 * DAY, "b")])
    outputs = new_partition(study, session_measures(study)).apply(records).outputs
    (told,) = [one for one in outputs if isinstance(one, UserTotals) and one.due == START + 2 * DAY and one.user == "a"]
    columns = total_columns(study, session_measures(study).names)
    assert told.totals[columns.returns(0) : columns.returns(1) + 2] == (1, 1, 1, 1)
