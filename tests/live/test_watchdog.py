"""The watchdog of a real worker on a real broker: what hangs is ended with words, what waits or is interrupted goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from broker.view import BrokerView
from livelift.errors import StandstillError
from livelift.names import RunNames
from livelift.study import load_study
from local.kafka_server import KafkaServer
from local.processes import ChildProcess
from local.run_folder import Run
from local.servers import LocalServers
from producer.app import run_producer
from producer.settings import ProducerSettings
from producer.topics import create_topics
from studies.lastfm import generator as lastfm_generator

STUDY = load_study("lastfm")
LIMIT = 3.0
"""Seconds until what hangs is ended."""

PATIENT = 8.0
"""The limit of who must not be ended: longer than a rebalance and a restoration take, on a machine that has other work too."""

HANGS = {
    "in the agent, with a free event loop": (
        "import asyncio; from processor.writing import Writing\n"
        "async def write(*_): await asyncio.sleep(3600)\n"
        "Writing.write = write",
        ("none was applied", "task Agent._execute_actor at "),
    ),
    "in the event loop": (
        "import time; from processor.partition import Partition\nPartition.apply_batches = lambda *_: time.sleep(3600)",
        ("none was applied", "thread MainThread:"),
    ),
    "in recovery": (
        "import asyncio; from processor.patient_recovery import PatientRecovery\n"
        "async def build(*_): await asyncio.sleep(3600)\n"
        "PatientRecovery._build_highwaters = build",
        ("its state is being restored", "build > sleep at "),
    ),
    "before it joins its group": (
        "import asyncio; from processor.consumer import _Thread\n"
        "async def subscribe(*_, **__): await asyncio.sleep(3600)\n"
        "_Thread.subscribe = subscribe",
        ("has not been a member of its group", " > subscribe > sleep at "),
    ),
}
"""What a worker is made to do, and what its log then says."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker that these tests may freeze."""
    with KafkaServer(tmp_path_factory.mktemp("frozen")) as running:
        yield running


