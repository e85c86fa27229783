"""Lays out what a station's image would contain in a folder, and runs the container's command there."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livelift.settings import METRICS_PORTS
from local.ports import free_port
from local.processes import ChildProcess
from tests.compose.files import ROOT, services, stages


def lay_out(station: str, folder: Path) -> Path:
    """Copy into `folder` what the Dockerfile copies into the target `station`."""
    for source, target in stages()[station].copies:
        shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


class Container:
    """A service of ours as a child process: its image's folder, its command, exactly its environment.

    Parameters
    ----------
    moved
        Addresses and folders of docker-compose.yml → those of the test. The metrics' port is moved to a free one.
    variables
        What stands in .env.
    """

    def __init__(self, station: str, folder: Path, moved: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self.station = station
        self.variables = variables
        self.metrics_port = free_port()
        own_port = {f"0.0.0.0:{METRICS_PORTS[station]}": f"127.0.0.1:{self.metrics_port}"}
        of_image = stages()[station].environment
        given = of_image | services(variables)[station]["environment"]
        self.environment = {
            name: _moved(value, {**moved, **own_port}) for name, value in given.items() if name != "PATH"
        }
        self._image = lay_out(station, folder / "image")
        self._log = folder / f"{station}.log"
        self.process: ChildProcess

    def start(self) -> None:
        python, *arguments = stages()[self.station].command
        assert python == "python"
        self.process = ChildProcess(
            self.station, [sys.executable, *arguments], self._log, cwd=self._image, environment=self.environment
        )

    def is_healthy(self) -> bool:
        """What the image's health check says."""
        check = stages()[self.station].healthcheck
        here = [word.replace(f":{METRICS_PORTS[self.station]}/", f":{self.metrics_port}/") for word in check]
        result: Any = subprocess.run([sys.executable, *here[1:]], capture_output=True, timeout=20, check=False)
        return bool(result.returncode == 0)


def _moved(value: str, moved: Mapping[str, str]) -> str:
    for there, here in moved.items():
        value = value.replace(there, here)
    return value
