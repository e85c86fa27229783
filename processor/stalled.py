"""Which partitions stand still although there is more to read. Pure: as-of offsets and ends are passed in.

The group's committed offset can be ahead of the state. Reading begins there, and as long as something arrives, the agent sees
the gap and seeks back; but where it is the very end of a finished stream, nothing ever arrives.
"""

from collections.abc import Iterator, Mapping

LOOKS = 3
"""So many looks in a row with the same as-of offset and records beyond it make a partition stalled."""


class Stalled:
    """Looks at the partitions now and then.

    >>> stalled = Stalled()
    >>> [list(stalled.look({0: 41, 1: 7}, {0: 50, 1: 8})) for _ in range(4)]
    [[], [], [0], []]
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int]] = {}  # partition → (as-of, how often seen so)

    def look(self, as_of: Mapping[int, int], ends: Mapping[int, int | None]) -> Iterator[int]:
        """The partitions to be sought: as-of offset of each, and the offset after its last record where that is known."""
        for partition, offset in as_of.items():
            end = ends.get(partition)
            if end is None or end <= offset + 1:
                self._seen.pop(partition, None)
                continue
            before, times = self._seen.get(partition, (offset, 0))
            times = times + 1 if before == offset else 1
            if times == LOOKS:
                times = 0
                yield partition
            self._seen[partition] = offset, times
