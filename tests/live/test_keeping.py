"""The supervisor restarts killed or frozen servers and stations, and only one stack runs in a folder."""

import json
import os
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import redis

from livelift.errors import ResourceError, StandstillError, UnreachableError
from local import supervisor as supervisor_module
from local.process_identity import identity, is_same_process
from local.processes import LOG_BYTES, ChildProcess
from local.redis_server import RedisServer
from local.restarting import RESTARTS, WINDOW_SECONDS, ServerKeeper
from local.run_folder import Run, RunFolder, write_json
from local.stations import Stations
from tests.support.command_line import LIVELIFT, wait_until, write_small_log
from tests.support.ends import has_ended


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generated") / "log.tsv"
    return write_small_log(path)


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen([LIVELIFT, *arguments], cwd=folder, stdout=said, stderr=said, text=True)


def processes(stack: subprocess.Popen[str], word: str) -> list[psutil.Process]:
    """The stack's processes whose command line has `word`, without the shell that guards each."""
    found = []
    for process in psutil.Process(stack.pid).children(recursive=True):
        try:
            if any(word in part for part in process.cmdline()) and process.name() not in ("sh", "dash"):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.slow
def test_servers_killed_with_9_are_started_again_and_up_goes_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / ".livelift")
    up = started(tmp_path, "up")
    try:
        wait_until(folder.stack, tmp_path)
        addresses = folder.stack()
        assert addresses is not None
        redis.Redis.from_url(addresses["redis"]).set("kept", "1")
        killed = [*processes(up, "redis-server"), *processes(up, "kafka.Kafka")]
        assert len(killed) == 2
        for process in killed:
            process.kill()
        wait_until(lambda: "Kafka ended (code -9): starting it again" in (tmp_path / "said.txt").read_text(), tmp_path)
        wait_until(lambda: len(processes(up, "redis-server") + processes(up, "kafka.Kafka")) == 2, tmp_path)
        assert folder.stack() == addresses
        assert redis.Redis.from_url(addresses["redis"]).get("kept") == b"1"
        assert up.poll() is None
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(40) == 143
    assert "INFO" not in (tmp_path / "said.txt").read_text()


@pytest.mark.slow
def test_a_demo_outlives_a_killed_broker_and_frozen_servers(data: Path, tmp_path: Path) -> None:
    """The broker is killed; then broker and Redis are frozen while a processor and stats, killed, start again."""
    folder = RunFolder(tmp_path / ".livelift")
    demo = started(tmp_path, "demo", "--data", str(data), "--speed", "300000x", "--exit")
    wait_until(folder.stack, tmp_path)
    wait_until(lambda: "lift" in (tmp_path / "said.txt").read_text(), tmp_path)
    for process in processes(demo, "kafka.Kafka"):
        process.kill()
    time.sleep(6)
    frozen = [*processes(demo, "kafka.Kafka"), *processes(demo, "redis-server")]
    assert len(frozen) == 2
    for server in frozen:
        server.suspend()
    for station in ("processor", "stats"):
        (child,) = processes(demo, station)
        child.kill()
    time.sleep(12)
    assert demo.poll() is None
    for server in frozen:
        server.resume()
    assert demo.wait(240) == 0, (tmp_path / "said.txt").read_text()
    assert "equal to the DuckDB oracle" in (tmp_path / "said.txt").read_text()


def test_a_server_that_keeps_ending_is_an_error_quoting_its_log(tmp_path: Path) -> None:
    now = 0.0
    said: list[tuple[float, str]] = []
    with RedisServer(tmp_path) as server:
        keeper = ServerKeeper((server,), lambda words: said.append((now, words)), lambda: now)
        server.kill()
        (tmp_path / "appendonly.aof").write_bytes(b"damaged")
        with pytest.raises(ResourceError, match="Bad file format"):  # noqa: PT012
            while now < WINDOW_SECONDS:
                keeper.look_after()
                now += 0.5
    assert said[0] == (0.0, "Redis ended (code -9): starting it again")
    assert {words for _, words in said[1:]} == {"Redis did not start: starting it again"}
    times = [time for time, _ in said]
    assert len(times) == RESTARTS
    assert [after - before for before, after in pairwise(times)] == [0.5, 0.5, 1.0, 2.0, *[5.0] * (RESTARTS - 5)]


