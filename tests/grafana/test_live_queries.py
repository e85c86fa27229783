"""Every query of every panel returns data from a real Prometheus that watched a real run."""

import json
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grafana.asking import Asker
from grafana.generate import DASHBOARDS
from grafana.generate import dashboards as dashboards_of
from livelift.event_time import SECOND, from_iso
from livelift.names import RunNames
from livelift.study import load_study
from local.demo import DemoPlan, RunOfStations
from local.prometheus_server import PrometheusServer
from local.run_folder import RunFolder
from local.servers import LocalServers
from local.verdict_reader import read_tables
from stats.edges.redis_connection import connect
from stats.edges.redis_store import read_ticks
from studies.lastfm import generator as lastfm_generator
from studies.shows import generator as shows_generator
from tests.grafana.asking import problems
from tests.support.live_run import LiveRun
from tests.support.tools import tool

pytestmark = pytest.mark.slow  # one run with Prometheus for all: 17 s

STUDY = load_study("lastfm")
DAYS, SECONDS = 160, 10
"""About what the generated log spans, and how long its replay takes: a few scrapes see it on its way."""

LIMIT_SECONDS = 30.0


@dataclass
class Watched:
    """A run that has ended, its stations still up, and the Prometheus that watched it."""

    prometheus: PrometheusServer
    run: str
    began: float
    ticks: list[dict[str, Any]]
    folder: RunFolder

    def asker(self, dashboard: dict[str, Any]) -> Asker:
        """For the time range with which the dashboard opens, or since the run began where that is relative."""
        since, until = dashboard["time"]["from"], dashboard["time"]["to"]
        if since.startswith("now"):
            return Asker(self.prometheus.url, self.began, time.time())
        return Asker(self.prometheus.url, from_iso(since) / SECOND, from_iso(until) / SECOND)


