"""Registers the addresses at which local stations serve metrics, for Prometheus and the live terminal.

One file a process, in Prometheus' file_sd format: [{"targets": ["127.0.0.1:20123"], "labels": {"station": "stats", "study": "visits"}}].
"""

from pathlib import Path

from local.ports import HOST, free_port
from local.run_folder import read_json, write_json


class MetricTargets:
    """Gives every process of a study's stations its own port, kept over its restarts, and notes which are there.

    Parameters
    ----------
    folder
        `RunFolder.metric_targets`.
    """

    def __init__(self, folder: Path, study: str) -> None:
        self._folder = folder
        self._study = study
        self._ports: dict[str, int] = {}

    def add(self, name: str, station: str) -> str:
        """The address for the process `name`, which runs `station`; noted from now on."""
        port = self._ports.get(name)
        if port is None:
            port = self._ports[name] = free_port()
        labels = {"station": station, "study": self._study}
        write_json(self._file(name), [{"targets": [f"{HOST}:{port}"], "labels": labels}])
        return f"{HOST}:{port}"

    def remove(self, name: str) -> None:
        """The process has ended for good."""
        self._file(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """All of ours have."""
        for name in self._ports:
            self.remove(name)

    def _file(self, name: str) -> Path:
        return self._folder / f"{self._study}.{name}.json"


def forget_targets(folder: Path) -> None:
    """Clear what an earlier stack left that was killed."""
    for file in folder.glob("*.json"):
        file.unlink(missing_ok=True)


def read_targets(folder: Path, study: str) -> dict[str, list[str]]:
    """Station → addresses of its processes that work for the study, as noted now."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob(f"{study}.*.json")):
        for group in read_json(file) or []:  # None: gone since
            found.setdefault(group["labels"]["station"], []).extend(group["targets"])
    return found
