"""What the watchdog sees of a stats station: that it comes round, and that what waits in the output log is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from livelift.watchdog import Sight


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a station stands.

    steps
        Rises with every round, tick, and look for a server that is away or another station that works.
    to_read
        The next offset of each partition that is to be read. Not among them: one that has many outputs waiting for the
        other partitions to reach its mark; and all, while the station waits for a server or stands by.
    """

    steps: int
    to_read: Mapping[int, int]


class View(Protocol):
    """The broker, asked by a client of its own: None where it does not answer."""

    def ends(self, topic: str, partitions: list[int]) -> dict[int, int] | None: ...


class Watched:
    """Looks at a station that reads `topic`."""

    def __init__(self, topic: str, standing: Callable[[], Standing], view: View) -> None:
        self._topic = topic
        self._standing = standing
        self._view = view

    def __call__(self) -> list[Sight]:
        at = self._standing()
        # No call to Kafka or Redis lasts longer than some 40 s, whether they answer or not.
        stuck = "it has not come to the end of a round, and none takes that long, whether or not Kafka and Redis answer"
        loop = Sight("its loop", at.steps, stuck)
        ends = self._view.ends(self._topic, sorted(at.to_read)) if at.to_read else None
        if ends is None:
            return [loop]  # who waits for Kafka does what it should
        return [loop, *(self._partition(number, offset, ends[number]) for number, offset in at.to_read.items())]

    def _partition(self, number: int, offset: int, end: int) -> Sight:
        waiting = end - offset
        work = f"{waiting} outputs have waited from offset {offset} on, and none was read, although Kafka answers"
        return Sight(f"partition {number} of {self._topic}", offset, work if waiting > 0 else "")
