"""The page `/history` of the stats station: the run's ticks from Redis, with event-time timestamps."""

import time
from collections.abc import Callable
from threading import Lock

from livelift.study import Study
from stats.edges.event_time_samples import CONTENT_TYPE, EventTimeSamples
from stats.edges.history_readers import HistoryReaders
from stats.edges.redis_connection import Client, connect
from stats.edges.redis_store import read_preview, read_ticks
from stats.settings import StatsSettings

PATH = "/history"


class HistoryPage:
    """Reads on in Redis at each request: only ticks that are new are decoded, and only what a reader lacks is given.

    Parameters
    ----------
    now
        A steady clock in seconds.
    """

    content_type = CONTENT_TYPE

    def __init__(self, settings: StatsSettings, study: Study, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._readers = HistoryReaders()
        self._redis = settings.redis
        self._client: Client | None = None
        self._names = settings.names
        self._samples = EventTimeSamples(study, settings.run)
        self._after = b"-"
        self._lock = Lock()

    def __call__(self, reader: str) -> bytes:
        """The page for `reader`.

        Raises
        ------
        redis.RedisError, UnreachableError
            If Redis does not answer.
        """
        with self._lock:
            if self._client is None:
                self._client = connect(self._redis)
            for number, wall_ms, entry in read_ticks(self._client, self._names, self._after):
                self._samples.add(entry, wall_ms)
                self._after = b"(" + number
            preview = read_preview(self._client, self._names)
            if preview is not None:
                self._samples.preview(preview)
            return self._samples.text(self._readers.after(reader, self._samples.newest, self._now()))
