"""Checkpoint policy: rarely enough that many users cost little, often enough that a crash costs little."""

from pathlib import Path

from livelift.event_time import SECOND
from livelift.sessions import session_measures
from processor.changelog import StateWriter, UserForm
from processor.checkpoint import EVENTS_A_USER, LONGEST, Checkpoint
from processor.states import States, StatesInMemory
from processor.states_on_disk import StatesOnDisk
from processor.windows import new_partition
from tests.support.small_study import START, small_study
from tests.support.streams import Listen, partition_records

STUDY = small_study()
MEASURES = session_measures(STUDY)
SECONDS = 5


def written(
    users: int, events_a_second: int, seconds: int, end: bool = False, states: States | None = None
) -> list[tuple[int, int]]:
    """(second, users written) of every write; users take turns."""
    count = events_a_second * seconds
    (records,) = partition_records([Listen(START + n * SECOND, str(n % users), "x") for n in range(count)])
    partition = new_partition(STUDY, MEASURES)
    checkpoint = Checkpoint(StateWriter(UserForm(MEASURES), b"12345678", {}), states or StatesInMemory(), SECONDS)
    writes = []
    last = len(records) if end else len(records) - 1
    for second in range(seconds):
        begin, until = second * events_a_second + 1, (second + 1) * events_a_second + 1  # before them is the start mark
        partition.apply(records[begin * (second > 0) : last if second == seconds - 1 else until])
        wrote = list(checkpoint.records(partition, float(second)))
        if wrote:
            writes.append((second, len(wrote) - 1))
    return writes


def test_few_users_are_written_every_few_seconds() -> None:
    assert written(3, 10, 16) == [(0, 3), (5, 3), (10, 3), (15, 3)]


def test_many_users_wait_for_events_and_not_for_ever() -> None:
    assert (EVENTS_A_USER, LONGEST * SECONDS) == (6, 30)
    assert written(40, 10, 30) == [(0, 10), (24, 40)]  # every one has had six
    assert written(80, 10, 70) == [(0, 10), (30, 80), (60, 80)]


def test_many_users_on_disk_do_not_wait_in_memory(tmp_path: Path) -> None:
    states = StatesOnDisk(tmp_path / "states")
    states.users(UserForm(MEASURES))
    assert written(80, 10, 12, states=states) == [(0, 10), (5, 50), (10, 50)]
    states.close()


def test_the_end_of_the_stream_is_written_at_once() -> None:
    assert written(80, 10, 4, end=True)[-1][0] == 3
