"""Resolves the addresses of Kafka and Redis: explicit setting, else this folder's running stack, else defaults."""

import os
import socket

from broker.unreachable import unreachable
from livelift import settings
from livelift.addresses import check_kafka, check_redis
from livelift.errors import StateError
from local.run_folder import RunFolder


def kafka_address(folder: RunFolder, flag: str | None = None) -> str:
    """`host:port` of the broker: flag or LIVELIFT_KAFKA, else the stack's, else the default."""
    return check_kafka(flag, "--kafka") if flag else _address(folder, "kafka", settings.KAFKA)


def require_no_demo(folder: RunFolder, flag: str | None = None) -> None:
    """See that a replay does not go to a demo's broker, where no station works for it and whose data may go with the demo.

    Raises
    ------
    StateError
        If it would.
    """
    if not flag and not os.environ.get(settings.KAFKA) and folder.demo_is_up():
        raise StateError(
            "the stack that is up is a demo's, which works for its own run only",
            "stop it: livelift stop; then start one for every study: livelift up",
        )


def require_kafka(address: str) -> None:
    """See that somebody listens at `address`, before long work for it.

    Raises
    ------
    UnreachableError
        If nobody does.
    """
    host, _, port = address.partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=settings.BOOTSTRAP_MS / 1000).close()
    except OSError as error:
        raise unreachable(address, error) from None


def redis_url(folder: RunFolder, flag: str | None = None) -> str:
    """URL of Redis: flag or LIVELIFT_REDIS, else the stack's, else the default."""
    return check_redis(flag, "--redis") if flag else _address(folder, "redis", settings.REDIS)


def _address(folder: RunFolder, server: str, name: str) -> str:
    stack = None if os.environ.get(name) else folder.stack()
    return str(stack[server]) if stack is not None else settings.setting(name)
