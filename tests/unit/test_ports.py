"""Ports: free ones are free and differ; a taken one is refused by its number."""

import socket

import pytest

from livelift.errors import ResourceError, SettingsError
from local.ports import HOST, free_port, is_free, require_free


def test_free_ports_can_be_listened_on_and_differ() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_a_free_port_is_never_one_the_kernel_gives_to_clients() -> None:
    # or a client that dials a server that is down could be connected to itself, and hold the server's port
    assert all(free_port() < 32_768 for _ in range(20))


def test_a_port_in_use_is_refused_by_its_number() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ResourceError, match=f"port {port} is in use") as refusal:
            require_free(port)
        assert str(port) in refusal.value.fix
    require_free(port)


@pytest.mark.parametrize("number", [0, -1, 65_536])
def test_what_is_no_port_number_is_refused(number: int) -> None:
    with pytest.raises(SettingsError, match=f"{number} is no port number"):
        require_free(number)
