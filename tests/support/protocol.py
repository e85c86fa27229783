"""Simulates promise P2 over one partition: the real operator and state records, a log that never forgets, and a
schedule of batch cuts, crashes at every write, and zombies (workers that freeze and wake after their partition was
given away).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from livelift import output_log
from livelift.output_log import Output
from livelift.sessions import SessionMeasures
from livelift.study import Study
from processor.changelog import StateWriter, UserForm
from processor.checkpoint import Checkpoint
from processor.recovery import StateReader
from processor.states import NewStates, States, StatesInMemory
from tests.support.streams import FakeRecord


@dataclass
class Broker:
    """The logs of one partition, and what the group has committed."""

    outputs: list[Output] = field(default_factory=list)
    changelog: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    committed: int = 0


class Worker:
    """A worker that owns the partition; `batch` yields before every write, so that it can stop there for ever or a while."""

    def __init__(
        self,
        broker: Broker,
        study: Study,
        measures: SessionMeasures,
        token: bytes,
        batches_a_checkpoint: int,
        states: States,
    ) -> None:
        reader = StateReader(states)
        for key, value in broker.changelog:
            reader.add(key, value)
        self._broker = broker
        self._partition = reader.partition(study, measures)
        self._checkpoint = Checkpoint(
            StateWriter(UserForm(measures), token, states.tokens), states, batches_a_checkpoint
        )
        self._batches = 0

    @property
    def position(self) -> int:
        """The offset that its state has to be given next."""
        return self._partition.as_of + 1

    def batch(self, records: list[FakeRecord]) -> Iterator[None]:
        effects = self._partition.apply(records)
        for output in effects.outputs:
            yield
            self._broker.outputs.append(output)
        self._batches += 1
        for key, value in list(self._checkpoint.records(self._partition, self._batches)):
            assert key is not None
            yield
            self._broker.changelog.append((key, value))
        yield


def in_memory(_: int) -> States:
    return StatesInMemory()


def run_schedule(
    seed: int, records: list[FakeRecord], study: Study, measures: SessionMeasures, new_states: NewStates = in_memory
) -> Broker:
    """Process `records` under a random schedule; returns the logs it leaves."""
    chance = random.Random(seed)
    broker = Broker()
    asleep: list[Iterator[None]] = []
    faults = chance.randrange(7)
    generation = 0
    finished = False
    while not finished:
        generation += 1
        worker = Worker(broker, study, measures, b"%08d" % generation, chance.choice([1, 2, 5]), new_states(generation))
        position = min(broker.committed, worker.position)  # what the group has committed may be ahead of the state
        while position < len(records):
            end = min(len(records), position + chance.randrange(1, 15))
            work = worker.batch(records[position:end])
            stops_at = chance.randrange(60) if faults and chance.random() < 0.4 else -1
            if any(step == stops_at for step, _ in enumerate(work)):
                faults -= 1
                if chance.random() < 0.5:
                    asleep.append(work)  # frozen: it still believes that the partition is its own
                break
            if chance.random() < 0.7:
                broker.committed = max(broker.committed, end)
            position = end
            for sleeper in list(asleep):
                if chance.random() < 0.3:
                    asleep.remove(sleeper)
                    for _ in zip(range(chance.randrange(1, 40)), sleeper, strict=False):
                        pass  # wakes, writes on, and is deduplicated or killed
        else:
            finished = True
    return broker


def deduplicated(outputs: list[Output]) -> list[Output]:
    """The outputs as stats applies them: only what is above the cursor."""
    cursor = output_log.NOTHING
    applied = []
    for output in outputs:
        if output.identity > cursor:
            applied.append(output)
            cursor = output.identity
    return applied
