"""The page `/history` of the stats station: the run's ticks from Redis, with event-time timestamps."""

import time
from collections.abc import Callable
from operator import itemgetter
from threading import Lock

from livelift.study import Study
from livelift.table_rows import groups_needed
from stats.edges.event_time_samples import CONTENT_TYPE, EventTimeSamples
from stats.edges.history_readers import HistoryReaders
from stats.edges.redis_connection import Client, connect
from stats.edges.redis_store import read_preview, read_ticks
from stats.edges.redis_tables import read_kept_tables, read_tick, table_size
from stats.edges.table_samples import Closing, exported_tables, table_samples
from stats.settings import StatsSettings

PATH = "/history"

MOST_GROUPS = 5_000
"""A table with more is not looked at: it is read whole, and has too many rows to be exported."""

MOST_BINS = 200_000
"""Of a quantile column: its bins are many, and read whole at each tick too."""


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
        self._study = study
        self._tables = exported_tables(study)
        self._closing = Closing()
        self._tick = -1  # of the tables that the samples have
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
            self._add_tables(self._client)
            preview = read_preview(self._client, self._names)
            if preview is not None:
                self._samples.preview(preview)
            return self._samples.text(self._readers.after(reader, self._samples.newest, self._now()))

    def _add_tables(self, client: Client) -> None:
        """What a tick since the last request has made of the small tables."""
        if not self._tables or read_tick(client, self._names) == self._tick:
            return
        needed = {name: groups_needed(self._study, [name]) for name in self._tables}
        small = [
            one
            for tables in needed.values()
            if all(table_size(client, self._names, one) <= _most(one) for one in tables)
            for one in tables
        ]
        kept = read_kept_tables(client, self._names, small)
        points = [*table_samples(self._study, kept)]
        self._samples.add_numbers(sorted([*points, *self._closing.closed(points, kept.tick)], key=itemgetter(0)))
        self._tick = kept.tick


def _most(table: str) -> int:
    """How many groups a table, or one of bins, may have; those of bins have a dot in their names."""
    return MOST_BINS if "." in table else MOST_GROUPS
