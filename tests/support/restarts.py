"""A partition's outputs with random cuts of its records and crashes, each recovered from the changelog."""

from hypothesis import strategies as st

from livelift.output_log import Output
from livelift.sessions import session_measures
from livelift.study import Study
from processor.changelog import KeyValue, StateWriter, UserForm
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from tests.support.streams import FakeRecord


def outputs_of(study: Study, records: list[FakeRecord], data: st.DataObject) -> list[Output]:
    """With random cuts and crashes: after each the state is read back."""
    measures = session_measures(study)
    partition = new_partition(study, measures)
    writer = StateWriter(UserForm(measures), b"writer00", {})
    changelog: list[KeyValue] = []
    outputs: list[Output] = []
    start = 0
    while start < len(records):
        end = start + data.draw(st.integers(1, 12))
        outputs += partition.apply(records[start:end]).outputs
        changelog += writer.records(partition, partition.take_touched())
        if data.draw(st.booleans()):
            reader = StateReader(StatesInMemory())
            for key, value in changelog:
                assert key is not None
                reader.add(key, value)
            partition = reader.partition(study, measures)
        start = end
    return outputs
