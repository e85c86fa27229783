"""Laws of the session operator, on random streams: nothing depends on how records were cut, marked or partitioned."""

from collections import Counter as CounterOf
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.event_time import DAY, MINUTE
from livelift.output_log import ClosedSession, Counts, EndMark, Mark, Output, UserTotals
from livelift.sessions import session_measures
from processor.changelog import KeyValue, StateWriter, UserForm
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from tests.support.odd_records import MAKERS, put_in
from tests.support.small_study import small_study
from tests.support.strategies import listens
from tests.support.streams import FakeRecord, Listen, partition_records

STUDY = small_study()
MEASURES = session_measures(STUDY)


def outputs_of(records: list[FakeRecord]) -> list[Output]:
    return new_partition(STUDY, MEASURES).apply(records).outputs


@given(listens())
def test_closed_sessions_hold_every_event_once_and_no_gap_over_thirty_minutes(plays: list[Listen]) -> None:
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


@given(listens(), st.data())
def test_the_output_log_is_the_same_for_any_batch_cuts_and_only_rises(plays: list[Listen], data: st.DataObject) -> None:
    (records,) = partition_records(plays)
    whole = outputs_of(records)
    partition = new_partition(STUDY, MEASURES)
    pieces: list[Output] = []
    start = 0
    while start < len(records):
        end = start + data.draw(st.integers(1, 10))
        pieces += partition.apply(records[start:end]).outputs
        start = end
    assert pieces == whole
    identities = [output.identity for output in whole]
    assert identities == sorted(set(identities))


@given(listens(), st.data())
def test_the_output_log_is_the_same_for_any_restart_points(plays: list[Listen], data: st.DataObject) -> None:
    (records,) = partition_records(plays)
    changelog: list[KeyValue] = []
    partition = new_partition(STUDY, MEASURES)
    writer = StateWriter(UserForm(MEASURES), b"writer00", {})
    outputs: list[Output] = []
    start = 0
    while start < len(records):
        end = start + data.draw(st.integers(1, 8))
        effects = partition.apply(records[start:end])
        outputs += effects.outputs
        changelog += writer.records(partition, partition.take_touched())
        if data.draw(st.booleans()):
            reader = StateReader(StatesInMemory())
            for key, value in changelog:
                assert key is not None
                reader.add(key, value)
            partition = reader.partition(STUDY, MEASURES)
        start = end
    assert outputs == outputs_of(records)


@pytest.mark.parametrize("odd", ["empty key", "key not UTF-8", "huge key"])
def test_a_key_that_is_none_is_the_reason_also_out_of_turn(odd: str) -> None:
    """After the last row of the replay, whose number no event can have any more."""
    (records,) = partition_records([Listen(6 * DAY, "a", "x")])
    mixed, refused = put_in(records, {2: [odd]})
    letters = new_partition(STUDY, MEASURES).apply(mixed).dead_letters
    assert [(letter.reason, letter.offset) for letter in letters] == refused == [("undecodable", 2)]


@given(listens(), st.data())
def test_strangers_are_counted_and_change_nothing_else(plays: list[Listen], data: st.DataObject) -> None:
    """Whatever strangers write, wherever, however it is cut: the outputs are those without them, but for the counts."""
    (records,) = partition_records(plays, progress_every=data.draw(st.integers(0, 5)))
    places = st.dictionaries(st.integers(1, len(records) - 1), st.lists(st.sampled_from(list(MAKERS)), max_size=3))
    mixed, refused = put_in(records, data.draw(places))
    partition = new_partition(STUDY, MEASURES)
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
    assert [counted(output) for output in outputs] == [counted(output) for output in outputs_of(records)]


def facts(outputs: list[Output]) -> list[tuple[object, ...]]:
    """What does not speak of the partition: sessions and user-days."""
    return sorted(
        (o.identity, o.totals, getattr(o, "measures", None))
        for o in outputs
        if isinstance(o, ClosedSession | UserTotals)
    )


@given(listens(), st.integers(1, 7), st.integers(0, 5))
def test_sessions_and_days_do_not_depend_on_partitions_or_progress_marks(
    plays: list[Listen], partitions: int, progress_every: int
) -> None:
    alone = outputs_of(partition_records(plays)[0])
    logs = partition_records(plays, partitions, progress_every=progress_every)
    together = [output for log in logs for output in outputs_of(log)]
    assert facts(together) == facts(alone)


@given(listens(), st.integers(2, 7))
def test_every_partition_has_the_same_midnights_and_their_counts_add_up(plays: list[Listen], partitions: int) -> None:
    alone = outputs_of(partition_records(plays)[0])
    logs = [outputs_of(log) for log in partition_records(plays, partitions)]
    marks = {o.due: o.counts.accepted for o in alone if isinstance(o, Mark | EndMark)}
    for log in logs:
        assert [o.due for o in log if isinstance(o, Mark | EndMark)] == list(marks)
    for due, accepted in marks.items():
        assert accepted == sum(o.counts.accepted for log in logs for o in log if getattr(o, "due", 0) == due
                               and isinstance(o, Mark | EndMark))  # fmt: skip
