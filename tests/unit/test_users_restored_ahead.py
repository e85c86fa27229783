"""A user whose restored state is newer than its partition's, since a batch's records of state are not written atomically."""

import msgspec
import pytest

from livelift.event_time import DAY, MINUTE
from livelift.output_log import EndMark, Mark, Output
from livelift.sessions import session_measures
from processor.changelog import KeyValue, StateWriter, UserForm
from processor.partition import Partition
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from tests.support.small_study import KINDS, START
from tests.support.streams import Listen, partition_records

PLAYS = [
    Listen(START - DAY, "a", "x"),
    Listen(START - DAY + MINUTE, "c", "x"),
    Listen(START - DAY + 2 * MINUTE, "a", "y"),
    Listen(START + MINUTE, "a", "y"),
    Listen(START + 2 * DAY, "a", "x"),
    Listen(START + 3 * DAY, "b", "x"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lateness", [0, 60, 200_000, 400_000])
@pytest.mark.parametrize("crashes", [1, 2])
@pytest.mark.parametrize("caught_up", range(1, 7))
def test_no_event_is_taken_twice(kind: str, lateness: int, crashes: int, caught_up: int) -> None:
    """A crash leaves the state of `a` alone, and state is written when the partition has caught up with part of it."""
    study = KINDS[kind]
    windows = msgspec.structs.replace(study.windows, allowed_lateness_seconds=lateness)
    study = msgspec.structs.replace(study, windows=windows)
    measures = session_measures(study)
    (records,) = partition_records(PLAYS)
    changelog: list[KeyValue] = []

    def restored() -> Partition:
        reader = StateReader(StatesInMemory())
        for key, value in changelog:
            assert key is not None
            reader.add(key, value)
        return reader.partition(study, measures)

    def written(partition: Partition, token: bytes) -> list[KeyValue]:
        return list(StateWriter(UserForm(measures), token, {}).records(partition, partition.take_touched()))

    first = new_partition(study, measures)
    outputs = first.apply(records[:7]).outputs
    changelog += [record for record in written(first, b"writer 1") if record[0] == b"writer 1a"]
    assert len(changelog) == 1
    second = restored()
    outputs += second.apply(records[:caught_up]).outputs
    changelog += written(second, b"writer 2")
    outputs += (second if crashes == 1 else restored()).apply(records[caught_up:]).outputs

    def told(found: list[Output]) -> list[Output]:
        """Each output once, as stats takes them; what was told again has to be the same, but for marks."""
        once = {output.identity: output for output in reversed(found)}
        assert all(isinstance(output, Mark | EndMark) or output == once[output.identity] for output in found)
        return [once[identity] for identity in sorted(once) if not isinstance(once[identity], Mark | EndMark)]

    assert told(outputs) == told(new_partition(study, measures).apply(records).outputs)
