"""Generates events of any number of equally active users, each as busy as in the published data: one play in 11
minutes.

Since a user's own pace is the same, sessions are as long and as many per event whatever the number of users; the same
number of events of fewer users covers more days.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from livelift.event_time import DAY, MINUTE
from livelift.events import Manifest
from livelift.study import Study

PLAY_MS = 11 * MINUTE
"""6.5 % of the gaps are then over 30 minutes, as in the data."""

ARTISTS = 100_000


@dataclass(frozen=True, slots=True)
class UniformEvents:
    """A Parquet file with row, time, user and value, as the producer's cache has it, and its manifest."""

    path: Path
    manifest: Manifest


def make_uniform(folder: Path, study: Study, events: int, users: int) -> UniformEvents:
    """Make the file unless it is there. It begins on the period's second day or, if it is longer than that, ends with it."""
    step = PLAY_MS / users
    first = max(
        study.experiment.pre_start_ms,
        min(study.experiment.start_ms + DAY, study.experiment.end_ms - int(events * step)),
    )
    path = folder / "generated" / f"uniform-{events}-of-{users}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        with duckdb.connect() as database:
            query = _query(events, users, step, first)
            database.execute(f"COPY ({query}) TO '{unfinished}' (FORMAT parquet, ROW_GROUP_SIZE 100000)")
        unfinished.rename(path)
    last = first + int((events - 1) * step)
    return UniformEvents(path, Manifest(events, events, {}, 0, first, last))


def _query(events: int, users: int, step: float, first: int) -> str:
    return f"""
    SELECT
        row, time, "user", "user" AS user_id, artist_id, '' AS artist,
        encode(printf(
            '{{"v":1,"row":%d,"user":"%s","time":"%s","artist_id":"%s","artist":"An Artist","track_id":"","track":"Track"}}',
            row, "user", strftime(make_timestamp(time * 1000), '%Y-%m-%dT%H:%M:%SZ'), artist_id
        )) AS value
    FROM (
        SELECT
            i AS row, {first} + CAST(floor(i * {step}) AS BIGINT) AS time,
            printf('user_%07d', CAST(hash(i) % {users} AS BIGINT)) AS "user",
            md5(CAST(hash(i + 7) % {ARTISTS} AS VARCHAR)) AS artist_id
        FROM range({events}) AS numbers(i)
    )
    """