def test_a_server_that_does_not_start_is_tried_after_pauses(tmp_path: Path) -> None:
    now = 0.0
    said: list[str] = []
    with RedisServer(tmp_path) as server:
        keeper = ServerKeeper((server,), said.append, lambda: now)
        server.kill()
        kept = (tmp_path / "appendonly.aof").read_bytes()
        (tmp_path / "appendonly.aof").write_bytes(b"damaged")
        for _ in range(10):
            keeper.look_after()
        assert len(said) == 2, "it was tried again without a pause"
        (tmp_path / "appendonly.aof").write_bytes(kept)
        now = 0.5
        keeper.look_after()
        assert server.is_running
        server.kill()
        keeper.look_after()
        assert said[-1] == "Redis ended (code -9): starting it again"
        assert server.is_running


def test_a_server_killed_too_often_is_an_error_quoting_its_log(tmp_path: Path) -> None:
    """The error holds the last complaint in the server's log."""
    with RedisServer(tmp_path) as server:
        keeper = ServerKeeper((server,), lambda _: None, lambda: 0.0)
        for _ in range(RESTARTS):
            server.kill()
            keeper.look_after()
        server.kill()
        with pytest.raises(ResourceError, match=f"Redis ended {RESTARTS} times in 10 minutes: ") as error:
            keeper.look_after()
        assert str(server.log) in error.value.fix


def test_restarts_of_long_ago_count_no_more(tmp_path: Path) -> None:
    now = 0.0
    said: list[str] = []
    with RedisServer(tmp_path) as server:
        keeper = ServerKeeper((server,), said.append, lambda: now)
        for _ in range(22):
            server.kill()
            keeper.look_after()
            assert server.is_running
            now += 60.0
    assert len(said) == 22


@pytest.mark.parametrize("code", [1, UnreachableError.exit_code])
def test_a_station_that_cannot_reach_a_kept_server_is_restarted(tmp_path: Path, code: int) -> None:
    run = Run.new(study="lastfm", fingerprint="f", data="d", partitions=1)
    with RedisServer(tmp_path / "redis") as server:
        said: list[str] = []
        stations = Stations(RunFolder(tmp_path), run, "127.0.0.1:1", server.url)
        kept = supervisor_module.Supervisor(stations, said.append, ServerKeeper((server,), said.append))
        with ChildProcess("stats", ["sh", "-c", f"exit {code}"], tmp_path / "log") as child:
            child.wait(10)
            kept.children["stats"] = child
            kept._started["stats"] = "stats", {}
            kept.look_after()
            assert len(said) == 1
            stations.stop()
            alone = supervisor_module.Supervisor(stations, said.append)
            alone.children["stats"] = child
            alone._started["stats"] = "stats", {}
            if code == 1:
                alone.look_after()
            else:
                with pytest.raises(supervisor_module.StationError):
                    alone.look_after()
        stations.stop()


def test_a_station_ended_by_its_watchdog_is_started_again(tmp_path: Path) -> None:
    run = Run.new(study="lastfm", fingerprint="f", data="d", partitions=1)
    said: list[str] = []
    stations = Stations(RunFolder(tmp_path), run, "127.0.0.1:1", "redis://127.0.0.1:1/0")
    supervisor = supervisor_module.Supervisor(stations, said.append)
    words = json.dumps({"event": "the stats station stands still: x\n  fix: y", "level": "critical"})
    command = ["sh", "-c", f"printf '%s\\n' '{words}'; exit {StandstillError.exit_code}"]
    with ChildProcess("stats", command, tmp_path / "log") as child:
        child.wait(10)
        supervisor.children["stats"] = child
        supervisor._started["stats"] = "stats", {}
        supervisor.look_after()
        assert supervisor.children["stats"] is not child
    stations.stop()
    assert said == ["stats ended (the stats station stands still: x): starting it again"]


