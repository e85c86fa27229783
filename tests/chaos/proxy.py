"""TCP links between stations and servers that can be stalled, slowed, cut and made to lose answers.

All links run in one thread with an event loop of its own; their methods may be called from any other thread.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from local.ports import HOST, free_port

CHUNK = 1 << 16
LOOK_SECONDS = 0.02
"""How often a transfer that waits asks whether it may go on."""

T = TypeVar("T")


class Link:
    """Passes bytes between whoever connects to `address` and a server, until it is told otherwise.

    Made by `Links.open`.

    Attributes
    ----------
    port
        Where it listens on 127.0.0.1.
    """

    def __init__(self, port: int, server_port: Callable[[], int], loop: asyncio.AbstractEventLoop) -> None:
        self.port = port
        self._server_port = server_port
        self._loop = loop
        self._ends: set[asyncio.StreamWriter] = set()
        self._stalled = self._refusing = self._losing_answers = False
        self._bytes_per_second: float | None = None

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"{HOST}:{self.port}"

    def heal(self) -> None:
        """Pass everything at full speed from now on, what was held back first.

        Connections that lost bytes are reset before: TCP never goes on after a loss.
        """
        self._loop.call_soon_threadsafe(self._heal)

    def _heal(self) -> None:
        if self._losing_answers:
            self._abort()
        self._stalled = self._refusing = self._losing_answers = False
        self._bytes_per_second = None

    def stall(self) -> None:
        """Hold back everything in both directions; connections stay open and new ones are accepted."""
        self._stalled = True

    def slow(self, bytes_per_second: float) -> None:
        """Pass so many bytes a second on each connection and in each direction."""
        self._bytes_per_second = bytes_per_second

    def lose_answers(self) -> None:
        """Requests still reach the server; what it answers is dropped, until `heal` or `cut` ends the connections."""
        self._losing_answers = True

    def refuse(self) -> None:
        """Cut all connections and close new ones at once, as where nobody listens."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        """Reset all connections."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def accept(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        self._ends.add(client)
        server: asyncio.StreamWriter | None = None
        try:
            if self._refusing:
                return
            server_reader, server = await asyncio.open_connection(HOST, self._server_port())
            self._ends.add(server)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(client_reader, server, answers=False))
                both.create_task(self._pass(server_reader, client, answers=True))
        except (OSError, ExceptionGroup):
            pass  # one side has gone, or the server is down: the other side sees its connection close
        finally:
            for end in (client, server):
                if end is not None:
                    self._ends.discard(end)
                    end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while data := await reader.read(CHUNK):
            while self._stalled:
                await asyncio.sleep(LOOK_SECONDS)
            if answers and self._losing_answers:
                continue
            await self._write(writer, data)
        while self._stalled:  # the end of a connection is held back like everything else
            await asyncio.sleep(LOOK_SECONDS)
        raise ConnectionResetError  # one side has closed: so does the other, as Kafka's and Redis' clients do

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        while (rate := self._bytes_per_second) is not None and data:
            piece = max(1, int(rate * LOOK_SECONDS))
            writer.write(data[:piece])
            data = data[piece:]
            await asyncio.sleep(LOOK_SECONDS)
        writer.write(data)
        await writer.drain()


class Links:
    """The thread that all links run in, as a context."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._links: list[Link] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()

    def open(self, server_port: Callable[[], int]) -> Link:
        """A new link to the server at the port that `server_port` tells whenever somebody connects."""
        link = Link(free_port(), server_port, self._loop)
        self._servers.append(self._run(asyncio.start_server(link.accept, HOST, link.port)))
        self._links.append(link)
        return link

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self) -> None:
        """Close everything and end the thread."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
