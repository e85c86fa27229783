"""Offsets without a record (transaction markers, compaction) are no missing events; a missing batch is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.errors import StateError
from livelift.output_log import ClosedSession, EndMark, Output
from livelift.sessions import session_measures
from processor.changelog import StateWriter, UserForm
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from tests.support.small_study import START, small_study
from tests.support.strategies import listens
from tests.support.streams import FakeBatch, Listen, batches, partition_records, spread

STUDY = small_study()
MEASURES = session_measures(STUDY)


@given(listens(), st.data())
def test_gaps_between_offsets_change_no_output(plays: list[Listen], data: st.DataObject) -> None:
    (records,) = partition_records(plays)
    whole = new_partition(STUDY, MEASURES).apply(records).outputs
    size = len(records)
    apart = spread(records, data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    cut = batches(apart, data.draw(st.lists(st.integers(0, 9), max_size=20)), tail=data.draw(st.integers(0, 2)))
    partition = new_partition(STUDY, MEASURES)
    outputs: list[Output] = []
    while cut:
        taken = data.draw(st.integers(1, 4))
        outputs += partition.apply_batches(cut[:taken]).outputs
        assert partition.as_of == cut[:taken][-1].last
        cut = cut[taken:]
    assert outputs == whole


@given(listens(), st.data())
def test_a_restart_between_two_gaps_loses_and_doubles_nothing(plays: list[Listen], data: st.DataObject) -> None:
    (records,) = partition_records(plays)
    size = len(records)
    apart = spread(records, data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    cut = batches(apart, data.draw(st.lists(st.integers(0, 9), max_size=20)), tail=1)
    partition = new_partition(STUDY, MEASURES)
    split = data.draw(st.integers(1, len(cut)))
    outputs = partition.apply_batches(cut[:split]).outputs
    reader = StateReader(StatesInMemory())
    for key, value in StateWriter(UserForm(MEASURES), b"writer00", {}).records(partition, partition.take_touched()):
        assert key is not None
        reader.add(key, value)
    again = reader.partition(STUDY, MEASURES)
    back = data.draw(st.integers(0, split))  # the group's committed offset may be behind
    outputs += again.apply_batches(cut[back:]).outputs
    assert outputs == new_partition(STUDY, MEASURES).apply(records).outputs


@pytest.mark.parametrize("left_out", [1, 2, 3])
def test_a_batch_that_is_missing_is_an_error(left_out: int) -> None:
    (records,) = partition_records([Listen(START + n * 60_000, "a") for n in range(10)])
    cut = batches(spread(records, [0] * 3 + [2] * 9), [2, 2, 2, 2])
    with pytest.raises(StateError, match="are missing"):
        new_partition(STUDY, MEASURES).apply_batches(cut[:left_out] + cut[left_out + 1 :])


def test_a_log_whose_beginning_was_deleted_is_an_error() -> None:
    (records,) = partition_records([Listen(START + n * 60_000, "a") for n in range(10)])
    with pytest.raises(StateError, match="between offset -1 and 5"):
        new_partition(STUDY, MEASURES).apply_batches([FakeBatch(5, records[-1].offset, tuple(records[5:]))])


def test_an_overlapping_batch_is_applied_from_its_new_part_on() -> None:
    (records,) = partition_records([Listen(START + n * 60_000, "a") for n in range(10)])
    partition = new_partition(STUDY, MEASURES)
    outputs = partition.apply(records[:6]).outputs
    outputs += partition.apply_batches([FakeBatch(3, records[-1].offset, tuple(records[3:]))]).outputs
    assert [o.measures[1] for o in outputs if isinstance(o, ClosedSession)] == [10]
    assert isinstance(outputs[-1], EndMark)
