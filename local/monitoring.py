"""Runs Prometheus and Grafana beside the stations if they are on the PATH; nothing depends on them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread

from livelift.errors import ResourceError
from livelift.study import Study
from local.grafana_server import GrafanaServer, find_grafana
from local.prometheus_server import PrometheusServer, find_prometheus
from local.run_folder import RunFolder

PATIENCE_SECONDS = 600.0
"""A Prometheus reads all that it has before it answers."""

STOP_SECONDS = 5.0
"""One that still reads what it has may not hear SIGTERM; it loses nothing by a kill."""


@contextmanager
def watching(folder: RunFolder, studies: Sequence[Study], say: Callable[[str], None]) -> Iterator["Watchers"]:
    """Start what is there, say where it is once it answers, stop it at the end. Nobody waits for it.

    Nobody needs them for a verdict: one that does not start is said, and the run goes on.
    """
    watchers = Watchers(folder, studies, say)
    watchers.start()
    try:
        yield watchers
    finally:
        watchers.stop()


class Watchers:
    """Starts them one after the other in a thread: a Prometheus with a long history is not ready at once."""

    def __init__(self, folder: RunFolder, studies: Sequence[Study], say: Callable[[str], None]) -> None:
        self._folder = folder
        self._studies = list(studies)
        self._say = say
        self._servers: list[PrometheusServer | GrafanaServer] = []
        self._stopping = Event()
        self._lock = Lock()
        self._thread = Thread(target=self._start_all, name="watchers", daemon=True)

    def start(self) -> None:
        """Begin, and return at once."""
        self._thread.start()

    def show(self, study: Study) -> None:
        """Let Grafana have dashboards of the study, too."""
        with self._lock:
            if study.name not in {shown.name for shown in self._studies}:
                self._studies.append(study)
                for server in self._servers:
                    if isinstance(server, GrafanaServer):
                        server.show(study)

    def stop(self) -> None:
        """Stop what was started, be it that it is not ready yet."""
        self._stopping.set()
        with self._lock:
            servers = self._servers[::-1]
        for server in servers:
            server.stop(STOP_SECONDS)
        self._thread.join()

    def _start_all(self) -> None:
        if not find_prometheus():
            return
        prometheus = PrometheusServer(self._folder.prometheus, self._folder.metric_targets)
        if not self._started(prometheus):
            return
        self._say(f"Prometheus {prometheus.url}")
        if find_grafana():
            with self._lock:
                grafana = GrafanaServer(self._folder.root / "grafana", prometheus.url, self._studies)
            if self._started(grafana):
                self._say(f"Grafana {grafana.url} — admin, password in {grafana.password_file}")

    def _started(self, server: PrometheusServer | GrafanaServer) -> bool:
        try:
            with self._lock:
                if self._stopping.is_set():
                    return False
                self._servers.append(server)
                server.launch()
            server.wait_until_ready(PATIENCE_SECONDS)
        except ResourceError as error:
            if not self._stopping.is_set():
                self._say(f"{error.what} — going on without it")
            return False
        return not self._stopping.is_set()
