"""Finds and checks ports on 127.0.0.1."""

import errno
import random
import socket

from livelift.addresses import MAX_PORT
from livelift.errors import ResourceError, SettingsError

HOST = "127.0.0.1"

FIRST_OF_ANYBODY = 1024
"""Ports below it are root's alone, and belong to well-known services."""

USABLE = f"use one from {FIRST_OF_ANYBODY} to {MAX_PORT}"

# Below the ranges that kernels take outgoing ports from (Linux 32768 up, others 49152 up). Binding to port 0 would give
# one from those, and while a server is down for a restart, a client that keeps dialling its port can be given that very
# port as its own end: it then talks to itself, and the server finds its port taken.
_RANGE = range(20_000, 32_768)

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, and that this process was not given before.

    Another program can still take it before it is used: whoever starts a server on it tries again with another.
    """
    for port in random.sample(_RANGE, len(_RANGE)):
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise ResourceError(f"no port is free between {_RANGE.start} and {_RANGE.stop}", "stop what listens there")


def is_free(port: int) -> bool:
    """Can a server listen on `port`?"""
    with socket.socket() as server:
        # As servers do: connections of a server that ended don't count, only one that listens.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
            server.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise ResourceError(f"port {port} cannot be used: {error.strerror}", USABLE) from None
    return True


def require_free(port: int) -> None:
    """Refuse a port that a person chose and that something listens on already.

    Raises
    ------
    SettingsError
        If it is no port number, or one of the system's.
    ResourceError
        If it is in use, or not ours to open.
    """
    if not 0 < port <= MAX_PORT:
        raise SettingsError(f"{port} is no port number", USABLE)
    if port < FIRST_OF_ANYBODY:
        raise SettingsError(f"port {port} is one of the system's", USABLE)
    if not is_free(port):
        raise ResourceError(
            f"port {port} is in use",
            f"stop what listens there (`lsof -i :{port}` names it), or leave the port out to get a free one",
        )