@pytest.mark.parametrize("station", ["producer", "processor", "stats"])
def test_only_a_producer_has_an_end(station: str, tmp_path: Path) -> None:
    """A processor or stats station that ends with code 0 was asked to by somebody's SIGTERM: it is started again."""
    run = Run.new(study="lastfm", fingerprint="f", data="d", partitions=1)
    said: list[str] = []
    stations = Stations(RunFolder(tmp_path), run, "127.0.0.1:1", "redis://127.0.0.1:1/0")
    supervisor = supervisor_module.Supervisor(stations, said.append)
    try:
        with ChildProcess("asked", ["sh", "-c", "exit 0"], tmp_path / "log") as child:
            child.wait(10)
            supervisor.start(station, {}, f"{station}-1")
            stations.stop()
            supervisor.children[f"{station}-1"] = child
            supervisor.look_after()
        assert said == ([] if station == "producer" else [f"{station}-1 ended (code 0): starting it again"])
    finally:
        stations.stop()


@pytest.mark.slow
def test_the_second_of_two_demos_is_refused_and_touches_nothing(data: Path, tmp_path: Path) -> None:
    arguments = ("demo", "--data", str(data), "--exit", "--no-check")
    demos = [started(tmp_path, *arguments) for _ in range(2)]
    codes = [demo.wait(120) for demo in demos]
    assert sorted(codes) == [0, 8]
    said = (tmp_path / "said.txt").read_text()
    assert "a stack is up already" in said
    assert said.count("starting Kafka and Redis") == 1
    assert len(list((tmp_path / ".livelift" / "runs").iterdir())) == 1


@pytest.mark.slow
def test_a_starting_stack_is_known_stopped_and_refuses_others(tmp_path: Path) -> None:
    """A stack that has not finished starting can be seen and stopped, and no other may start beside it."""
    folder = RunFolder(tmp_path / ".livelift")
    up = started(tmp_path, "up")
    wait_until(folder.owner, tmp_path)
    for command in (["up"], ["demo"], ["reset", "--yes"]):
        ended = subprocess.run([LIVELIFT, *command], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert ended.returncode == 8
        assert f"a stack is up already (process {up.pid})" in ended.stderr
    stopped = subprocess.run([LIVELIFT, "stop"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert stopped.returncode == 0
    assert up.wait(10) == 143
    assert folder.owner() is None


def test_a_process_with_the_reused_pid_of_a_stack_is_left_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / ".livelift")
    with ChildProcess("somebody else", ["sleep", "60"], tmp_path / "log") as other:
        for file in ("owner.json", "stack.json"):
            write_json(folder.root / file, {"kafka": "", "redis": "", "pid": other.pid, "started": "another time"})
        assert folder.stack() is None
        ended = subprocess.run([LIVELIFT, "stop"], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert "no stack is up" in ended.stderr
        assert other.poll() is None


def test_a_process_is_known_by_its_start(tmp_path: Path) -> None:
    assert is_same_process(identity())
    assert not is_same_process({"pid": os.getpid()})
    with ChildProcess("child", ["sleep", "60"], tmp_path / "log") as child:
        noted = json.loads(json.dumps(identity(child.pid)))
        assert is_same_process(noted)
    assert has_ended(child.pid)
    assert not is_same_process(noted)


def test_a_long_log_is_moved_aside_while_its_process_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ChildProcess(
        "writer", ["sh", "-c", f"head -c {LOG_BYTES + 1} /dev/zero; echo; read x; sleep 9"], log
    ) as writer:
        deadline = time.monotonic() + 20
        while log.stat().st_size <= LOG_BYTES + 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        writer.rotate_log()
        assert log.stat().st_size == 0
        assert (tmp_path / "log.1").stat().st_size > LOG_BYTES
        with log.open("ab") as same:
            same.write(b"later\n")
        assert writer.tail() == "later"
        assert writer.poll() is None
        writer.rotate_log()
        assert log.read_bytes() == b"later\n"
