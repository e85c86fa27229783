"""Context manager that runs Kafka and Redis together."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from livelift.errors import SettingsError
from local.kafka_server import KafkaServer
from local.ports import require_free
from local.redis_server import RedisServer


@dataclass(frozen=True)
class LocalServers:
    kafka: KafkaServer
    redis: RedisServer


@contextmanager
def local_servers(
    folder: Path,
    *,
    kafka_port: int | None = None,
    redis_port: int | None = None,
    redis_password: str | None = None,
    kafka_folder: Path | None = None,
) -> Iterator[LocalServers]:
    """Both servers, started side by side, with their data under `folder`; stopped at the end, whatever it is.

    `kafka_folder` is for a broker whose data is elsewhere.

    Raises
    ------
    SettingsError
        If both are to have the same port, or one of the system's.
    ResourceError
        If one does not start.
    """
    if kafka_port is not None and kafka_port == redis_port:
        raise SettingsError(
            f"Kafka and Redis cannot both have port {kafka_port}", "give each its own, or leave one out"
        )
    for port in (kafka_port, redis_port):
        if port is not None:
            require_free(port)  # of both, before the first is started
    servers = LocalServers(
        KafkaServer(kafka_folder or folder / "kafka", kafka_port),
        RedisServer(folder / "redis", redis_port, redis_password),
    )
    with ExitStack() as stack:
        for server in (servers.redis, servers.kafka):
            stack.callback(server.stop)
            server.launch()
        for server in (servers.redis, servers.kafka):
            server.wait_until_ready()
        yield servers
