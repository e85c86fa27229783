"""A Kafka batch that the broker took twice counts once: brokers forget producers whose newest record is old."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.repeats import MOST_PRODUCERS, Numbers, Taken, taken_before
from livelift.sessions import session_measures
from processor.changelog import StateWriter, UserForm
from processor.effects import Effects
from processor.partition import Partition
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from tests.support.small_study import START, small_study
from tests.support.strategies import listens
from tests.support.streams import FakeBatch, Listen, batches, event_value, partition_records

STUDY = small_study()
MEASURES = session_measures(STUDY)
PRODUCER = 41


def sent_by_producer(
    plays: list[Listen], cuts: list[int], repeated: set[int]
) -> tuple[list[FakeBatch], list[FakeBatch]]:
    """The batches of an idempotent producer, and the log of a broker that took those of the indexes `repeated` twice."""
    (records,) = partition_records(plays)
    last, once = -1, []
    for batch in batches(records, [max(1, cut) for cut in cuts]):
        last += len(batch.records)
        once.append(replace(batch, numbers=Numbers(PRODUCER, 0, last)))
    log: list[FakeBatch] = []
    for index, batch in enumerate(once):
        for _ in range(1 + (index in repeated)):
            first = log[-1].last + 1 if log else 0
            moved = tuple(replace(record, offset=first + n) for n, record in enumerate(batch.records))
            log.append(replace(batch, first=first, last=first + len(moved) - 1, records=moved))
    return once, log


def done(partition: Partition, taken: list[FakeBatch]) -> tuple[list[Any], Effects]:
    effects = partition.apply_batches(taken)
    return effects.outputs, effects


@given(listens(), st.lists(st.integers(1, 6), max_size=20), st.sets(st.integers(0, 20)))
def test_a_batch_that_was_taken_twice_counts_once(plays: list[Listen], cuts: list[int], repeated: set[int]) -> None:
    once, log = sent_by_producer(plays, cuts, repeated)
    whole, partition = new_partition(STUDY, MEASURES), new_partition(STUDY, MEASURES)
    outputs, _ = done(whole, once)
    found, effects = done(partition, log)
    assert found == outputs
    assert effects.dead_letters == []
    assert partition.counts == whole.counts
    assert partition.as_of == log[-1].last


@given(listens(), st.lists(st.integers(1, 6), max_size=20), st.sets(st.integers(0, 20)), st.data())
def test_a_restart_between_the_two_changes_nothing(
    plays: list[Listen], cuts: list[int], repeated: set[int], data: st.DataObject
) -> None:
    once, log = sent_by_producer(plays, cuts, repeated)
    outputs, _ = done(new_partition(STUDY, MEASURES), once)
    partition = new_partition(STUDY, MEASURES)
    split = data.draw(st.integers(1, len(log)))
    found, _ = done(partition, log[:split])
    reader = StateReader(StatesInMemory())
    for key, value in StateWriter(UserForm(MEASURES), b"writer00", {}).records(partition, partition.take_touched()):
        reader.add(key, value)
    again = reader.partition(STUDY, MEASURES)
    rest, effects = done(again, log[data.draw(st.integers(0, split)) :])  # the group's committed offset may be behind
    assert found + rest == outputs
    assert effects.dead_letters == []


def test_a_stranger_s_event_of_a_passed_row_is_still_refused() -> None:
    plays = [Listen(START + n * 60_000, "a") for n in range(10)]
    _, log = sent_by_producer(plays, [4, 4], {1})
    partition = new_partition(STUDY, MEASURES)
    partition.apply_batches(log[:3])
    event = replace(log[2].records[-1], offset=log[2].last + 1, value=event_value(3, "a"))
    for numbers in (None, Numbers(PRODUCER + 1, 0, 0)):
        stranger = FakeBatch(event.offset, event.offset, (event,), numbers)
        assert [letter.reason for letter in partition.apply_batches([stranger]).dead_letters] == ["no_such_row"]
        event = replace(event, offset=event.offset + 1)


def test_numbers_wrap_and_few_producers_are_remembered() -> None:
    taken: Taken = {}
    wraps = [(1 << 31) - 5, 3, 3, 9]
    assert [taken_before(Numbers(1, 0, last), taken) for last in wraps] == [False, False, True, False]
    for producer in range(2, 2 + MOST_PRODUCERS):
        assert not taken_before(Numbers(producer, 0, 0), taken)
    assert len(taken) == MOST_PRODUCERS and 1 not in taken
