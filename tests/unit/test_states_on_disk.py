"""Users on disk: a checkpoint lets most of them leave memory, and they come back as they were; nothing stays behind."""

from pathlib import Path

from livelift.event_time import MINUTE
from livelift.sessions import session_measures
from processor.changelog import StateWriter, UserForm, shard_key
from processor.checkpoint import Checkpoint
from processor.recovery import StateReader
from processor.states_on_disk import A_WRITE, StatesOnDisk, UsersOnDisk, make_room
from tests.support.small_study import START, small_study
from tests.support.streams import Listen, partition_records

STUDY = small_study()
MEASURES = session_measures(STUDY)


def test_memory_holds_the_last_active_users_and_disk_all(tmp_path: Path) -> None:
    states = StatesOnDisk(tmp_path / "states", most=10)
    partition = StateReader(states).partition(STUDY, MEASURES)
    checkpoint = Checkpoint(StateWriter(UserForm(MEASURES), b"token000", states.tokens), states, seconds=0.0)
    listens = [Listen(START + play * MINUTE, f"user_{play % 500}") for play in range(5_000)]
    (records,) = partition_records(listens)
    users = partition.users
    assert isinstance(users, UsersOnDisk)
    for number, start in enumerate(range(0, len(records), 100)):
        partition.apply(records[start : start + 100])
        assert list(checkpoint.records(partition, float(number)))
        assert users.in_memory <= 10
    assert len(users) == 500
    assert sorted(user.user for user in users.values()) == sorted({f"user_{n}".encode() for n in range(500)})
    assert sum(user.totals[0] for user in users.values()) == 5_000, "every play was a session of its own"
    assert users.get(b"nobody") is None
    states.close()
    assert not (tmp_path / "states").exists()


def test_a_checkpoint_larger_than_one_disk_write_keeps_all_users(tmp_path: Path) -> None:
    states = StatesOnDisk(tmp_path / "states", most=10)
    partition = StateReader(states).partition(STUDY, MEASURES)
    checkpoint = Checkpoint(StateWriter(UserForm(MEASURES), b"token000", states.tokens), states, seconds=0.0)
    many = 2 * A_WRITE + 5
    (records,) = partition_records([Listen(START + number, f"user_{number}") for number in range(many)])
    partition.apply(records)
    assert len(list(checkpoint.records(partition, 0.0))) == many + 1
    users = partition.users
    assert isinstance(users, UsersOnDisk)
    assert len({user.user for user in users.values()}) == len(users) == many
    states.close()


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "states-999999999" / "0").mkdir(parents=True)
    (tmp_path / "states-1" / "0").mkdir(parents=True)  # a process that lives
    room = make_room(tmp_path)
    assert room.parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["states-1"]


def test_a_shard_of_the_tables_is_no_user(tmp_path: Path) -> None:
    """Whoever sends an event with its key is judged by that."""
    states = StatesOnDisk(tmp_path / "states")
    users = states.users(UserForm(session_measures(small_study())))
    assert list(states.written(iter([(b"writer00" + shard_key(3), b"record")]), [])) != []
    assert users.get(shard_key(3)) is None
    states.close()
