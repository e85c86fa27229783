"""Promise P2 on real processes: whatever is killed, frozen or rolled back, document and history are the batch's.

The replay is paced, so that each fault meets a run that is under way.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from livelift.names import RunNames
from livelift.study import load_study
from livelift.watchdog import SETTING
from local.demo import DemoPlan, RunOfStations
from local.run_folder import RunFolder
from local.servers import LocalServers, local_servers
from local.verdict_reader import read_history
from stats.edges.redis_connection import connect
from studies.lastfm import generator as lastfm_generator
from tests.support.live_run import LiveRun, assert_equals_batch, live_run

STUDY = load_study("lastfm")
SETTINGS = {"LIVELIFT_FETCH_RECORDS": "2000", "LIVELIFT_SESSION_TIMEOUT": "6"}
SPEED = "1200000x"  # the generated months in about 12 s


@pytest.fixture(scope="module")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """Servers that these tests may kill."""
    with local_servers(tmp_path_factory.mktemp("killed")) as running:
        yield running


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generated") / "log.tsv"
    lastfm_generator.generate(path, events=60_000, users=300, lift=0.2, seed=9, study=STUDY)
    return path


AT = pytest.mark.parametrize(
    "events", [10_000, pytest.param(25_000, marks=pytest.mark.slow), pytest.param(50_000, marks=pytest.mark.slow)]
)
"""How far the run is when the fault comes."""


def members(servers: LocalServers, group: str) -> set[str]:
    """Ids of the workers that own the group's partitions, once it is stable."""
    admin = KafkaAdminClient(bootstrap_servers=servers.kafka.address)
    try:
        described = admin.describe_groups([group])[group]
        return {m["member_id"] for m in described["members"]} if described["group_state"] == "Stable" else set()
    finally:
        admin.close()


def plan(data: Path) -> DemoPlan:
    return DemoPlan(STUDY, data, 4, speed=SPEED, settings=SETTINGS)


@pytest.mark.slow
def test_kill_9_of_the_producer_leaves_out_and_doubles_nothing(
    data: Path, own_servers: LocalServers, folder: Path
) -> None:
    def kill(run: LiveRun) -> None:
        for events in (5_000, 25_000):
            run.accepted(events)
            run.kill("producer")

    assert_equals_batch(live_run(own_servers, folder, plan(data), kill), data, STUDY, own_servers)


@pytest.mark.slow
def test_kill_9_of_a_processor_whose_users_are_on_disk(data: Path, own_servers: LocalServers, folder: Path) -> None:
    def kill(run: LiveRun) -> None:
        for events in (10_000, 30_000):
            run.accepted(events)
            run.kill("processor")

    on_disk = DemoPlan(STUDY, data, 4, speed=SPEED, settings=SETTINGS | {"LIVELIFT_STORE": "rocksdict"})
    assert_equals_batch(live_run(own_servers, folder, on_disk, kill), data, STUDY, own_servers)
    assert len(list(folder.glob("states-*"))) <= 1, "a processor does not remove what killed ones have left"


@pytest.mark.slow
@AT
def test_kill_9_of_redis_loses_nothing_that_is_not_made_good(
    events: int, data: Path, own_servers: LocalServers, folder: Path
) -> None:
    def kill(run: LiveRun) -> None:
        run.accepted(events)
        own_servers.redis.kill()
        own_servers.redis.start()

    assert_equals_batch(live_run(own_servers, folder, plan(data), kill), data, STUDY, own_servers)


@pytest.mark.slow
@AT
def test_kill_9_of_the_broker_is_waited_out(events: int, data: Path, own_servers: LocalServers, folder: Path) -> None:
    def kill(run: LiveRun) -> None:
        run.accepted(events)
        own_servers.kafka.kill()
        time.sleep(1.0)
        own_servers.kafka.start()

    assert_equals_batch(live_run(own_servers, folder, plan(data), kill), data, STUDY, own_servers)


