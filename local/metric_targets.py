"""Registers the addresses at which local stations serve metrics, for Prometheus and the live terminal.

One file a process, in Prometheus' file_sd format: [{"targets": ["127.0.0.1:20123"], "labels": {"station": "stats"}}].
"""

from pathlib import Path

from local.ports import HOST, free_port
from local.run_folder import read_json, write_json


class MetricTargets:
    """Gives every process of a station its own port, kept over its restarts, and notes which are there.

    Parameters
    ----------
    folder
        `RunFolder.metric_targets`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports: dict[str, int] = {}

    def add(self, name: str, station: str) -> str:
        """The address for the process `name`, which runs `station`; noted from now on."""
        port = self._ports.get(name)
        if port is None:
            port = self._ports[name] = free_port()
        write_json(self._file(name), [{"targets": [f"{HOST}:{port}"], "labels": {"station": station}}])
        return f"{HOST}:{port}"

    def remove(self, name: str) -> None:
        """The process has ended for good."""
        self._file(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """All of ours have."""
        for name in self._ports:
            self.remove(name)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def forget_targets(folder: Path) -> None:
    """Clear what an earlier stack left that was killed."""
    for file in folder.glob("*.json"):
        file.unlink(missing_ok=True)


def read_targets(folder: Path) -> dict[str, list[str]]:
    """Station → addresses of its processes, as noted now."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*.json")):
        for group in read_json(file) or []:  # None: gone since
            found.setdefault(group["labels"]["station"], []).extend(group["targets"])
    return found
