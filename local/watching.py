"""Prometheus and Grafana beside the stations, where they are on the PATH; without them everything else works the same."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from livelift.errors import ResourceError
from livelift.study import Study
from local.grafana_server import GrafanaServer, find_grafana
from local.prometheus_server import PrometheusServer, find_prometheus
from local.run_folder import RunFolder


@contextmanager
def watching(folder: RunFolder, study: Study, say: Callable[[str], None]) -> Iterator[dict[str, str]]:
    """Start what is there, say where it is, stop it at the end. Gives the addresses by name.

    Nobody needs them for a verdict: one that does not start is said, and the run goes on.
    """
    addresses: dict[str, str] = {}
    with ExitStack() as stack:
        if find_prometheus():
            prometheus = PrometheusServer(folder.prometheus, folder.metric_targets)
            if _started(prometheus, stack, say):
                addresses["prometheus"] = prometheus.url
                say(f"Prometheus {prometheus.url}")
                if find_grafana():
                    grafana = GrafanaServer(folder.root / "grafana", prometheus.url, study)
                    if _started(grafana, stack, say):
                        addresses["grafana"] = grafana.url
                        say(f"Grafana {grafana.url} — admin, password in {grafana.password_file}")
        yield addresses


def _started(server: PrometheusServer | GrafanaServer, stack: ExitStack, say: Callable[[str], None]) -> bool:
    stack.callback(server.stop)
    try:
        server.start()
    except ResourceError as error:
        say(f"{error.what} — going on without it")
        return False
    return True