@pytest.fixture(scope="module")
def watched(servers: LocalServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    tool("prometheus")
    path = tmp_path_factory.mktemp("watched")
    log = path / "log.tsv"
    lastfm_generator.generate(log, events=120_000, users=400, lift=0.15, seed=5, study=STUDY)
    folder = RunFolder(path / ".livelift")
    plan = DemoPlan(STUDY, log, speed=f"{DAYS * 86_400 // SECONDS}x")
    began = time.time()
    with (
        PrometheusServer(folder.prometheus, folder.metric_targets) as prometheus,
        RunOfStations(folder, plan, servers.kafka.address, servers.redis.url) as stations,
    ):
        LiveRun(stations).end()
        names = RunNames(STUDY.name, stations.run.run)
        ticks = [entry for _, _, entry in read_ticks(connect(servers.redis.url), names)]
        found = Watched(prometheus, stations.run.run, began, ticks, folder)
        _wait_until_all_is_scraped(found)
        yield found


def _wait_until_all_is_scraped(watched: Watched) -> None:
    """The last tick in event time, and the gauges as of now."""
    late = Asker(watched.prometheus.url, 0, from_iso(watched.ticks[-1].as_of) / SECOND + 1)
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        counted = late.instant(f'count_over_time(livelift_look{{run="{watched.run}", clock="event"}}[1y])')
        ended = Asker(watched.prometheus.url, watched.began, time.time()).instant(
            'livelift_stream_ended{clock=""} == 1'
        )
        if ended and counted and counted[0]["points"][0][1] == len(watched.ticks):
            return
        assert time.monotonic() < deadline, (counted, ended, watched.prometheus.process.tail(5))
        time.sleep(0.3)


def test_the_tables_of_a_study_are_drawn_as_they_are(servers: LocalServers, tmp_path: Path) -> None:
    """No query comes back empty but those of a table with many rows, and Prometheus has every number of a table by time, and of the last tick's segments."""
    tool("prometheus")
    study, data = load_study("shows"), tmp_path / "streaming_data.json"
    shows_generator.generate(data, events=20_000, users=600, lift=0.2, seed=5, study=study)
    folder = RunFolder(tmp_path / ".livelift")
    with (
        PrometheusServer(folder.prometheus, folder.metric_targets) as prometheus,
        RunOfStations(folder, DemoPlan(study, data, 2), servers.kafka.address, servers.redis.url) as stations,
    ):
        LiveRun(stations).end()
        kept = read_tables(connect(servers.redis.url), study, ["daily", "engagement", "show"], stations.run.run)
        dashboard = dashboards_of(study)["tables"]
        since, until = (from_iso(dashboard["time"][end]) / SECOND for end in ("from", "to"))
        asker = Asker(prometheus.url, since, until)
        of_run = f'{{run="{stations.run.run}", clock="event"'
        deadline = time.monotonic() + LIMIT_SECONDS
        seen = f"last_over_time(livelift_table_value{of_run}}}[1y])"
        while not asker.instant(seen) or any(
            not one.startswith("Views by show ") for one in problems(dashboard, asker)
        ):
            assert time.monotonic() < deadline, [
                one for one in problems(dashboard, asker) if not one.startswith("Views by show ")
            ]
            time.sleep(0.5)
        assert len(kept.rows["show"]) > 60  # the only panel without rows, which says so
        by_day = f'livelift_table_value{of_run}, table="daily", column="views"}}[1y]'
        while len(asker.instant(by_day)[0]["points"]) < len(kept.rows["daily"]) - 1:  # the last scrape is still to come
            assert time.monotonic() < deadline, asker.instant(by_day)
            time.sleep(0.5)
        (series,) = asker.instant(by_day)
        assert [value for _, value in series["points"]] == [row["views"] for row in kept.rows["daily"][:-1]]
        assert series["points"][0][0] == from_iso(f"{kept.rows['daily'][1]['day']}T00:00:00Z") / SECOND
        users = f'last_over_time(livelift_table_value{of_run}, table="engagement", column="users"}}[1y])'
        expected = {row["segment"]: row["users"] for row in kept.rows["engagement"]}
        while (found := {one["metric"]["row"]: one["points"][0][1] for one in asker.instant(users)}) != expected:
            assert time.monotonic() < deadline, (found, expected)  # the end is a tick after the last midnight
            time.sleep(0.5)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_query_of_a_dashboard_comes_back_empty(
    name: str, dashboards: dict[str, dict[str, Any]], watched: Watched
) -> None:
    assert problems(dashboards[name], watched.asker(dashboards[name])) == []


def test_a_query_that_asks_for_nothing_is_seen(dashboards: dict[str, dict[str, Any]], watched: Watched) -> None:
    dashboard = deepcopy(dashboards["experiment"])
    panel = next(panel for panel in dashboard["panels"] if panel["type"] == "timeseries")
    panel["targets"][0]["expr"] = panel["targets"][0]["expr"].replace("$metric", "no_such_metric")
    found = problems(dashboard, watched.asker(dashboard))
    assert any("A: nothing for" in problem for problem in found)
    assert any("no series came that is called adjusted lift" in problem for problem in found)


def test_annotations_mark_the_decisions_and_every_look(dashboards: dict[str, dict[str, Any]], watched: Watched) -> None:
    dashboard = dashboards["experiment"]
    asker = watched.asker(dashboard)
    variables = asker.variables(dashboard)
    decisions, looks = (
        asker.target({"expr": annotation["expr"], "interval": annotation["step"]}, variables)
        for annotation in dashboard["annotations"]["list"]
    )
    marked = sorted((at, series["metric"]["livelift_decision"]) for series in decisions for at, _ in series["points"])
    changes, last = [], ""
    for entry in watched.ticks:
        if entry.decision != last and (at := from_iso(entry.as_of) / SECOND) <= asker.end:
            changes.append((at, last := entry.decision))
    assert marked == changes
    taken = [entry for entry in watched.ticks[1:] if from_iso(entry.as_of) / SECOND <= asker.end]
    assert sum(len(series["points"]) for series in looks) >= len(taken) - 2


def test_lift_and_interval_are_at_their_ticks_in_event_time(watched: Watched) -> None:
    end = from_iso(watched.ticks[-1].as_of) / SECOND
    asker = Asker(watched.prometheus.url, 0, end + 1)
    for name, of in (
        ("livelift_metric_adjusted_lift_ratio", lambda reading: reading.lift),
        ("livelift_metric_interval_low_ratio", lambda reading: reading.ci and reading.ci[0]),
        ("livelift_metric_interval_high_ratio", lambda reading: reading.ci and reading.ci[1]),
    ):
        (series,) = asker.instant(f'{name}{{run="{watched.run}", metric="session_duration", clock="event"}}[1y]')
        kept = {
            from_iso(entry.as_of) / SECOND: of(entry.metrics["session_duration"].sequential) for entry in watched.ticks
        }
        assert dict(series["points"]) == {at: value for at, value in kept.items() if value is not None}
        assert len(series["points"]) > 30


def test_a_healthy_run_fires_no_alert_but_the_news(watched: Watched) -> None:
    alerts = watched.prometheus.get("alerts")["alerts"]
    firing = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
    assert firing <= {"DecisionChanged", "GuardrailBlocksShip", "GuardrailFailing"}, json.dumps(alerts, indent=1)
