"""The links of the fault runs: they pass bytes, and stall, slow, lose, refuse and cut as told."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from local.ports import HOST, free_port
from tests.chaos.proxy import Link, Links


class EchoServer:
    """Answers every connection with what it is sent; counts what it received."""

    def __init__(self) -> None:
        self.received = 0
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(4096):
                    self.received += len(data)
                    connection.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


@pytest.fixture
def link(echo: EchoServer) -> Iterator[Link]:
    with Links() as links:
        yield links.open(lambda: echo.port)


def dialled(link: Link) -> socket.socket:
    return socket.create_connection((HOST, link.port), timeout=5)


def asked(connection: socket.socket, data: bytes = b"hello") -> bytes:
    connection.sendall(data)
    answer = b""
    while len(answer) < len(data) and (piece := connection.recv(4096)):
        answer += piece
    return answer


def assert_silent(connection: socket.socket, seconds: float = 0.3) -> None:
    connection.settimeout(seconds)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.settimeout(5)


def assert_ended(connection: socket.socket) -> None:
    try:
        assert connection.recv(1) == b""
    except ConnectionResetError:
        pass  # that is one way to end


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_link_passes_bytes_both_ways(link: Link) -> None:
    with dialled(link) as first, dialled(link) as second:
        assert asked(first) == b"hello"
        assert asked(second, b"x" * 300_000) == b"x" * 300_000


def test_a_stalled_link_holds_everything_back_until_it_heals(link: Link, echo: EchoServer) -> None:
    with dialled(link) as old:
        assert asked(old) == b"hello"
        link.stall()
        old.sendall(b"later")
        with dialled(link) as new:
            new.sendall(b"later")
            assert_silent(old)
            assert_silent(new)
            assert echo.received == 5
            link.heal()
            assert old.recv(5) == new.recv(5) == b"later"


def test_the_end_of_a_connection_is_held_back_too(echo: EchoServer) -> None:
    with Links() as links:
        link = links.open(lambda: echo.port)
        client = dialled(link)
        assert asked(client) == b"hello"
        link.stall()
        client.close()
        with dialled(link) as other:
            assert_silent(other)
        assert echo.received == 5


def test_a_slow_link_takes_its_time(link: Link) -> None:
    with dialled(link) as connection:
        link.slow(20_000)
        began = time.monotonic()
        assert asked(connection, b"x" * 10_000) == b"x" * 10_000
        assert time.monotonic() - began > 0.4


def test_a_link_that_loses_answers_ends_its_connections(link: Link, echo: EchoServer) -> None:
    with dialled(link) as connection:
        assert asked(connection) == b"hello"
        link.lose_answers()
        connection.sendall(b"commit")
        wait_until(lambda: echo.received == 11)
        assert_silent(connection)
        link.heal()
        assert_ended(connection)
    with dialled(link) as connection:
        assert asked(connection) == b"hello"


def test_a_cut_ends_connections_and_lets_new_ones_in(link: Link) -> None:
    with dialled(link) as old:
        assert asked(old) == b"hello"
        link.cut()
        assert_ended(old)
    with dialled(link) as new:
        assert asked(new) == b"hello"


def test_a_refusing_link_ends_old_and_new_connections(link: Link) -> None:
    with dialled(link) as old:
        assert asked(old) == b"hello"
        link.refuse()
        assert_ended(old)
    with dialled(link) as new:
        assert_ended(new)
    link.heal()
    with dialled(link) as new:
        assert asked(new) == b"hello"


def test_a_server_that_was_down_is_reached_when_it_is_back() -> None:
    port = free_port()
    with Links() as links:
        link = links.open(lambda: port)
        with dialled(link) as early:
            assert_ended(early)
        server = EchoServer()
        port = server.port
        with dialled(link) as later:
            assert asked(later) == b"hello"
        server.close()
