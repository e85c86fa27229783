"""Foreign records of every kind in one paced replay, with kills: the document equals the batch's but for the dead
letters.
"""

from pathlib import Path

import pytest

from batch.document import batch_document
from livelift.names import RunNames
from livelift.study import load_study
from local.demo import DemoPlan, RunOfStations
from local.run_folder import RunFolder
from local.servers import LocalServers
from local.verdict_reader import read_history
from stats.edges.redis_connection import connect
from studies.lastfm import generator as lastfm_generator
from tests.support.live_run import LiveRun
from tests.support.sent_odd_records import (
    Sent,
    assert_equal_but_for,
    assert_history_equal_but_for_letters,
    assert_letters,
    send_odd_records,
)

STUDY = load_study("lastfm")
PARTITIONS = 2
SPEED = "800000x"  # the second strike comes after the recovery of a killed processor
SETTINGS = {"LIVELIFT_FETCH_RECORDS": "2000", "LIVELIFT_SESSION_TIMEOUT": "6"}


@pytest.mark.slow
def test_whatever_strangers_write_is_only_a_dead_letter(servers: LocalServers, folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=40_000, users=200, lift=0.2, seed=5, study=STUDY)
    kafka = servers.kafka.address
    plan = DemoPlan(STUDY, data, PARTITIONS, speed=SPEED, settings=SETTINGS)
    with RunOfStations(RunFolder(folder), plan, kafka, servers.redis.url) as stations:
        run = LiveRun(stations)
        names = RunNames("lastfm", stations.run.run)
        sent: Sent = {}
        for events, killed in ((8_000, "processor"), (20_000, "producer")):
            run.accepted(events)
            sent |= send_odd_records(run, kafka, names, PARTITIONS)
            run.kill(killed)
        document = run.end()
        assert all(child.poll() is None for name, child in stations.supervisor.children.items() if name != "producer")
    oracle, ticks = batch_document(data, STUDY)
    assert_equal_but_for(document, oracle, assert_letters(kafka, names, sent))
    assert_history_equal_but_for_letters(read_history(connect(servers.redis.url), "lastfm", stations.run.run), ticks)