@pytest.mark.slow
def test_an_emptied_redis_is_filled_again_from_the_output_log(
    data: Path, own_servers: LocalServers, folder: Path
) -> None:
    """Stats reads the output log again from its start."""

    def empty(run: LiveRun) -> None:
        run.accepted(20_000)
        connect(own_servers.redis.admin_url).flushall()

    assert_equals_batch(live_run(own_servers, folder, plan(data), empty), data, STUDY, own_servers)


@pytest.mark.slow
def test_a_worker_that_wakes_without_its_partitions_is_harmless(
    data: Path, own_servers: LocalServers, folder: Path
) -> None:
    """A worker frozen while its partitions were given away changes nothing when it wakes."""

    def freeze(run: LiveRun) -> None:
        run.accepted(5_000)
        frozen = run.stations.supervisor.children["processor"]
        group = RunNames(STUDY.name, run.stations.run.run).application
        owners = members(own_servers, group)
        assert len(owners) == 1
        frozen.freeze()
        second = run.stations.start_another("processor", SETTINGS)
        deadline = time.monotonic() + 90
        while not (after := members(own_servers, group)) or after & owners:
            assert time.monotonic() < deadline, "the partitions were not given away"
            time.sleep(0.5)
        time.sleep(3)  # the second worker recovers and goes on from there
        frozen.thaw()
        time.sleep(3)
        second.kill()

    assert_equals_batch(live_run(own_servers, folder, plan(data), freeze), data, STUDY, own_servers)


@pytest.mark.slow
def test_a_second_worker_may_join_and_leave(data: Path, own_servers: LocalServers, folder: Path) -> None:
    def join(run: LiveRun) -> None:
        run.accepted(5_000)
        second = run.stations.start_another("processor", SETTINGS)
        time.sleep(6)
        second.stop(5)

    assert_equals_batch(live_run(own_servers, folder, plan(data), join), data, STUDY, own_servers)


@pytest.mark.slow
def test_a_second_stats_station_stands_by_and_takes_over(data: Path, own_servers: LocalServers, folder: Path) -> None:
    logs: list[str] = []

    def rival(run: LiveRun) -> None:
        run.accepted(5_000)
        second = run.stations.start_another("stats", {SETTING: "4"})  # it stands by for longer than that
        run.accepted(30_000)
        run.stations.supervisor.children["stats"].freeze()
        run.accepted(45_000)  # by the second one
        run.stations.supervisor.children["stats"].thaw()
        run.end()
        second.stop(5)
        logs.append(second.tail(1_000))

    assert_equals_batch(live_run(own_servers, folder, plan(data), rival), data, STUDY, own_servers)
    assert "reading on" in logs[0]
    assert "stands still" not in logs[0]
    assert logs[0].count("standing by") < 10, "it competes with the first"
    assert "Unclosed" not in logs[0]


@pytest.mark.slow
def test_kill_9_of_every_station_again_and_again_changes_nothing(
    data: Path, own_servers: LocalServers, folder: Path
) -> None:
    def kill(run: LiveRun) -> None:
        for events in (5_000, 15_000, 30_000, 45_000):
            run.accepted(events)
            for station in ("stats", "producer", "processor"):
                run.kill(station)

    assert_equals_batch(live_run(own_servers, folder, plan(data), kill), data, STUDY, own_servers)


@pytest.mark.slow
def test_stats_started_on_a_finished_redis_changes_nothing(data: Path, own_servers: LocalServers, folder: Path) -> None:
    """A stats station that finds the answer in Redis leaves it as it is."""
    with RunOfStations(
        RunFolder(folder), DemoPlan(STUDY, data, 4), own_servers.kafka.address, own_servers.redis.url
    ) as run:
        before = LiveRun(run).end()
        ticks = read_history(client := connect(own_servers.redis.url), STUDY.name, before.run)
        run.supervisor.children["stats"].kill()
        again = run.start_another("stats", {})
        deadline = time.monotonic() + 30
        while "reading on" not in again.tail(50):
            assert time.monotonic() < deadline, again.tail(50)
            time.sleep(0.1)
        time.sleep(1.0)
        assert again.poll() is None
        assert run.document() == before
        assert read_history(client, STUDY.name, before.run) == ticks
