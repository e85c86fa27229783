"""Where the stations that run here serve their metrics: for Prometheus, and for the terminal.

The file is in Prometheus' file_sd format: [{"targets": ["127.0.0.1:20123"], "labels": {"station": "stats"}}, …].
"""

from pathlib import Path
from typing import Any

from local.ports import HOST, free_port
from local.run_folder import read_json, write_json


class MetricTargets:
    """Gives every station process its own port, kept over its restarts, and notes which are there."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ports: dict[str, int] = {}
        self._there: dict[str, str] = {}  # process name → station
        self._write()

    def add(self, name: str, station: str) -> str:
        """The address for the process `name`, which runs `station`; noted from now on."""
        port = self._ports.get(name)
        if port is None:
            port = self._ports[name] = free_port()
        self._there[name] = station
        self._write()
        return f"{HOST}:{port}"

    def remove(self, name: str) -> None:
        """The process has ended for good."""
        if self._there.pop(name, None) is not None:
            self._write()

    def clear(self) -> None:
        self._there.clear()
        self._write()

    def _write(self) -> None:
        write_json(
            self._file,
            [
                {"targets": [f"{HOST}:{self._ports[name]}"], "labels": {"station": station}}
                for name, station in self._there.items()
            ],
        )


def read_targets(file: Path) -> dict[str, list[str]]:
    """Station → addresses of its processes, as the file says now; empty without one."""
    found: dict[str, list[str]] = {}
    groups: list[dict[str, Any]] = read_json(file) or []
    for group in groups:
        found.setdefault(group["labels"]["station"], []).extend(group["targets"])
    return found
