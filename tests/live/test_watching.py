"""Prometheus and Grafana beside the local stack: the same configuration, and nothing stops for want of them."""

import http.client
import json
import os
import stat
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
import redis

from exporter.instruments import Instruments
from exporter.server import MetricsServer, serve
from exporter.server import Page as ServedPage
from livelift.document import encode
from livelift.metrics import stats as declared
from livelift.study import load_study
from local.grafana_server import ANONYMOUS, WEBHOOK, GrafanaServer
from local.monitoring import watching
from local.prometheus_server import PrometheusServer
from local.run_folder import RunFolder
from local.servers import LocalServers
from stats.edges.history_page import HistoryPage
from stats.settings import StatsSettings
from studies.lastfm import generator as lastfm_generator
from tests.support.ends import has_ended
from tests.support.pure_pipeline import PureRun, run_pure
from tests.support.tools import tool

STUDY = load_study("lastfm")

GRAFANA = """#!{python}
import http.server, json, os, sys
json.dump({{"environment": dict(os.environ), "arguments": sys.argv[1:]}}, open("started.json", "w"))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
http.server.HTTPServer((os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"])), Handler).serve_forever()
"""
"""Stands in for Grafana, which cannot be had here: keeps how it was started, answers like it."""


class Page:
    """The same text for everybody."""

    content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    def __init__(self, text: bytes | None) -> None:
        self.text = text

    def __call__(self, reader: str) -> bytes:
        if self.text is None:
            raise ConnectionError("Redis does not answer")
        return self.text


def station(page: ServedPage) -> MetricsServer:
    instruments = Instruments("lastfm", [declared.TICKS])
    instruments.counter(declared.TICKS).inc(3)
    server = serve(instruments, "127.0.0.1:0", 0, {"/history": page})
    assert server is not None
    return server


def test_a_page_that_cannot_be_served_fails_only_its_own_scrape() -> None:
    server = station(Page(None))
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/history")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (503, b"Redis does not answer\n")
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as metrics:
            assert b'livelift_stats_ticks_total{study="lastfm"} 3.0' in metrics.read()
    finally:
        server.close()


@pytest.mark.slow
def test_prometheus_has_gauges_of_now_and_ticks_of_years_ago(tmp_path: Path) -> None:
    """Read back from a real Prometheus server."""
    tool("prometheus")
    labels = 'study="lastfm",run="r1",clock="event"'
    lines = [f"livelift_look{{{labels}}} {day} {1235865600 + day * 86400}" for day in range(61)]
    server = station(Page("\n".join(["# TYPE livelift_look gauge", *lines, "# EOF\n"]).encode()))
    targets = tmp_path / "targets"
    targets.mkdir()
    (targets / "stats.json").write_text(
        json.dumps([{"targets": [f"127.0.0.1:{server.port}"], "labels": {"station": "stats"}}])
    )
    query = "query?time=1241136000&query=livelift_look%5B1y%5D"
    try:
        with PrometheusServer(tmp_path / "a folder, with ü", targets) as prometheus:
            deadline = time.monotonic() + 20
            while (
                not prometheus.get("query?query=livelift_stats_ticks_total")["result"]
                or not prometheus.get(query)["result"]
            ):
                assert time.monotonic() < deadline, prometheus.get("targets")
                time.sleep(0.2)
            (now,) = prometheus.get("query?query=livelift_stats_ticks_total")["result"]
            assert now["metric"]["station"] == "stats"
            assert now["value"][1] == "3"
            (series,) = prometheus.get(query)["result"]
            assert series["metric"] == {"__name__": "livelift_look", "study": "lastfm", "run": "r1", "clock": "event"}
            assert series["values"] == [[1235865600 + day * 86400, str(day)] for day in range(61)]
            prometheus.kill()
            prometheus.start()  # what it had, it has
            assert prometheus.get(query)["result"] == [series]
    finally:
        server.close()


