"""Promise P1 on real Kafka, Faust and Redis: the document equals the DuckDB oracle's, whatever the run looked like."""

from pathlib import Path

import pytest

from livelift.study import load_study
from local.demo import DemoPlan
from local.servers import LocalServers
from studies.lastfm import generator as lastfm_generator
from tests.support.live_run import LiveRun, assert_equals_batch, live_run

STUDY = load_study("lastfm")
EVENTS = 200_000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generated") / "log.tsv"
    lastfm_generator.generate(path, events=EVENTS, users=600, lift=0.15, seed=5, study=STUDY)
    assert path.read_bytes().count(b"\n") >= EVENTS
    return path


@pytest.mark.parametrize("partitions", [4, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 7))])
def test_the_document_equals_the_batch_at_full_speed(
    partitions: int, data: Path, servers: LocalServers, folder: Path
) -> None:
    document = live_run(servers, folder, DemoPlan(STUDY, data, partitions))
    assert_equals_batch(document, data, STUDY, servers)


@pytest.mark.slow
def test_the_document_equals_the_batch_at_thirty_seconds_speed(data: Path, servers: LocalServers, folder: Path) -> None:
    """The replay is paced to take about thirty seconds."""
    days = 160  # about what the generated log spans; 160 days in 30 s
    plan = DemoPlan(STUDY, data, 4, speed=f"{days * 86_400 // 30}x")
    seen = set()

    def look(run: LiveRun) -> None:
        run.wait_for(lambda document: seen.add(document.as_of) or len(seen) > 20)

    document = live_run(servers, folder, plan, look)
    assert_equals_batch(document, data, STUDY, servers)


@pytest.mark.slow
def test_kill_9_of_processor_and_stats_changes_nothing(data: Path, servers: LocalServers, folder: Path) -> None:
    settings = {"LIVELIFT_FETCH_RECORDS": "2000", "LIVELIFT_SESSION_TIMEOUT": "6"}

    def kill(run: LiveRun) -> None:
        run.accepted(20_000)
        run.kill("processor")
        run.accepted(60_000)
        run.kill("stats")

    document = live_run(servers, folder, DemoPlan(STUDY, data, 4, settings=settings), kill)
    assert_equals_batch(document, data, STUDY, servers)
