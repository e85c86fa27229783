"""Starts Prometheus, if it is on the PATH, with the rules and scrape jobs of `prometheus/` and the local stations as
targets.
"""

import json
import re
import secrets
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from local.ports import is_free
from local.server import LocalServer

CONFIGURATION = Path(__file__).parents[1] / "prometheus"

PORT = 9090
"""Taken if it is free, so that bookmarks last."""

BLOCK = "31d"
"""Started again with samples of 2009 beside those of now, Prometheus goes through all the time between a block at a time: with the
default of two hours, 76,000 empty ones, half a core for half an hour; with 31 days, its largest, 207 in 3 s."""

_HISTORY = "    metrics_path: /history\n"
_TARGETS = re.compile(r"^    # targets\n.*?^    # end of targets\n", re.MULTILINE | re.DOTALL)


class PrometheusServer(LocalServer):
    """Scrapes the stations that `targets` lists.

    Parameters
    ----------
    folder, port
        See `LocalServer`.
    targets
        Folder of files in file_sd format, read again whenever one comes, changes or goes.
    """

    name = "Prometheus"

    def __init__(self, folder: Path, targets: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        if port is None and is_free(PORT):
            self.port = PORT
        self._targets = targets.resolve()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def get(self, path: str) -> Any:
        """The answer of the HTTP API, `data` of it. `path` is what follows `/api/v1/`, with its query."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def _prepare(self) -> list[str | Path]:
        self._targets.mkdir(parents=True, exist_ok=True)
        (self.folder / "prometheus.yml").write_text(
            # Another id at every start: its data may have been removed, then it lacks what an earlier one was given.
            configuration(self._targets, secrets.token_hex(8))
        )
        shutil.rmtree(self.folder / "rules", ignore_errors=True)
        (self.folder / "rules").mkdir()
        for file in (CONFIGURATION / "rules").iterdir():
            shutil.copyfile(file, self.folder / "rules" / file.name)  # without its rights: those of our own files
        return [
            "prometheus",
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={self.folder / 'data'}",
            "--storage.tsdb.retention.time=100y",  # a replay's events are years old
            "--storage.tsdb.retention.size=1GB",
            f"--storage.tsdb.min-block-duration={BLOCK}",
            f"--storage.tsdb.max-block-duration={BLOCK}",
            f"--web.listen-address={self.address}",
            "--log.level=warn",
        ]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                pass
            # Its own folder, lest we take another server, quicker to this port, for ours.
            return bool(self.get("status/flags")["storage.tsdb.path"] == str(self.folder / "data"))
        except (OSError, urllib.error.URLError, ValueError, KeyError):
            return False


def find_prometheus() -> str | None:
    """The program, if there is one."""
    return shutil.which("prometheus")


def configuration(targets: Path, reader: str = "local") -> str:
    """`prometheus/prometheus.yml` with every job's targets read from the folder `targets`; to `/history` it is `reader`."""
    files = json.dumps(str(targets / "*.json"))
    found = f"    file_sd_configs:\n      - files: [{files}]\n        refresh_interval: 2s\n"
    text = (CONFIGURATION / "prometheus.yml").read_text()
    text = text.replace(_HISTORY, f"{_HISTORY}    params: {{reader: [{json.dumps(reader)}]}}\n")
    return _TARGETS.sub(lambda _: found, text)
