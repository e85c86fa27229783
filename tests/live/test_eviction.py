"""A Redis that removes keys when it is full is warned of before any has vanished."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from livelift.study import load_study
from local.ports import HOST, free_port
from local.processes import ChildProcess
from local.redis_server import RedisServer, find_redis
from local.servers import LocalServers
from producer.topics import create_topics
from stats import app
from stats.app import StatsStation
from stats.edges.eviction import Eviction
from stats.edges.prometheus_edge import StatsMetrics
from stats.edges.redis_connection import connect, eviction
from stats.settings import StatsSettings

STUDY = load_study("lastfm")


def test_eviction_is_warned_of_at_the_start_and_when_it_changes(
    servers: LocalServers, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "EVICTION_SECONDS", 0.05)
    caplog.set_level(logging.INFO, "livelift.stats")
    with RedisServer(tmp_path) as server:
        settings = StatsSettings(servers.kafka.address, server.url, STUDY.name, "evicting")
        create_topics(settings.kafka, settings.names, 1)
        admin = redis.Redis.from_url(server.admin_url)
        admin.config_set("maxmemory-policy", "allkeys-lru")  # and no maxmemory yet

        def steps() -> Iterator[None]:
            """Change a setting; go on when the log says so."""
            deadline = time.monotonic() + 20
            for change, said in (
                ((), "as soon as it is given a maxmemory"),
                (("maxmemory", 50_000_000), "maxmemory 50000000 bytes"),
                (("maxmemory-policy", "volatile-lru"), "no keys of livelift (maxmemory-policy volatile-lru)"),
                (("maxmemory-policy", "allkeys-random"), "allkeys-random"),
                (("maxmemory-policy", "noeviction"), "no keys of livelift (maxmemory-policy noeviction)"),
            ):
                if change:
                    admin.config_set(*change)
                while said not in caplog.text:
                    assert time.monotonic() < deadline, caplog.text
                    yield

        waiting = steps()
        StatsStation(settings, STUDY, StatsMetrics(STUDY)).run(lambda: next(waiting, True) is True, until_end=False)
    said = [record.levelname for record in caplog.records if record.getMessage().startswith("Redis removes")]
    assert said == ["WARNING", "WARNING", "INFO", "WARNING", "INFO"]
    assert "fix: CONFIG SET maxmemory-policy noeviction" in caplog.text


@pytest.mark.parametrize("away", ["CONFIG", "INFO"])
def test_the_policy_is_seen_where_config_or_info_was_renamed(away: str, tmp_path: Path) -> None:
    port = free_port()
    command = [find_redis().path, "--port", str(port), "--bind", HOST, "--save", "", "--rename-command", away, "''"]
    command += ["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "50mb"]
    with ChildProcess("Redis", command, tmp_path / "redis.log", cwd=tmp_path):
        redis.Redis(HOST, port, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 50)).ping()
        assert eviction(connect(f"redis://{HOST}:{port}/0")) == Eviction("allkeys-lfu", 50 << 20)
