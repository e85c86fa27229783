"""Rejected rows, late and unreadable events are kept as dead letters with reason and row."""

import json
import time
from pathlib import Path

import msgspec
from kafka import KafkaProducer

from livelift.names import RunNames
from livelift.study import load_study
from local.dead_letters import read_dead_letters
from local.demo import DemoPlan, RunOfStations
from local.run_folder import RunFolder
from local.servers import LocalServers
from tests.support.live_run import LiveRun

STUDY = load_study("lastfm")

ROWS = [
    b"user_000001\t2009-03-02T10:00:00Z\ta\tA\tt\tT",
    b"user_000001\t2009-03-02T10:00:00Z\ta\tA\tt\tT",
    b"user_000002\tyesterday\ta\tA\tt\tT",
    b"user_000002\t2009-03-02T10:05:00Z\ta\tA\tt",
    b"user_000002\t2013-03-02T10:05:00Z\ta\tA\tt\tT",
    b"user_000002\t2009-03-02T10:05:00Z\ta\t\xff\tt\tT",
    b"user_000003\t2009-03-03T10:05:00Z\ta\tA\tt\tT",
]


def test_refused_rows_and_events_are_listed_with_reason_and_row(
    servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    """CommitConflict rows, events of an unknown kind and events that cannot be read are all listed."""
    data = tmp_path / "log.tsv"
    data.write_bytes(b"\n".join(ROWS) + b"\n")
    kafka = servers.kafka.address
    with RunOfStations(RunFolder(folder), DemoPlan(STUDY, data, 1), kafka, servers.redis.url) as run:
        document = LiveRun(run).end()
        names = RunNames("lastfm", run.run.run)
        unknown = json.dumps({"v": 1, "row": 99, "artist_id": "a", "artist": "A"}).encode()
        producer = KafkaProducer(bootstrap_servers=kafka)
        producer.send(names.events, key=b"user_000001", value=b"not json", partition=0)
        producer.send(names.events, key=b"user_000001", value=unknown, timestamp_ms=1_235_865_600_000, partition=0)
        producer.close()
        deadline = time.monotonic() + 30
        while len(letters := read_dead_letters(kafka, names)) < 6:
            assert time.monotonic() < deadline, letters
            time.sleep(0.2)
    assert msgspec.to_builtins(document.input) == {
        "rows": 7,
        "accepted": 2,
        "rejected": {"date": 1, "columns": 1, "out_of_range": 1, "encoding": 1},
        "duplicates": 1,
        "late": 0,
        "repeated": 0,
    }
    found = [(letter["reason"], letter["row"]) for letter in letters]
    assert sorted(found) == sorted(
        [("date", 3), ("columns", 4), ("out_of_range", 5), ("encoding", 6), ("undecodable", -1), ("no_such_row", 99)]
    )
    assert next(letter["line"] for letter in letters if letter["reason"] == "encoding").count("\\xff") == 1
