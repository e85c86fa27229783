"""Starts Grafana, if it is on the PATH, with the dashboards and provisioning of `grafana/` and the local Prometheus."""

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from livelift.study import Study
from local.ports import is_free
from local.secrets import kept_secret
from local.server import LocalServer

PROVISIONING = Path(__file__).parents[1] / "grafana" / "provisioning"

HOME = Path(__file__).parents[1] / "grafana" / "generated" / "home.json"
"""Lists every study's dashboards."""

PORT = 3000
"""Taken if it is free, so that bookmarks last."""

ANONYMOUS = "LIVELIFT_GRAFANA_ANONYMOUS"
"""Set to true to let everybody on this machine look without a password."""

WEBHOOK = "LIVELIFT_ALERT_WEBHOOK"
NOBODY = "http://127.0.0.1:9/nobody-is-told"
"""Grafana wants some URL; nothing listens on the port of `discard`."""

_HOMES = ("/usr/share/grafana", "/opt/homebrew/share/grafana", "/usr/local/share/grafana")


class GrafanaServer(LocalServer):
    """Shows what `prometheus` (a URL) holds.

    Parameters
    ----------
    folder, port
        See `LocalServer`.
    studies
        Each has its own set of dashboards. Read at each start.
    """

    name = "Grafana"

    def __init__(self, folder: Path, prometheus: str, studies: Sequence[Study], port: int | None = None) -> None:
        super().__init__(folder, port)
        if port is None and is_free(PORT):
            self.port = PORT
        self._prometheus = prometheus
        self._studies = studies

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def password_file(self) -> Path:
        """Holds the password of `admin`: made at random, once for each folder; there is no default one."""
        return self.folder / "admin-password"

    def show(self, study: Study) -> None:
        """Write the dashboards of one more study: Grafana looks for new files every few seconds."""
        from grafana.generate import write  # the SDK takes a while to import: only where there is a Grafana

        write(self._dashboards / study.name, study)

    @property
    def _dashboards(self) -> Path:
        return self.folder / "dashboards"

    def _prepare(self) -> list[str | Path]:
        shutil.rmtree(self._dashboards, ignore_errors=True)  # of an earlier start, for other studies
        for study in self._studies:
            self.show(study)
        self._write_provisioning()
        kept_secret(self.password_file)
        program = find_grafana()
        command: list[str | Path] = [program or "grafana"]
        if command[0] == program and Path(str(program)).name == "grafana":
            command.append("server")
        home = next((path for path in _homes(program) if (path / "conf" / "defaults.ini").is_file()), None)
        return [*command, "--homepath", home] if home else command

    def _write_provisioning(self) -> None:
        """The committed files, but for the two addresses that differ from those under Docker."""
        target = self.folder / "provisioning"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(PROVISIONING, target)
        for file, there, here in (
            ("datasources/prometheus.yml", "http://prometheus:9090", self._prometheus),
            ("dashboards/livelift.yml", "/etc/grafana/dashboards", str(self._dashboards)),
        ):
            path = target / file
            path.write_text(path.read_text().replace(there, here))

    def _environment(self) -> Mapping[str, str]:
        anonymous = os.environ.get(ANONYMOUS, "").lower() == "true"
        return {
            **super()._environment(),
            WEBHOOK: os.environ.get(WEBHOOK) or NOBODY,
            "GF_SERVER_HTTP_ADDR": self.address.partition(":")[0],
            "GF_SERVER_HTTP_PORT": str(self.port),
            "GF_PATHS_DATA": str(self.folder / "data"),
            "GF_PATHS_LOGS": str(self.folder / "logs"),
            "GF_PATHS_PLUGINS": str(self.folder / "plugins"),
            "GF_PATHS_PROVISIONING": str(self.folder / "provisioning"),
            "GF_SECURITY_ADMIN_PASSWORD": self.password_file.read_text(),
            "GF_AUTH_ANONYMOUS_ENABLED": str(anonymous).lower(),
            "GF_USERS_ALLOW_SIGN_UP": "false",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(HOME),
            "GF_LOG_MODE": "console",
            "GF_LOG_LEVEL": "warn",
        }

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/health", timeout=1):
                return True
        except (OSError, urllib.error.URLError):
            return False


def find_grafana() -> str | None:
    """The program, if there is one: `grafana`, or `grafana-server` as older packages call it."""
    return shutil.which("grafana") or shutil.which("grafana-server")


def _homes(program: str | None) -> list[Path]:
    """Where Grafana's own files may lie: beside the program, or where packages put them."""
    beside = [Path(program).resolve().parents[1]] if program else []
    return [*beside, *map(Path, _HOMES)]
