"""A broker that does not answer for longer than Faust's time limit of 30 s, at the worst moment; and stopping without one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livelift.ending import GRACE_SECONDS
from livelift.names import RunNames
from livelift.study import load_study
from local.demo import DemoPlan
from local.servers import LocalServers, local_servers
from producer.topics import create_topics
from studies.lastfm import generator as lastfm_generator
from tests.support.command_line import LIVELIFT
from tests.support.live_run import LiveRun, assert_equals_batch, live_run

STUDY = load_study("lastfm")
SETTINGS = {"LIVELIFT_FETCH_RECORDS": "2000", "LIVELIFT_SESSION_TIMEOUT": "6"}
AWAY_SECONDS = 35.0


@pytest.fixture(scope="module")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """Servers that these tests may freeze."""
    with local_servers(tmp_path_factory.mktemp("frozen")) as running:
        yield running


@pytest.mark.slow
def test_a_broker_away_for_35_s_in_a_rebalance_is_waited_out(
    own_servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    """Faust's recovery used to end here without a word, and the worker kept its partitions and applied nothing more."""
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=60_000, users=300, lift=0.2, seed=9, study=STUDY)

    def away(run: LiveRun) -> None:
        run.accepted(5_000)
        worker = run.stations.supervisor.children["processor"]
        assigned = "Executing _on_partitions_assigned"  # Faust's line once the group has given partitions away
        before = worker.tail(100_000).count(assigned)
        run.stations.start_another("processor", SETTINGS)
        deadline = time.monotonic() + 60
        while worker.tail(100_000).count(assigned) == before:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        own_servers.kafka.freeze()
        time.sleep(AWAY_SECONDS)
        own_servers.kafka.thaw()
        run.end()
        assert worker.poll() is None, "it was restarted"
        assert "Kafka does not answer while state is restored, trying again" in worker.tail(100_000)

    plan = DemoPlan(STUDY, data, 4, speed="1200000x", settings=SETTINGS)
    assert_equals_batch(live_run(own_servers, folder, plan, away), data, STUDY, own_servers)


STOPPED = {
    "processor": ([sys.executable, "-m", "processor"], 0, "asked to stop, the processor did not end by itself"),
    "process": ([str(LIVELIFT), "process"], 143, "stopped by SIGTERM"),
}


@pytest.mark.slow
@pytest.mark.parametrize("station", STOPPED)
def test_sigterm_ends_a_station_whose_broker_is_away(station: str, own_servers: LocalServers, tmp_path: Path) -> None:
    command, code, words = STOPPED[station]
    names = RunNames("lastfm", f"stopped-{station}")
    create_topics(own_servers.kafka.address, names, 1)
    environment = os.environ | {
        "LIVELIFT_KAFKA": own_servers.kafka.address,
        "LIVELIFT_RUN": names.run,
        "LIVELIFT_FOLDER": str(tmp_path),
        "LIVELIFT_METRICS": "off",
    }
    if station == "process":
        command = [*command, "--run", names.run]
    log = tmp_path / "log"
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        logs = tmp_path / "runs" / names.run / "logs"
        deadline = time.monotonic() + 60
        while "Worker ready" not in log.read_text() + "".join(file.read_text() for file in logs.glob("*")):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        own_servers.kafka.freeze()
        try:
            time.sleep(3)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(60) == code
            assert time.monotonic() - began < GRACE_SECONDS + 10
        finally:
            own_servers.kafka.thaw()
    last = log.read_text().splitlines()[-1]
    assert words in last
    assert "Traceback" not in log.read_text()
