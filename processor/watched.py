"""What the watchdog sees of a worker: its place in the group, and for each of its partitions what waits to be applied.

What there is to do is asked of the broker by a client of the watchdog's own: the worker's knows the end of a partition only
from its last fetch, and when it has stopped fetching there is never anything to do.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from livelift.names import RunNames
from livelift.watchdog import Sight

log = logging.getLogger("livelift.processor")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a worker stands.

    member
        What its group calls it; empty before it joined.
    generation
        Of the group, as the worker knows it.
    applied
        Its partitions: as-of offset of the state; None while that is being restored.
    restored
        Partition → offset of the last changelog record that was read.
    failed
        The worker met an error, and is about to end.
    """

    member: str
    generation: int
    applied: Mapping[int, int | None]
    restored: Mapping[int, int]
    failed: bool = False


class View(Protocol):
    """The broker, asked by a client of its own: None where it does not answer."""

    def ends(self, topic: str, partitions: list[int]) -> dict[int, int] | None: ...

    def members(self, group: str) -> set[str] | None: ...


class Watched:
    """Looks at a worker.

    Parameters
    ----------
    standing
        Where the worker stands; None while it is being stopped.
    """

    def __init__(self, names: RunNames, standing: Callable[[], Standing | None], view: View) -> None:
        self._names = names
        self._standing = standing
        self._view = view
        self._answers = True

    def __call__(self) -> list[Sight]:
        """Nothing is seen while Kafka does not answer: then the worker waits, as it should."""
        at = self._standing()
        if at is None:
            return []
        if at.failed:
            return [Sight("its end", None, "it has failed with an error, which its log names, and has not ended")]
        members = self._view.members(self._names.application)
        ends = {} if not at.applied else self._view.ends(self._names.events, sorted(at.applied))
        if members is None or ends is None:
            if self._answers:
                log.warning("Kafka does not answer: the worker waits for it")
            self._answers = False
            return []
        if not self._answers:
            log.info("Kafka answers again")
        self._answers = True
        return [self._membership(at, members), *(self._partition(at, number, ends[number]) for number in at.applied)]

    def _membership(self, at: Standing, members: set[str]) -> Sight:
        missing = f"it has not been a member of its group {self._names.application}, although Kafka answers"
        return Sight("membership", at.generation, "" if at.member in members else missing)

    def _partition(self, at: Standing, number: int, end: int) -> Sight:
        subject, as_of = f"partition {number} of {self._names.events}", at.applied[number]
        if as_of is None:
            read = at.restored.get(number, -1)
            work = f"its state is being restored, and no record of the changelog after offset {read} was read"
            return Sight(subject, ("restoring", at.generation, read), f"{work}, although Kafka answers")
        waiting = end - as_of - 1
        work = f"{waiting} records have waited from offset {as_of + 1} on, and none was applied, although Kafka answers"
        return Sight(subject, as_of, work if waiting > 0 else "")


def standing(app: Any, table: str, topic: str) -> Standing | None:
    """Where the worker of the Faust application `app` stands, read from another thread than its own."""
    if app._crashed.is_set():
        return Standing("", 0, {}, {}, failed=True)
    if app._stopped.is_set():
        return None
    consumer = app._consumer  # Faust's property would make one, here, in the wrong thread
    if consumer is None:
        return Standing("", app.consumer_generation_id, {}, {})
    store, recovery = app.tables[table]._data, app.tables._recovery
    partitions = {} if store is None else dict(store.partitions)
    offsets = {} if recovery is None else dict(recovery.active_offsets)
    return Standing(
        member=consumer.member_id,
        generation=app.consumer_generation_id,
        applied={n: partitions[n].as_of if n in partitions else None for n in consumer.assigned(topic)},
        restored={tp.partition: offset for tp, offset in offsets.items() if offset is not None},
    )
