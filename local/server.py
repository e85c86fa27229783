"""Base of the local Kafka and Redis: a child process on a port of 127.0.0.1 with a data folder."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from livelift.errors import ResourceError
from local.ports import HOST, free_port, is_free, require_free
from local.processes import ChildProcess

_POLL_SECONDS = 0.02
_PORT_TRIES = 3


class LocalServer(ABC):
    """A server that starts, stops, dies and starts again on the same folder and port.

    Parameters
    ----------
    folder
        Data, configuration and log; made if it is not there.
    port
        A free one is chosen if not given. It is settled once the server has answered for the first time.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder.resolve()
        self.port = free_port() if port is None else port
        self._port_is_settled = port is not None
        self._process: ChildProcess | None = None

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """All that it printed, over all its starts."""
        return self.folder / f"{self.name.lower()}.log"

    @property
    def is_running(self) -> bool:
        """Was it started, and has it not ended, by us or by itself?"""
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> ChildProcess:
        """The process of the last start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def start(self, timeout: float = 60.0) -> None:
        """Start it and return when it answers. Running already: nothing happens.

        Raises
        ------
        ResourceError
            If its port is in use, or it ended or did not answer within `timeout` seconds (with the end of its log).
        """
        if not self.is_running:
            self.launch()
        self.wait_until_ready(timeout)

    def launch(self) -> None:
        """Start it and return at once; `wait_until_ready` has to follow. So that several can start side by side."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._port_is_settled:
            require_free(self.port)
        elif not is_free(self.port):
            self.port = free_port()
        command = self._prepare()
        environment = self._environment()
        self._process = ChildProcess(self.name, command, self.log, cwd=self.folder, environment=environment)

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Return when a launched server answers; see `start`."""
        deadline = time.monotonic() + timeout
        tries = 1
        try:
            while not self._answers():
                if (code := self.process.poll()) is not None:
                    if self._port_is_settled or tries == _PORT_TRIES or not self._found_port_in_use():
                        raise self._failure(f"ended with exit code {code} while it started")
                    tries += 1
                    self.port = free_port()  # somebody took ours between our look and the server's start
                    self.launch()
                elif time.monotonic() > deadline:
                    raise self._failure(f"did not answer on {self.address} within {timeout:g} s")
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.kill()
            raise
        self._port_is_settled = True

    def stop(self, timeout: float = 15.0) -> None:
        """End it in order (killed after `timeout` seconds). Not running: nothing happens."""
        if self._process is not None:
            self._process.stop(timeout)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()

    def freeze(self) -> None:
        """Halt it: connections stay open and nothing answers."""
        self.process.freeze()

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self.process.thaw()

    def _environment(self) -> Mapping[str, str]:
        """Nothing of ours that could change a server (JAVA_TOOL_OPTIONS …); file names are UTF-8."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}

    def _found_port_in_use(self) -> bool:
        return "address already in use" in self.process.tail(200).lower()

    def _failure(self, what: str) -> ResourceError:
        tail = "\n".join(f"    {line}" for line in self.process.tail().splitlines())
        return ResourceError(f"{self.name} {what}; the end of its log:\n{tail}", f"the whole log is {self.log}")

    @abstractmethod
    def _prepare(self) -> list[str | Path]:
        """Write its configuration for the current port; give the command, to be run in the folder."""

    @abstractmethod
    def _answers(self) -> bool:
        """Does this very server serve requests now? Never waits much over a second."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