@pytest.fixture(scope="module")
def run(kafka: KafkaServer, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose events are all in Kafka."""
    folder = tmp_path_factory.mktemp("generated")
    data = folder / "log.tsv"
    lastfm_generator.generate(data, events=20_000, users=120, lift=0.0, seed=4, study=STUDY)
    run = Run.new(study="lastfm", fingerprint=STUDY.fingerprint, data=str(data), partitions=2)
    run_producer(ProducerSettings(kafka.address, "lastfm", run.run, data, folder / "cache", 2))
    return run


@pytest.mark.slow
def test_a_broker_is_asked_by_a_client_that_outlives_its_absence(kafka: KafkaServer, run: Run) -> None:
    names, view = RunNames("lastfm", run.run), BrokerView(kafka.address)
    ends = view.ends(names.events, [0, 1])
    assert ends is not None
    assert sum(ends.values()) > 20_000 - 5
    wait_for(lambda: view.members("nobody's") == set())  # the broker makes its topic of groups when it is first asked
    assert view.ends("no such topic", [0]) is None
    kafka.freeze()
    began = time.monotonic()
    assert view.ends(names.events, [0, 1]) is None
    assert view.members(names.application) is None
    assert time.monotonic() - began < 15
    kafka.thaw()
    wait_for(lambda: view.ends(names.events, [0, 1]) == ends)  # it has to take its place back
    view.close()


def wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def run_of_outputs(servers: LocalServers) -> str:
    """A run whose output log holds something; what, is never read."""
    names = RunNames("lastfm", "stats-hangs")
    create_topics(servers.kafka.address, names, 1)
    producer = KafkaProducer(bootstrap_servers=servers.kafka.address)
    producer.send(names.output, b"x").get(timeout=20)
    producer.close()
    return names.run


def settings(kafka: KafkaServer, run: str, folder: Path, limit: float = LIMIT) -> dict[str, str]:
    return os.environ | {
        "LIVELIFT_KAFKA": kafka.address,
        "LIVELIFT_RUN": run,
        "LIVELIFT_FOLDER": str(folder),
        "LIVELIFT_METRICS": "off",
        "LIVELIFT_SESSION_TIMEOUT": "2",
        "LIVELIFT_STANDSTILL_SECONDS": str(limit),
    }


@pytest.mark.slow
@pytest.mark.parametrize("where", HANGS)
def test_a_worker_that_hangs_is_ended_with_words(where: str, kafka: KafkaServer, run: Run, tmp_path: Path) -> None:
    hang, words = HANGS[where]
    program = f"{hang}\nfrom processor.run import main\nmain()"
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=settings(kafka, run.run, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == StandstillError.exit_code, ended.stderr[-2000:]
    assert "the processor stands still" in ended.stderr
    assert all(word in ended.stderr for word in words), ended.stderr[-4000:]
    assert time.monotonic() - began < 45


STATS_HANGS = {
    "in a call": ("import time; OutputReader.poll = lambda *_: time.sleep(3600)", "its loop: for 3 s"),
    "reading nothing": ("import time; OutputReader.poll = lambda *_: time.sleep(0.05) or iter(())", "none was read"),
}


@pytest.mark.slow
@pytest.mark.parametrize("where", STATS_HANGS)
def test_a_stats_station_that_hangs_is_ended_with_words(
    where: str, servers: LocalServers, run_of_outputs: str, tmp_path: Path
) -> None:
    hang, words = STATS_HANGS[where]
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from stats.edges.kafka_edge import OutputReader\n{hang}\nfrom stats.run import main\nmain()",
        ],
        env=settings(servers.kafka, run_of_outputs, tmp_path) | {"LIVELIFT_REDIS": servers.redis.url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == StandstillError.exit_code, ended.stderr[-2000:]
    assert "the stats station stands still" in ended.stderr
    assert words in ended.stderr


@pytest.mark.slow
def test_a_worker_that_waits_or_is_paused_goes_on(kafka: KafkaServer, run: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "processor"]
    environment = settings(kafka, run.run, tmp_path, PATIENT)
    with ChildProcess("worker", command, tmp_path / "log", environment=environment) as worker:
        wait_until_settled(worker)
        time.sleep(1.5 * PATIENT)  # the stream has ended: nothing more comes
        assert worker.poll() is None, worker.tail()
        kafka.freeze()
        time.sleep(1.5 * PATIENT)
        kafka.thaw()
        time.sleep(LIMIT)
        wait_until_settled(worker)
        assert "Kafka does not answer: the worker waits for it" in worker.tail(10_000)
        worker.freeze()
        time.sleep(1.5 * PATIENT)
        worker.thaw()
        time.sleep(LIMIT)
        wait_until_settled(worker)
        time.sleep(1.5 * PATIENT)  # long enough to be ended for what it stopped doing meanwhile
        assert worker.poll() is None, worker.tail()
        assert "member_metadata" not in worker.tail(10_000)  # what kafka-python cannot read of a group, at every look
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait(15) == 0


def wait_until_settled(worker: ChildProcess) -> None:
    """Until the worker has restored the state of the partitions that it was given, and reads on; or fail when it ended."""
    deadline = time.monotonic() + 60
    while not settled(worker.tail(10_000)):
        assert worker.poll() is None, worker.tail()
        assert time.monotonic() < deadline, worker.tail()
        time.sleep(0.1)


def settled(log: str) -> bool:
    """Was the last thing that happened to its partitions that it is ready to read them?"""
    return log.rfind("Worker ready") > log.rfind("Executing _on_partitions_assigned")


REBALANCES = """
import asyncio, os, threading, time
from faust.tables.recovery import Recovery
from processor import run

seek, build = Recovery._seek_offsets, run.build_app

async def slow_seek(self, *arguments):
    await seek(self, *arguments)
    await asyncio.sleep(0.3)  # the moment at which what arrives must not be lost, made longer

def built(*arguments, **more):
    app = build(*arguments, **more)
    threading.Thread(target=rebalance, args=(app,), daemon=True).start()
    return app

def rebalance(app):
    before = -1
    for _ in range(10):
        while app.consumer_generation_id == before or not app.tables.actives_ready:
            time.sleep(0.02)
        before = app.consumer_generation_id
        time.sleep(0.3)  # it waits for records
        thread = app.consumer._thread
        thread.thread_loop.call_soon_threadsafe(thread._consumer._coordinator.request_rejoin)
    os._exit(0)

Recovery._seek_offsets, run.build_app = slow_seek, built
run.main()
"""
"""A worker that is given its partitions anew, ten times, while it waits for records."""


@pytest.mark.slow
def test_a_worker_reads_the_whole_changelog_at_each_assignment(kafka: KafkaServer, run: Run, tmp_path: Path) -> None:
    """This holds each time that it is given its partitions."""
    ended = subprocess.run(
        [sys.executable, "-c", REBALANCES],
        env=settings(kafka, run.run, tmp_path, PATIENT),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