@pytest.fixture(scope="module")
def pure_run(tmp_path_factory: pytest.TempPathFactory) -> PureRun:
    folder = tmp_path_factory.mktemp("ticks")
    lastfm_generator.generate(folder / "log.tsv", events=40_000, users=300, lift=0.1, seed=3, study=STUDY)
    return run_pure(folder / "log.tsv", folder / "cache", STUDY)


def listed(targets: Path, port: int) -> Path:
    """A folder of targets with one stats station at `port`."""
    targets.mkdir()
    found = [{"targets": [f"127.0.0.1:{port}"], "labels": {"station": "stats"}}]
    (targets / "stats.json").write_text(json.dumps(found))
    return targets


@pytest.mark.slow
def test_a_restarted_prometheus_with_old_samples_is_quiet_soon(tmp_path: Path) -> None:
    """With blocks of two hours it goes through 76,000 of them, half a core for half an hour."""
    tool("prometheus")
    labels = 'study="lastfm",run="r1",clock="event"'
    lines = [f"livelift_look{{{labels}}} {day} {1235865600 + day * 86400}" for day in range(61)]
    server = station(Page("\n".join(["# TYPE livelift_look gauge", *lines, "# EOF\n"]).encode()))
    query = "query?time=1241136000&query=count_over_time(livelift_look%5B1y%5D)"
    try:
        with PrometheusServer(tmp_path / "prometheus", listed(tmp_path / "targets", server.port)) as prometheus:
            deadline = time.monotonic() + 20
            while not prometheus.get(query)["result"]:
                assert time.monotonic() < deadline, prometheus.get("targets")
                time.sleep(0.2)
            prometheus.stop()
            prometheus.start()
            time.sleep(20)
            process = psutil.Process(prometheus.process.pid)
            used, began = sum(process.cpu_times()[:2]), time.monotonic()
            time.sleep(10)
            share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
            assert share < 0.15
            assert prometheus.get(query)["result"][0]["value"][1] == "61"
    finally:
        server.close()


@pytest.mark.slow
def test_prometheus_gets_the_history_a_few_times_then_only_news(
    servers: LocalServers, pure_run: PureRun, tmp_path: Path
) -> None:
    """A real Prometheus server is given each tick a few times, then only new ones."""
    tool("prometheus")
    config = StatsSettings("", servers.redis.url, STUDY.name, "given-once")
    client = redis.Redis.from_url(servers.redis.url)

    entries = pure_run.history
    for entry in entries[:5]:
        client.xadd(config.names.key("ticks"), {"json": encode(entry)})
    server = station(HistoryPage(config, STUDY))
    scraped = "query?query=scrape_samples_scraped%7Bjob%3D%22livelift-history%22%7D"
    kept_query = (
        f"query?time={STUDY.experiment.end_ms // 1000}"
        "&query=count_over_time(livelift_decision_code%7Brun%3D%22given-once%22%7D%5B1y%5D)"
    )
    try:
        with PrometheusServer(tmp_path / "prometheus", listed(tmp_path / "targets", server.port)) as prometheus:

            def wait_for(samples: str, kept: str) -> None:
                deadline = time.monotonic() + 40
                while True:
                    now, found = prometheus.get(scraped)["result"], prometheus.get(kept_query)["result"]
                    if now and found and now[0]["value"][1] == samples and found[0]["value"][1] == kept:
                        return
                    assert time.monotonic() < deadline, (now, found)
                    time.sleep(0.3)

            wait_for("0", "5")
            client.xadd(config.names.key("ticks"), {"json": encode(entries[5])})
            wait_for("0", "6")
    finally:
        server.close()


