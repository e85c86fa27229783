"""Promise P2 on thousands of random schedules: crashes at every write, zombies, any batch cuts (pure simulation)."""

import itertools
import random
from pathlib import Path

import pytest

from livelift.event_time import DAY, MINUTE, SECOND
from livelift.sessions import session_measures
from livelift.study import Study
from processor.states import NewStates, States
from processor.states_on_disk import StatesOnDisk
from processor.windows import new_partition
from tests.support.odd_records import MAKERS, put_in
from tests.support.protocol import deduplicated, in_memory, run_schedule
from tests.support.small_study import KINDS, START, TABLED
from tests.support.streams import FakeRecord, Listen, partition_records

NAMES = [name for name in MAKERS if "huge" not in name and "nested" not in name]  # those take long


def random_records(seed: int) -> list[FakeRecord]:
    """Sixty plays of four users over a week, half of their gaps near the session gap; in every second log records of strangers."""
    chance = random.Random(seed)
    plays = []
    for user in "abcd":
        time = START - 2 * DAY
        for _ in range(15):
            near = chance.choice([29 * SECOND, 30 * MINUTE, 30 * MINUTE + SECOND])
            time += near if chance.random() < 0.5 else chance.randrange(36 * 3_600) * SECOND
            plays.append(Listen(time, user, chance.choice("xyz")))
    (log,) = partition_records(plays, progress_every=chance.choice([0, 3, 10]))
    if seed % 2:
        return log
    odd = {chance.randrange(1, len(log) + 1): [chance.choice(NAMES)] for _ in range(8)}
    return put_in(log, odd)[0]


def wrong_schedules(study: Study, schedules: range, new_states: NewStates = in_memory) -> list[int]:
    wrong = []
    measures = session_measures(study)
    for seed in schedules:
        records = random_records(seed)
        truth = new_partition(study, measures).apply(records).outputs
        if deduplicated(run_schedule(seed, records, study, measures, new_states).outputs) != truth:
            wrong.append(seed)
    return wrong


@pytest.mark.parametrize("kind", KINDS)
def test_no_schedule_of_crashes_and_zombies_loses_or_doubles(kind: str) -> None:
    assert wrong_schedules(KINDS[kind], range(1_500 if kind == "gap" else 500)) == []


@pytest.mark.parametrize("name", TABLED)
def test_no_schedule_loses_or_doubles_in_a_table(name: str, tmp_path: Path) -> None:
    """In memory, and with users on disk."""
    made = itertools.count()
    assert wrong_schedules(TABLED[name], range(100)) == []
    assert wrong_schedules(TABLED[name], range(20), lambda _: StatesOnDisk(tmp_path / str(next(made)), most=1)) == []


@pytest.mark.parametrize("kind", ["gap", "rows, arms named"])
def test_no_schedule_with_users_on_disk_loses_or_doubles(kind: str, tmp_path: Path) -> None:
    """Of four users one at most stays in memory after a checkpoint."""
    made = itertools.count()

    def on_disk(_: int) -> States:
        return StatesOnDisk(tmp_path / str(next(made)), most=1)

    assert wrong_schedules(KINDS[kind], range(40), on_disk) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLED)
def test_no_schedule_of_a_thousand_loses_or_doubles_in_a_table(name: str) -> None:
    assert wrong_schedules(TABLED[name], range(100, 1_100)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_schedule_of_thirty_thousand_loses_or_doubles(kind: str) -> None:
    assert wrong_schedules(KINDS[kind], range(1_500, 16_500 if kind == "gap" else 6_500)) == []
