"""Faust table store that recovers by as-of offset instead of by last write.

Faust recovers a table by handing changelog records to its store. This one keeps the greatest as-of of every user and
partition, and builds the operators when recovery is complete. It never writes: the agent writes the changelog in record
batches. Every assignment recovers from the changelog's start, since a worker that was frozen can't know what others
wrote in the meantime.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any

from faust import stores
from faust.stores import memory
from faust.types import TP, EventT

from broker.partitioning import belongs_to
from livelift import gc_tuning
from livelift.sessions import SessionMeasures
from livelift.study import Study
from processor.changelog import StateWriter, UserForm, new_token, readable
from processor.checkpoint import Checkpoint
from processor.partition import Partition
from processor.recovery import StateReader
from processor.states import NewStates, States

SCHEME = "livelift"

Recovered = Callable[[dict[int, Partition]], None]
"""Told of the operators, by partition, whenever an assignment's state was restored."""

Failed = Callable[[Exception], None]
"""Told what went wrong during recovery, and ends the process: Faust would log a warning and wait for ever."""


class PartitionStore(memory.Store[bytes, bytes]):
    """The operators of the assigned partitions, and what writes their state.

    Attributes
    ----------
    partitions, checkpoints
        Partition number → operator, and → what writes its state, under this assignment's token. Empty while recovering.
    """

    study: Study
    measures: SessionMeasures
    partition_count: int
    recovered: Recovered
    failed: Failed
    checkpoint_seconds: float
    new_states: NewStates

    def __post_init__(self) -> None:
        super().__post_init__()
        self.partitions: dict[int, Partition] = {}
        self.checkpoints: dict[int, Checkpoint] = {}
        self._readers: dict[int, StateReader] = {}
        self._states: list[States] = []

    def persisted_offset(self, tp: TP) -> int | None:
        return -1  # nothing is kept between assignments

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        self._forget()

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        try:
            for event in batch:
                partition, kafka_batches = event.message.partition, event.message.value
                _read(self._reader(partition), partition, kafka_batches)
        except Exception as error:
            type(self).failed(error)
            raise

    def _reader(self, partition: int) -> StateReader:
        """The reader of a partition's changelog; a new one has states of its own."""
        reader = self._readers.get(partition)
        if reader is None:
            states = type(self).new_states(partition)
            self._states.append(states)
            reader = self._readers[partition] = StateReader(states)
        return reader

    def _forget(self) -> None:
        """Nothing is kept from one assignment to the next."""
        self.partitions.clear()
        self.checkpoints.clear()
        self._readers.clear()
        while self._states:
            self._states.pop().close()

    async def on_stop(self) -> None:
        self._forget()

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        try:
            self.partitions.clear()
            self.checkpoints.clear()
            for tp in active_tps:
                reader = self._reader(tp.partition)
                belongs = belongs_to(tp.partition, self.partition_count)
                with readable(partial("the state of partition {}".format, tp.partition)):
                    self.partitions[tp.partition] = reader.partition(self.study, self.measures, belongs)
                writer = StateWriter(UserForm(self.measures), new_token(), reader.states.tokens)
                self.checkpoints[tp.partition] = Checkpoint(writer, reader.states, self.checkpoint_seconds)
            self._readers.clear()
            gc_tuning.freeze_gc()
            type(self).recovered(self.partitions)
        except Exception as error:
            type(self).failed(error)
            raise


def _read(reader: StateReader, partition: int, kafka_batches: Any) -> None:
    """Take the records of some fetched Kafka batches."""
    add, record = reader.add, None

    def place() -> str:
        which = "the first record of a batch" if record is None else f"record {record.offset}"
        return f"{which} of partition {partition}'s changelog"

    with readable(place):
        for record in chain.from_iterable(kafka_batches):  # a million users' records: nothing is made for each
            add(record.key, record.value)


def register(
    study: Study,
    measures: SessionMeasures,
    partitions: int,
    recovered: Recovered,
    failed: Failed,
    checkpoint_seconds: float,
    new_states: NewStates,
) -> str:
    """Make the store known to Faust for `study`; returns its URL for `app.Table`."""
    PartitionStore.study = study
    PartitionStore.measures = measures
    PartitionStore.partition_count = partitions
    PartitionStore.recovered = staticmethod(recovered)
    PartitionStore.failed = staticmethod(failed)
    PartitionStore.checkpoint_seconds = checkpoint_seconds
    PartitionStore.new_states = staticmethod(new_states)
    stores.STORES.aliases[SCHEME] = f"{__name__}:{PartitionStore.__name__}"
    return f"{SCHEME}://changelog"
