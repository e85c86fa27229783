"""A user without a name is refused, so that nobody's state lies where the partition's own record is."""

from livelift.output_log import Counts
from livelift.sessions import session_measures
from processor.changelog import PARTITION_KEY, StateWriter, UserForm
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from tests.support.small_study import START, small_study
from tests.support.streams import FakeRecord, Listen, event_value, partition_records

STUDY = small_study()
MEASURES = session_measures(STUDY)


def test_an_empty_key_and_a_crash_change_nothing() -> None:
    (log,) = partition_records([Listen(START + n * 60_000, "a") for n in range(4)])
    nameless = FakeRecord(2, START, b"", event_value(1, "x"))
    records = [*log[:2], nameless, *(FakeRecord(r.offset + 1, r.timestamp, r.key, r.value) for r in log[2:])]
    partition = new_partition(STUDY, MEASURES)
    outputs = partition.apply(records[:4]).outputs
    written = list(StateWriter(UserForm(MEASURES), b"writer00", {}).records(partition, partition.take_touched()))
    assert [key for key, _ in written] == [b"writer00a", b"writer00" + PARTITION_KEY]
    reader = StateReader(StatesInMemory())
    for key, value in written:
        reader.add(key, value)
    again = reader.partition(STUDY, MEASURES)
    outputs += again.apply(records[4:]).outputs
    assert again.counts == Counts(4, 0, {"undecodable": 1})
    assert [o.due for o in outputs] == [o.due for o in new_partition(STUDY, MEASURES).apply(log).outputs]
