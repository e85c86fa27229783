"""The real programs accept the settings, command lines and health checks of docker-compose.yml."""

import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import redis
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from local.kafka_server import _PROPERTIES
from local.ports import HOST, free_port
from local.processes import ChildProcess
from local.prometheus_server import BLOCK
from tests.compose.files import SECRETS, services
from tests.compose.servers import ComposeKafka, ComposeRedis, java
from tests.support.tools import tool

ADDRESSES = {
    "process.roles",
    "node.id",
    "controller.quorum.voters",
    "listeners",
    "advertised.listeners",
    "inter.broker.listener.name",
    "controller.listener.names",
    "listener.security.protocol.map",
    "log.dirs",
}
"""Where the broker is, not how it works: these differ between Docker and the local stack."""


def properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def check_health(service: str, **moved: str) -> int:
    """Run the service's health check here, with what stands in `moved` put in the place of its addresses; its exit code."""
    kind, *command = services()[service]["healthcheck"]["test"]
    if kind == "CMD-SHELL":
        command = ["sh", "-c", *command]
    for there, here in moved.items():
        command = [word.replace(there, here) for word in command]
    path = f"{ComposeRedis.cli.parent}:{os.environ['PATH']}"
    environment = services()[service].get("environment", {}) | {"PATH": path}
    return subprocess.run(command, env=environment, capture_output=True, timeout=20, check=False).returncode


def test_kafka_gets_the_settings_of_the_local_stack(compose_kafka: ComposeKafka) -> None:
    made = properties(compose_kafka.properties.read_text())
    local = properties(_PROPERTIES)
    assert {k: v for k, v in made.items() if k not in ADDRESSES} == {
        k: v for k, v in local.items() if k not in ADDRESSES
    }
    assert ADDRESSES - made.keys() == set()


def test_kafka_knows_every_setting(compose_kafka: ComposeKafka) -> None:
    listed = java("kafka.server.KafkaConfig", cwd=compose_kafka.folder, environment={}).stdout
    known = set(re.findall(r'id="brokerconfigs_([^"]+)"', listed))
    assert len(known) > 300
    assert properties(compose_kafka.properties.read_text()).keys() - known == set()


def test_kafka_serves_both_addresses(compose_kafka: ComposeKafka) -> None:
    for address in (compose_kafka.address, compose_kafka.host_address):
        client = KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=5_000)
        try:
            broker = client.describe_cluster()["brokers"][0]
            assert f"{broker['host']}:{broker['port']}" == address  # clients are sent back to the address they came to
            assert _setting(client, "log.retention.ms") == "-1"
            assert _setting(client, "auto.create.topics.enable") == "false"
        finally:
            client.close()


def test_kafka_starts_again_on_what_it_has(compose_kafka: ComposeKafka) -> None:
    compose_kafka.stop()
    assert check_kafka(compose_kafka) != 0
    compose_kafka.start()
    assert check_kafka(compose_kafka) == 0


def check_kafka(server: ComposeKafka) -> int:
    return check_health("kafka", **{"9092": str(server.ports["9092"])})


def test_redis_takes_its_options_and_asks_for_the_password(compose_redis: ComposeRedis) -> None:
    client = redis.Redis.from_url(compose_redis.url, decode_responses=True)
    settings: Any = client.config_get("*")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["save"] == ""
    assert settings["maxmemory-policy"] == "noeviction"
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(host=HOST, port=compose_redis.port).ping()


def test_redis_is_healthy_only_with_its_password(compose_redis: ComposeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"{compose_redis.cli} -p {compose_redis.port}"
    assert check_health("redis", **{"redis-cli": here}) == 0
    monkeypatch.setitem(SECRETS, "REDIS_PASSWORD", "another")
    assert check_health("redis", **{"redis-cli": here}) != 0


def test_prometheus_takes_its_flags_and_is_healthy(tmp_path: Path) -> None:
    tool("wget")
    port = free_port()
    moved = {
        "/etc/prometheus/prometheus.yml": str(tmp_path / "prometheus.yml"),
        "=/prometheus": f"={tmp_path / 'data'}",
    }
    flags = services()["prometheus"]["command"]
    for there, here in moved.items():
        flags = [flag.replace(there, here) for flag in flags]
    (tmp_path / "prometheus.yml").write_text("global: {scrape_interval: 15s}\n")
    command = [tool("prometheus"), *flags, f"--web.listen-address={HOST}:{port}"]
    assert check_health("prometheus", **{"9090": str(port)}) != 0
    with ChildProcess("Prometheus", command, tmp_path / "prometheus.log") as server:
        for _ in range(100):
            if server.wait(0.1) is not None or check_health("prometheus", **{"9090": str(port)}) == 0:
                break
        assert server.poll() is None, server.tail()
        assert check_health("prometheus", **{"9090": str(port)}) == 0
        with urllib.request.urlopen(f"http://{HOST}:{port}/api/v1/status/flags", timeout=5) as answer:
            taken = json.load(answer)["data"]
        assert taken["storage.tsdb.retention.time"] == "100y"
        assert taken["storage.tsdb.min-block-duration"] == taken["storage.tsdb.max-block-duration"] == BLOCK == "31d"


def _setting(client: KafkaAdminClient, name: str) -> str:
    answer: Any = client.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")], config_filter="all")
    return str(answer["broker"]["1"][name]["value"])
