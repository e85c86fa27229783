"""Laws of the session operator, on random streams: nothing depends on how records were cut, marked or partitioned."""

from collections import Counter as CounterOf
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.event_time import DAY, MINUTE
from livelift.output_log import ClosedSession, Counts, EndMark, Mark, Output, UserTotals
from livelift.sessions import session_measures
from processor.partition import Partition
from processor.windows import new_partition
from tests.support.odd_records import MAKERS, put_in
from tests.support.restarts import outputs_of as outputs_with_restarts
from tests.support.small_study import KINDS
from tests.support.strategies import listens
from tests.support.streams import FakeRecord, Listen, partition_records

STUDY = KINDS["gap"]
MEASURES = session_measures(STUDY)

each_kind = pytest.mark.parametrize("kind", KINDS)
two_kinds = pytest.mark.parametrize("kind", ["gap", "rows, arms named"])
"""For laws in which the kind has little part."""


def partition_with(kind: str) -> Partition:
    return new_partition(KINDS[kind], session_measures(KINDS[kind]))


def outputs_of(records: list[FakeRecord], kind: str = "gap") -> list[Output]:
    return partition_with(kind).apply(records).outputs


@given(listens())
def test_closed_sessions_hold_every_event_once_and_no_long_gap(plays: list[Listen]) -> None:
    """No gap within a session is longer than 30 minutes."""
    closed = [o for o in outputs_of(partition_records(plays)[0]) if isinstance(o, ClosedSession)]
    times: dict[str, list[int]] = defaultdict(list)
    for play in plays:
        times[play.user].append(play.time)
    expected = []
    for user, moments in times.items():
        start = last = moments[0]
        count = 0
        for moment in moments:
            if moment - last > 30 * MINUTE:
                expected.append((user, start, last, count))
                start, count = moment, 0
            last, count = moment, count + 1
        expected.append((user, start, last, count))
    assert sorted((o.user, o.start, o.end, o.measures[1]) for o in closed) == sorted(expected)


@two_kinds
@given(plays=listens(), data=st.data())
def test_the_output_log_is_the_same_for_any_batches_and_rises(
    kind: str, plays: list[Listen], data: st.DataObject
) -> None:
    """Batches may be cut anywhere; the positions of the outputs only rise."""
    (records,) = partition_records(plays)
    whole = outputs_of(records, kind)
    partition = partition_with(kind)
    pieces: list[Output] = []
    start = 0
    while start < len(records):
        end = start + data.draw(st.integers(1, 10))
        pieces += partition.apply(records[start:end]).outputs
        start = end
    assert pieces == whole
    identities = [output.identity for output in whole]
    assert identities == sorted(set(identities))


@each_kind
@given(plays=listens(), data=st.data())
def test_the_output_log_is_the_same_for_any_restart_points(kind: str, plays: list[Listen], data: st.DataObject) -> None:
    (records,) = partition_records(plays)
    assert outputs_with_restarts(KINDS[kind], records, data) == outputs_of(records, kind)


@pytest.mark.parametrize("odd", ["empty key", "key not UTF-8", "huge key"])
def test_a_key_that_is_none_is_the_reason_also_out_of_turn(odd: str) -> None:
    """After the last row of the replay, whose number no event can have any more."""
    (records,) = partition_records([Listen(6 * DAY, "a", "x")])
    mixed, refused = put_in(records, {2: [odd]})
    letters = new_partition(STUDY, MEASURES).apply(mixed).dead_letters
    assert [(letter.reason, letter.offset) for letter in letters] == refused == [("undecodable", 2)]


@two_kinds
@given(plays=listens(), data=st.data())
def test_strangers_are_counted_and_change_nothing_else(kind: str, plays: list[Listen], data: st.DataObject) -> None:
    """Whatever strangers write, wherever, however it is cut: the outputs are those without them, but for the counts."""
    (records,) = partition_records(plays, progress_every=data.draw(st.integers(0, 5)))
    places = st.dictionaries(st.integers(1, len(records) - 1), st.lists(st.sampled_from(list(MAKERS)), max_size=3))
    mixed, refused = put_in(records, data.draw(places))
    partition = partition_with(kind)
    outputs: list[Output] = []
    letters: list[tuple[str, int]] = []
    start = 0
    while start < len(mixed):
        end = start + data.draw(st.integers(1, 10))
        effects = partition.apply(mixed[start:end])
        outputs += effects.outputs
        letters += [(letter.reason, letter.offset) for letter in effects.dead_letters]
        start = end

    def counted(output: Output) -> object:
        return (output.due, output.counts.accepted) if isinstance(output, Mark | EndMark) else output

    assert letters == refused
    assert partition.counts == Counts(len(plays), 0, dict(CounterOf(reason for reason, _ in refused)))
    assert [counted(output) for output in outputs] == [counted(output) for output in outputs_of(records, kind)]


def facts(outputs: list[Output]) -> list[tuple[object, ...]]:
    """What does not speak of the partition: sessions and users' totals."""
    return sorted(
        (o.identity, o.totals, getattr(o, "measures", None))
        for o in outputs
        if isinstance(o, ClosedSession | UserTotals)
    )


@each_kind
@given(plays=listens(), partitions=st.integers(1, 7), progress_every=st.integers(0, 5))
def test_sessions_and_days_do_not_depend_on_partitions_or_marks(
    kind: str, plays: list[Listen], partitions: int, progress_every: int
) -> None:
    """Neither the number of partitions nor the producer's progress marks change them."""
    alone = outputs_of(partition_records(plays)[0], kind)
    logs = partition_records(plays, partitions, progress_every=progress_every)
    together = [output for log in logs for output in outputs_of(log, kind)]
    assert facts(together) == facts(alone)


@two_kinds
@given(plays=listens(), partitions=st.integers(2, 7))
def test_partitions_have_the_same_midnights_and_counts_add_up(kind: str, plays: list[Listen], partitions: int) -> None:
    alone = outputs_of(partition_records(plays)[0], kind)
    logs = [outputs_of(log, kind) for log in partition_records(plays, partitions)]
    marks = {o.due: o.counts.accepted for o in alone if isinstance(o, Mark | EndMark)}
    for log in logs:
        assert [o.due for o in log if isinstance(o, Mark | EndMark)] == list(marks)
    for due, accepted in marks.items():
        assert accepted == sum(o.counts.accepted for log in logs for o in log if getattr(o, "due", 0) == due
                               and isinstance(o, Mark | EndMark))  # fmt: skip
