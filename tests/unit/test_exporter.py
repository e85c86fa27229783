"""Serving metrics: what Prometheus gets, and what a person is told who asks for an impossible address."""

import socket
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.instruments import Instruments, families
from exporter.server import MetricsServer, serve
from livelift.errors import ResourceError, SettingsError
from livelift.metrics import ALL, declared
from livelift.metrics.declare import counter, gauge, histogram, states

JOBS = counter("livelift_test_jobs_total", "Jobs.", "kind")
DEPTH = gauge("livelift_test_depth", "Depth.")
WAIT = histogram("livelift_test_wait_seconds", "Wait.", (0.1, 1.0))
MOOD = states("livelift_test_mood", "Mood.", ("good", "bad"))


@pytest.fixture
def served() -> Iterator[tuple[Instruments, MetricsServer]]:
    instruments = Instruments("s", [DEPTH])
    server = serve(instruments, "127.0.0.1:0", 0)
    assert server is not None
    yield instruments, server
    server.close()


def scrape(server: MetricsServer) -> dict[tuple[str, ...], float]:
    with urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        text = answer.read().decode()
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_gauges_and_histograms_carry_the_study(served: tuple[Instruments, MetricsServer]) -> None:
    instruments, server = served
    instruments.counter(JOBS, "a").inc(3)
    instruments.histogram(WAIT).observe(0.5)
    found = scrape(server)
    assert found["livelift_test_jobs_total", "kind=a", "study=s"] == 3
    assert found["livelift_test_depth", "study=s"] == 0
    assert found["livelift_test_wait_seconds_bucket", "le=0.1", "study=s"] == 0
    assert found["livelift_test_wait_seconds_bucket", "le=1.0", "study=s"] == 1
    assert not any(name[0].endswith("_created") for name in found)
    assert ("process_start_time_seconds",) in found  # its changes are the restarts


def test_a_state_set_has_one_sample_a_state() -> None:
    (family,) = families([(MOOD, {}, "bad")])
    assert {sample.labels["livelift_test_mood"]: sample.value for sample in family.samples} == {"good": 0.0, "bad": 1.0}


def test_a_port_in_use_is_named_and_the_default_gives_way(
    served: tuple[Instruments, MetricsServer],
) -> None:
    """The message names the setting."""
    _, taken = served
    with pytest.raises(ResourceError, match="LIVELIFT_METRICS"):
        serve(Instruments("s"), f"127.0.0.1:{taken.port}", 0)
    second = serve(Instruments("s"), None, taken.port)
    assert second is not None
    assert second.port != taken.port
    second.close()


def test_off_serves_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert serve(Instruments("s"), "off", port) is None
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)


@pytest.mark.parametrize("address", ["9101", ":9101", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_impossible_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="HOST:PORT"):
        serve(Instruments("s"), address, 0)


def test_every_metric_is_declared_once_with_help_and_kind() -> None:
    """The form of its name, its buckets and its states are those of its kind."""
    names = [metric.name for metric in ALL]
    assert len(names) == len(set(names))
    for metric in ALL:
        assert metric.name.startswith("livelift_")
        assert metric.help.endswith(".")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert bool(metric.states) == (metric.kind == "states")
    assert declared("livelift_nothing") is None
