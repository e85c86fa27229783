"""What the stations of a real run export: everything that is declared, nothing else, and as Prometheus wants it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from livelift.metrics import ALL, declared, tables, verdict
from livelift.study import load_study
from local.demo import DemoPlan, RunOfStations
from local.metric_targets import read_targets
from local.pipeline_reading import PipelineReader, PipelineReading
from local.run_folder import RunFolder
from local.servers import LocalServers
from studies.lastfm import generator as lastfm_generator
from tests.support.live_run import LiveRun

STUDY = load_study("lastfm")
ONLY_SOMETIMES = {verdict.DECIDED_AT, verdict.DECIDED_LIFT, verdict.REJECTED_SHARE, tables.VALUE}
"""Absent while unknown: a decision that is not final has no time. The study has no tables (`tests/grafana/test_live_queries.py`)."""


@pytest.fixture(scope="module")
def scraped(
    servers: LocalServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, str], PipelineReading, dict[str, object]]]:
    """The text of each station in the middle of a paced run; what the terminal reads of them; the document."""
    root = tmp_path_factory.mktemp("metrics")
    data = root / "log.tsv"
    lastfm_generator.generate(data, events=300_000, lift=0.2, seed=3, study=STUDY)
    folder = RunFolder(root / ".livelift")
    plan = DemoPlan(STUDY, data, 2, speed="1500000x")
    with RunOfStations(folder, plan, servers.kafka.address, servers.redis.url) as run:
        live = LiveRun(run)
        document = live.wait_for(lambda document: document.planning.needed_lift is not None)
        reading = PipelineReader(folder.metric_targets, STUDY.name).read()
        targets = read_targets(folder.metric_targets, STUDY.name)
        texts = {}
        for station, (address,) in targets.items():
            with urlopen(f"http://{address}/metrics") as answer:
                texts[station] = answer.read().decode()
        yield texts, reading, document


def names(text: str) -> set[str]:
    return {
        sample.name
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("livelift_")
    }


Scraped = tuple[dict[str, str], PipelineReading, dict[str, object]]


def test_the_stations_export_exactly_what_is_declared(scraped: Scraped) -> None:
    texts, _, _ = scraped
    exported = set().union(*map(names, texts.values()))
    assert {name for name in exported if declared(name) is None} == set()
    wanted = {name for metric in ALL if metric not in ONLY_SOMETIMES for name in metric.series}
    assert wanted - exported == set()


def test_promtool_finds_nothing_wrong_with_them(scraped: Scraped, promtool: Path) -> None:
    for text in scraped[0].values():
        checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
        complaints = [line for line in checked.stderr.splitlines() if line.startswith("livelift_")]
        assert complaints == []
        assert checked.returncode in (0, 3), checked.stderr  # 3: it has advice, for Python's own metrics


def test_every_sample_says_of_which_study_it_is(scraped: Scraped) -> None:
    for text in scraped[0].values():
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                assert not sample.name.startswith("livelift_") or sample.labels["study"] == "lastfm", sample


def test_the_terminal_reads_how_the_stream_stands(scraped: Scraped) -> None:
    _, reading, document = scraped
    assert reading.workers == 1
    assert reading.phase in ("sending", "complete")
    assert reading.sent is not None
    assert reading.applied is not None
    assert reading.rows is not None
    assert 0 < reading.applied <= reading.rows
    assert reading.sent <= reading.rows
    assert reading.event_time is not None
    assert reading.event_time >= STUDY.experiment.start_ms
    assert document.preview in (True, False)
