"""Kafka and Redis together, for the time of a `with` block."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.kafka_server import KafkaServer
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
) -> Iterator[LocalServers]:
    """Both servers, started side by side, with their data under `folder`; stopped at the end, whatever it is.

    Raises
    ------
    ResourceError
        If one does not start.
    """
    servers = LocalServers(
        KafkaServer(folder / "kafka", kafka_port), RedisServer(folder / "redis", redis_port, redis_password)
    )
    with ExitStack() as stack:
        for server in (servers.redis, servers.kafka):
            stack.callback(server.stop)
            server.launch()
        for server in (servers.redis, servers.kafka):
            server.wait_until_ready()
        yield servers
