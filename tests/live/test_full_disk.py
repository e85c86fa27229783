"""A disk that fills up during a run is reported at once, and the replay completes after space was freed.

Whoever writes first after that says it: the broker ends, or Redis refuses and the stats station ends.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from livelift.errors import ResourceError
from livelift.study import load_study
from local.processes import ChildProcess
from local.redis_server import RedisServer
from local.run_folder import RunFolder
from local.servers import LocalServers
from local.supervisor import StationError
from local.verdict_reader import read_newest, redis_client
from producer.topics import create_topics
from stats.app import StatsStation
from stats.edges.prometheus_edge import StatsMetrics
from stats.edges.redis_connection import connect
from stats.settings import StatsSettings
from tests.live.test_interrupt import processes_of
from tests.support.command_line import LIVELIFT, write_small_log
from tests.support.live_run import assert_kept_run_equals_batch
from tests.support.small_disk import fill, small_disk

STUDY = load_study("lastfm")
FOR_A_STACK_MIB = 700  # the broker asks for 512 before it starts
FOR_REDIS_MIB = 8


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", FOR_A_STACK_MIB) as disk:
        yield disk


def up(folder: Path) -> subprocess.Popen[str]:
    stack = subprocess.Popen([LIVELIFT, "up"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while RunFolder(folder / ".livelift").stack() is None:
        assert stack.poll() is None, stack.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return stack


def replay(folder: Path, data: Path, speed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [LIVELIFT, "replay", "--data", str(data), "--speed", speed], cwd=folder, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_full_disk_is_reported_and_the_replay_resumes_later(disk: Path, tmp_path: Path) -> None:
    """The replay goes on when there is room again."""
    data = tmp_path / "log.tsv"
    write_small_log(data)
    folder = RunFolder(disk / ".livelift")

    stack = up(disk)
    sending = replay(disk, data, "400000x")
    with redis_client(folder) as client:
        deadline = time.monotonic() + 60
        while (document := read_newest(client, STUDY.name)) is None or document.input.accepted < 5_000:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    filler = fill(disk)
    _, said = stack.communicate(timeout=60)
    sending.send_signal(signal.SIGINT)
    _, told = sending.communicate(timeout=150)
    assert stack.returncode > 1
    assert "its disk is full\n  fix: make room" in said
    assert "Traceback" not in said + told
    assert processes_of(disk) == []

    filler.unlink()
    stack = up(disk)
    sending = replay(disk, data, "max")
    _, told = sending.communicate(timeout=60)
    assert sending.returncode == 0, told
    assert "going on where it was" in told
    with redis_client(folder) as client:
        deadline = time.monotonic() + 60
        while (document := read_newest(client, STUDY.name)) is None or not document.progress.ended:
            assert time.monotonic() < deadline, document
            time.sleep(0.2)
        assert_kept_run_equals_batch(client, document, data, STUDY)
    stack.send_signal(signal.SIGINT)
    assert stack.wait(timeout=30) == 130


def test_redis_on_a_full_disk_is_readable_and_stats_says_why(servers: LocalServers, tmp_path: Path) -> None:
    """Stats says why it ends."""
    settings = StatsSettings(servers.kafka.address, "", STUDY.name, "full-disk")
    create_topics(settings.kafka, settings.names, 1)
    with small_disk(tmp_path / "disk", FOR_REDIS_MIB) as disk, RedisServer(disk / "redis") as server:
        settings = replace(settings, redis=server.url)
        fill(disk)
        with connect(server.url) as client:
            for _ in range(2):  # the first is written, and fails
                with suppress(redis.ResponseError):
                    client.set("more", bytes(1 << 20))
        with pytest.raises(ResourceError, match="Redis refuses to write: its disk is full"):
            StatsStation(settings, STUDY, StatsMetrics(STUDY)).run(lambda: False, until_end=True)
        with connect(server.url) as client:
            assert client.exists("more") == 1


def test_a_station_without_room_for_its_last_words_is_explained(tmp_path: Path) -> None:
    """Its end is explained by the lack of room."""
    with small_disk(tmp_path / "disk", 2) as disk:
        log = disk / "stats.log"
        log.touch()
        fill(disk)
        with ChildProcess("stats", ["/bin/sh", "-c", "echo why it ended; exit 6"], log) as child:
            assert child.wait(10) == 6
            error = StationError("stats", child, 6)
    assert str(error) == "stats ended: its disk is full\n  fix: make room; nothing is lost: start again and go on"
