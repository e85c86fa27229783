"""Architecture rules: which package may import which, and which modules may import a Kafka, Faust, Redis or Prometheus
client.
"""

import re
from pathlib import Path

import pytest

from tests.support.imports import imports

ROOT = Path(__file__).parents[2]
STATIONS = ("producer", "processor", "stats")
CLIENTS = {"kafka", "aiokafka", "faust", "mode", "redis", "prometheus_client"}
EDGES = {
    "producer/kafka_edge.py",
    "producer/resume.py",
    "producer/topics.py",
    "processor/app.py",
    "processor/run.py",
    "processor/consumer.py",
    "processor/patient_recovery.py",
    "processor/scheduler.py",
    "processor/store.py",
    "processor/topics.py",
    "producer/prometheus_edge.py",
    "processor/prometheus_edge.py",
    "stats/app.py",
    "stats/edges/prometheus_edge.py",
    "stats/edges/kafka_edge.py",
    "stats/edges/redis_client.py",
    "stats/edges/redis_commit.py",
    "stats/edges/redis_connection.py",
    "stats/edges/redis_store.py",
}
LONGEST = 400


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("station", STATIONS)
def test_a_station_knows_no_other_station(station: str) -> None:
    others = {*STATIONS, "local", "cli", "batch", "bench"} - {station}
    assert {str(path): imports(path) & others for path in modules(station) if imports(path) & others} == {}


def test_exporter_and_broker_know_no_station() -> None:
    assert {
        str(path): imports(path) & {*STATIONS, "local", "cli"}
        for path in modules("exporter", "broker")
        if imports(path) & {*STATIONS, "local", "cli"}
    } == {}


def test_the_shared_words_know_no_station_and_no_client() -> None:
    forbidden = {*STATIONS, "local", "cli", "batch", "bench", *CLIENTS}
    found = {
        str(path): imports(path) & forbidden for path in modules("livelift", "studies") if imports(path) & forbidden
    }
    assert found == {}


def test_only_adapters_import_a_client_library() -> None:
    speakers = {str(path.relative_to(ROOT)) for path in modules(*STATIONS) if imports(path) & CLIENTS}
    assert speakers == EDGES


def test_the_batch_oracle_shares_no_logic_with_the_pipeline() -> None:
    made_of_it = {"document.py", "observed.py"}  # what is done with the oracle's answers
    witness = [path for path in modules("batch") if path.name not in made_of_it]
    assert {str(path): imports(path) & {*STATIONS} for path in witness if imports(path) & {*STATIONS}} == {}
    assert all("livelift.plan" not in path.read_text() for path in witness)


def test_what_a_metric_means_is_said_in_one_place() -> None:
    """Two, as the oracle says it again by itself: elsewhere a metric is known by its plan."""
    packages = ("livelift", "studies", *STATIONS, "local", "batch", "cli", "exporter", "broker", "grafana")
    files = [*modules(*packages), *(ROOT / "batch").rglob("*.sql")]
    asks = re.compile(r"metric\.(numerator|denominator|retention)\b|\bdenominator (=|<>) '")
    speakers = {str(path.relative_to(ROOT)) for path in files if asks.search(path.read_text())}
    declared = {"livelift/study.py", "livelift/study_checks.py", "livelift/plan.py"}
    assert speakers == declared | {"batch/database.py", "batch/sql/metric.sql"}


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in modules("livelift", "studies", *STATIONS, "local", "batch", "cli", "exporter", "broker", "grafana")
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 150
