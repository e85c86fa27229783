"""Detects partitions that stopped before their end or lost fetched records. Pure: offsets are passed in.

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


class Shortened:
    """Looks for partitions that end before their state: the topic was made anew, or the broker lost its end. What arrives
    there has offsets that the state takes for applied, and would be passed over in silence.

    >>> shortened = Shortened()
    >>> [list(shortened.look({0: 41, 1: 7}, {0: 12, 1: 8})) for _ in range(3)]
    [[], [], [0]]
    """

    def __init__(self) -> None:
        self._times: dict[int, int] = {}

    def look(self, as_of: Mapping[int, int], ends: Mapping[int, int | None]) -> list[int]:
        """The partitions that were found so in `LOOKS` looks in a row: a new leader may lag for a moment."""
        for partition, offset in as_of.items():
            end = ends.get(partition)
            short = end is not None and end <= offset
            self._times[partition] = self._times.get(partition, 0) + 1 if short else 0
        return [partition for partition in as_of if self._times[partition] == LOOKS]
