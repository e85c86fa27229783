"""Retry limit for offset gaps: how long to seek again before events count as missing. Pure: the clock is passed in."""

MOST_SECONDS = 20
"""Seconds, each with a seek, that are waited. Messages that waited in Faust's buffers when a rebalance came all begin too
late, and there may be dozens of them: their number says nothing, time without one that fits does."""


class GapRetry:
    """Of every partition, how many different seconds saw it begin too late since it last did not."""

    def __init__(self) -> None:
        self._seconds: dict[int, int] = {}
        self._counted: dict[int, float] = {}

    def lasts(self, partition: int, now: float) -> bool:
        """The partition began too late at `now` seconds: is it to be sought again?

        >>> gap_retry = GapRetry()
        >>> all(gap_retry.lasts(0, second) for second in range(MOST_SECONDS)), gap_retry.lasts(0, MOST_SECONDS)
        (True, False)
        """
        if now - self._counted.get(partition, -1.0) >= 1.0:
            self._counted[partition] = now
            self._seconds[partition] = self._seconds.get(partition, 0) + 1
        return self._seconds[partition] <= MOST_SECONDS

    def renewed(self, partition: int) -> None:
        """The partition went on where it should."""
        self._seconds.pop(partition, None)
        self._counted.pop(partition, None)
