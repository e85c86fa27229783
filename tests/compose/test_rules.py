"""Rules for every service: pinned image, published on this machine only, no default secret, health check, not root."""

import re
import subprocess

import pytest
import yaml

from livelift.names import RunNames
from livelift.settings import METRICS_PORTS
from local.kafka_jars import KAFKA
from local.run_folder import Run
from producer.settings import from_environment
from tests.compose.files import COMPOSE, ROOT, SECRETS, STATIONS, services, stages, variables

SERVICES = services()
each_service = pytest.mark.parametrize("name", SERVICES)

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|AUTH$")


def test_the_services() -> None:
    assert set(SERVICES) == {"kafka", "redis", *STATIONS, "prometheus", "grafana"}


@each_service
def test_images_are_pinned_to_a_full_version(name: str) -> None:
    service = SERVICES[name]
    assert ("image" in service) != ("build" in service)
    image = service.get("image") or stages()[name].image
    assert re.fullmatch(r"[a-z][\w./-]*:v?\d+\.\d+\.\d+(-[\w.-]+)?", image), image


def test_kafka_is_the_version_of_the_local_stack() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA.rpartition(':')[2]}"


@each_service
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    ports = SERVICES[name].get("ports", [])
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports), ports
    assert "network_mode" not in SERVICES[name]


def test_secrets_have_no_default() -> None:
    assert {name for name, sign in variables() if sign == ":?"} == set(SECRETS)
    assert {name for name, sign in variables() if SECRET.search(name)} == set(SECRETS)


def test_no_secret_stands_in_the_file() -> None:
    for service in yaml.safe_load(COMPOSE.read_text())["services"].values():
        for key, value in service.get("environment", {}).items():
            assert not SECRET.search(key) or value.startswith("${"), key
    for text in SECRETS.values():
        assert text not in COMPOSE.read_text()


@each_service
def test_every_service_is_health_checked(name: str) -> None:
    in_compose = SERVICES[name].get("healthcheck", {}).get("test")
    assert in_compose or stages()[name].healthcheck


@each_service
def test_no_service_runs_as_root_or_can_become_it(name: str) -> None:
    user = SERVICES[name].get("user") or stages()[name].user
    assert user not in ("", "root", "0")
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in SERVICES[name]


@each_service
def test_a_service_starts_again_and_waits_for_what_it_needs(name: str) -> None:
    assert SERVICES[name]["restart"] == ("on-failure:5" if name == "producer" else "unless-stopped")
    needed = SERVICES[name].get("depends_on", {})
    assert all(condition == {"condition": "service_healthy"} for condition in needed.values())
    if name in STATIONS:
        assert set(needed) == ({"kafka", "redis"} if name == "stats" else {"kafka"})


def test_every_mounted_file_exists() -> None:
    mounts = [volume.split(":") for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [mount for mount in mounts if mount[0].startswith("./")]
    assert all(mode == ["ro"] for _, _, *mode in files)
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    there = {source for source, *_ in files if any(f"./{path}/".startswith(f"{source}/") for path in kept)}
    assert {source for source, *_ in files} - there == set()


def test_every_named_volume_is_declared_and_used() -> None:
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    named = [source for source in mounted if not source.startswith("./")]
    assert sorted(named) == sorted(yaml.safe_load(COMPOSE.read_text())["volumes"])


@pytest.mark.parametrize("name", STATIONS)
def test_a_station_writes_to_its_volume_and_nowhere_else(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    folder = service["environment"].get("LIVELIFT_FOLDER") or stages()[name].environment["LIVELIFT_FOLDER"]
    writable = [*service["tmpfs"], *(v.split(":")[1] for v in service.get("volumes", []) if not v.endswith(":ro"))]
    assert name == "stats" or any(folder.startswith(path) for path in writable)


@pytest.mark.parametrize("name", STATIONS)
def test_a_station_serves_its_metrics_where_the_others_look(name: str) -> None:
    assert SERVICES[name]["environment"]["LIVELIFT_METRICS"] == f"0.0.0.0:{METRICS_PORTS[name]}"
    assert f"http://127.0.0.1:{METRICS_PORTS[name]}/metrics" in stages()[name].healthcheck[-1]


def test_the_first_run_sorts_before_every_dated_one() -> None:
    first = from_environment(SERVICES["producer"]["environment"]).run
    assert first < Run.new(study="lastfm", fingerprint="", data="", partitions=4).run
    assert first < "20260101-120000" == from_environment({"LIVELIFT_RUN": "20260101-120000"}).run
    assert RunNames("lastfm", first).events == f"livelift.lastfm.{first}.events"
