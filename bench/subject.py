"""Input of the benchmarks: a generated log, prepared as the producer does it, with the batch oracle's answer."""

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batch.document import batch_document
from batch.oracle import Oracle
from bench.progress import Array
from livelift.document import Document, decode_document, encode
from livelift.event_time import SECOND
from livelift.sessions import session_measures
from livelift.study import Study
from producer.cache import Prepared
from producer.packed_replay import kept_batches, pack_all
from producer.partitioner import Partitioner
from producer.prepare import prepare
from producer.sources import Selection
from studies.lastfm import generator as lastfm_generator

FULL = 19_150_868
"""Events of the published data."""

EVENTS = 1_900_000
LIFT = 0.15
SEED = 7

MEASURES = ("seconds", "plays", "skips", "artists")
"""Of a session, as the peers write them."""

_ORACLE_CODE = ("batch", "stats", "livelift", "studies")

Say = Callable[[str], None]


def generated(folder: Path, study: Study, events: int, say: Say) -> Path:
    """A listening log of about `events` events, made unless it is there."""
    path = generated_path(folder, study, events)
    if not path.exists():
        say(f"generating {events:,} events")
        path.parent.mkdir(parents=True, exist_ok=True)
        lastfm_generator.generate(path, events=events, lift=LIFT, seed=SEED, study=study)
    return path


def generated_path(folder: Path, study: Study, events: int) -> Path:
    """Where `generated` keeps it."""
    return folder / "generated" / f"{study.name}-{events}-lift{LIFT}-seed{SEED}.tsv"


def skip_ms(study: Study) -> int:
    """In under how many ms the next play makes a skip of a play, for the programs of others."""
    seconds = study.measures["skips"].follows_within
    assert seconds is not None
    return seconds * SECOND


class Subject:
    """One input, or its first events, with all that the measurements need to know of it.

    Parameters
    ----------
    data
        The listening log.
    until
        Only events before this time, ms.
    """

    def __init__(self, folder: Path, study: Study, data: Path, say: Say, until: int | None = None) -> None:
        self.study = study
        self.data = data
        self.until = until
        self._folder = folder
        self._say = say

    @property
    def cache(self) -> Path:
        return self._folder / "cache"

    @cached_property
    def prepared(self) -> Prepared:
        """The sorted cache, made by the producer's own code; the producer of a run finds it there."""
        return prepare(self.study, self.data, self.cache, Selection(None, self.until))

    def pack(self, partitions: int) -> None:
        """Have the batches of a replay at full speed kept in the cache, as a replay before this one leaves them."""
        if kept_batches(self.prepared, partitions) is None:
            self._say("packing the events")
            deque(pack_all(self.prepared, partitions), maxlen=0)

    @property
    def events(self) -> int:
        return self.prepared.manifest.accepted

    def first(self, events: int) -> "Subject":
        """The same input up to about `events` events: what slow engines get."""
        if events >= self.events:
            return self
        times = pq.read_table(self.prepared.events, columns=["time"])["time"]
        until = times[events].as_py() // 1000 * 1000
        return Subject(self._folder, self.study, self.data, self._say, until)

    def event_times(self, partitions: int) -> list[Array]:
        """Per partition the times of its events in ms, ascending."""
        return event_times(self.prepared.events, partitions)

    @cached_property
    def document(self) -> Document:
        """The oracle's document at the end."""
        kept = self._oracle_folder / "document.json"
        if not kept.exists():
            self._say("computing the oracle's document")
            document, _ = batch_document(self.data, self.study, select_to=self.until)
            kept.write_text(encode(document))
        return decode_document(kept.read_bytes())

    @cached_property
    def sessions(self) -> Path:
        """The oracle's sessions as Parquet (`write_sessions`)."""
        kept = self._oracle_folder / "sessions.parquet"
        if not kept.exists():
            self._say("computing the oracle's sessions")
            with Oracle(self.data, self.study, select_to=self.until) as oracle:
                rows = [(s.user, s.start, s.end, *s.measures.values()) for s in oracle.sessions()]
            write_sessions(kept, rows, session_measures(self.study).names)
        return kept

    @cached_property
    def listening(self) -> Path:
        """The events as a batch engine would have them: Parquet with user, time and artist as columns."""
        kept = self._oracle_folder / "listening.parquet"
        if not kept.exists():
            with duckdb.connect() as database:
                database.execute(
                    "COPY (SELECT \"user\" AS user_id, time, decode(value)->>'artist_id' AS artist_id, "
                    "decode(value)->>'artist' AS artist "
                    f"FROM '{self.prepared.events}') TO '{kept}' (FORMAT parquet)"
                )
        return kept

    @property
    def _oracle_folder(self) -> Path:
        """Kept answers of the oracle, as long as neither the input nor its code changes."""
        code = hashlib.sha256()
        for package in _ORACLE_CODE:
            for file in sorted(Path(package).rglob("*")):
                if file.suffix in {".py", ".sql", ".toml"}:
                    code.update(file.read_bytes())
        folder = self._folder / "oracle" / f"{self.prepared.folder.name}-{code.hexdigest()[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def event_times(events: Path, partitions: int) -> list[Array]:
    """Per partition the times of its events in ms, of a Parquet file of events in replay order."""
    table = pq.read_table(events, columns=["time", "user"])
    users = table["user"].combine_chunks().dictionary_encode()
    partition_of = Partitioner(partitions)
    number = np.array([partition_of[user] for user in users.dictionary.to_pylist()])[users.indices.to_numpy()]
    times = table["time"].to_numpy()
    return [times[number == p] for p in range(partitions)]