@pytest.fixture
def grafana_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stand-in for Grafana, first on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "grafana"
    program.write_text(GRAFANA.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return programs


def test_grafana_has_our_dashboards_a_password_and_no_guests(
    tmp_path: Path, grafana_on_the_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is its own, and nobody gets in without it."""
    monkeypatch.delenv(ANONYMOUS, raising=False)
    monkeypatch.setenv(WEBHOOK, "https://hooks.example/me")
    with GrafanaServer(tmp_path / "grafana", "http://127.0.0.1:19090", [STUDY]) as grafana:
        folder = grafana.folder
        environment = json.loads((folder / "started.json").read_text())["environment"]
        password = grafana.password_file.read_text()
    assert environment["GF_SECURITY_ADMIN_PASSWORD"] == password
    assert len(password) > 16
    assert stat.S_IMODE(grafana.password_file.stat().st_mode) == 0o600
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["LIVELIFT_ALERT_WEBHOOK"] == "https://hooks.example/me"
    assert Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
    grafana.show(load_study("tests/studies/purchases"))
    assert {str(path.relative_to(folder / "dashboards")) for path in (folder / "dashboards").glob("*/*")} == {
        f"{study}/{name}.json" for study in ("lastfm", "purchases") for name in ("experiment", "explorer", "pipeline")
    }
    provisioning = Path(environment["GF_PATHS_PROVISIONING"])
    assert "url: http://127.0.0.1:19090" in (provisioning / "datasources" / "prometheus.yml").read_text()
    assert f"path: {folder / 'dashboards'}" in (provisioning / "dashboards" / "livelift.yml").read_text()
    with GrafanaServer(folder, "http://127.0.0.1:19090", [STUDY]) as again:
        assert again.password_file.read_text() == password


def test_what_is_on_the_path_is_started_named_and_stopped(tmp_path: Path, grafana_on_the_path: Path) -> None:
    tool("prometheus")
    said: list[str] = []
    with watching(RunFolder(tmp_path / ".livelift"), [STUDY], said.append):
        wait_for_lines(said, 2)
        for line, name in zip(said, ("Prometheus", "Grafana"), strict=True):
            assert line.startswith(name)
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{line.split()[1]}/no-such-page")
        pids = _processes_below(tmp_path)
        assert len(pids) >= 2
    assert all(has_ended(pid) for pid in pids)


def test_a_study_that_comes_later_has_its_dashboards_too(tmp_path: Path, grafana_on_the_path: Path) -> None:
    tool("prometheus")
    said: list[str] = []
    there = tmp_path / ".livelift" / "grafana" / "dashboards"
    with watching(RunFolder(tmp_path / ".livelift"), [STUDY], said.append) as watchers:
        wait_for_lines(said, 2)
        assert {path.name for path in there.iterdir()} == {STUDY.name}
        for _ in range(2):
            watchers.show(load_study("tests/studies/purchases"))
        assert {path.name for path in there.iterdir()} == {STUDY.name, "purchases"}


def wait_for_lines(said: list[str], count: int) -> None:
    deadline = time.monotonic() + 30
    while len(said) < count:
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def test_nobody_waits_for_a_prometheus_that_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "prometheus").write_text("#!/bin/sh\nexec sleep 600\n")
    (programs / "prometheus").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    said: list[str] = []
    began = time.monotonic()
    with watching(RunFolder(tmp_path / ".livelift"), [STUDY], said.append):
        assert time.monotonic() - began < 2
        while not (pids := _processes_below(tmp_path)):
            assert time.monotonic() - began < 20
            time.sleep(0.05)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert all(has_ended(pid) for pid in pids)
    assert said == []


def _processes_below(folder: Path) -> list[int]:
    """Processes whose working directory lies in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
        except OSError:
            continue  # it has ended, or is somebody else's
    return found


def test_the_run_goes_on_without_prometheus_and_grafana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a missing program nor one that does not start ends the run."""
    said: list[str] = []
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with watching(RunFolder(tmp_path / ".livelift"), [STUDY], said.append):
        pass
    assert said == []
    (programs / "prometheus").write_text("#!/bin/sh\necho 'the disk is damaged' >&2\nexit 1\n")
    (programs / "prometheus").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    with watching(RunFolder(tmp_path / ".livelift"), [STUDY], said.append):
        wait_for_lines(said, 1)
    assert len(said) == 1
    assert "the disk is damaged" in said[0]
    assert "going on without it" in said[0]