def write_sessions(path: Path, rows: list[tuple[Any, ...]], measures: Sequence[str] = MEASURES) -> None:
    """Closed sessions, by whichever engine, as Parquet: user, start and end in ms, and the measures."""
    fields = [("user", pa.string()), *((name, pa.int64()) for name in ("start", "end", *measures))]
    columns = zip(*rows, strict=True) if rows else [()] * len(fields)
    arrays = [pa.array(column, of) for column, (_, of) in zip(columns, fields, strict=True)]
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), path)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sessions of an engine beside the oracle's: how many it has that the oracle has not, and the other way round.

    left_open
        Those of the missing that are their user's last: an engine that closes a session only at the user's next event
        leaves them open. Of an engine that closes by event time: those that ended after all that their partition gave out.
    """

    wrong: int
    missing: int
    left_open: int

    @property
    def identical(self) -> bool:
        return self.wrong == 0 and self.missing == 0

    @property
    def equal(self) -> bool:
        """Nothing wrong, nothing double, nothing missing but what may still be open."""
        return self.wrong == 0 and self.missing == self.left_open


_LAST_OF_A_USER = """
SELECT count(*) FROM missing
JOIN (SELECT "user", max("end") AS "end" FROM oracle GROUP BY "user") USING ("user", "end")
"""

_AFTER_THE_LAST_FOUND = """
WITH last AS (SELECT partition, max("end") AS "end" FROM found JOIN partitions USING ("user") GROUP BY partition)
SELECT count(*) FROM missing JOIN partitions USING ("user") LEFT JOIN last USING (partition)
WHERE coalesce(missing."end" >= last."end", true)
"""


def compare_sessions(found: Path, oracle: Path, closes_by_time_in: int | None = None) -> Comparison:
    """Compare two files of `write_sessions`, as multisets; `closes_by_time_in` so many partitions, if the engine does that."""
    with duckdb.connect() as database:
        database.execute(
            f"""
            CREATE VIEW found AS SELECT * FROM '{found}';
            CREATE VIEW oracle AS SELECT * FROM '{oracle}';
            CREATE TABLE missing AS SELECT * FROM oracle EXCEPT ALL SELECT * FROM found;
            CREATE TABLE wrong AS SELECT * FROM found EXCEPT ALL SELECT * FROM oracle;
            """
        )
        left_open = _LAST_OF_A_USER
        if closes_by_time_in is not None:
            left_open = _AFTER_THE_LAST_FOUND
            partition_of = Partitioner(closes_by_time_in)
            users = pq.read_table(oracle, columns=["user"])["user"].unique().to_pylist()
            database.register("partitions", pa.table({"user": users, "partition": [partition_of[u] for u in users]}))
        counts = database.execute(
            f"SELECT (SELECT count(*) FROM wrong), (SELECT count(*) FROM missing), ({left_open})"
        ).fetchone()
    assert counts is not None
    return Comparison(*counts)
