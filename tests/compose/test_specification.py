"""docker-compose.yml follows the Compose specification, and Compose parses it as these tests do."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose.files import COMPOSE, ROOT, SECRETS, services, variables
from tests.support.tools import tool


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    """check-jsonschema carries the schema of the Compose specification: nothing is fetched."""
    command = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", file]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def compose_config(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What Debian's Compose makes of the file, with the variables of an .env file and none of this machine's."""
    env_file = folder / "variables.env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    return subprocess.run(
        [tool("docker-compose"), "--env-file", env_file, "-f", COMPOSE, "config"],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_file_keeps_to_the_specification() -> None:
    result = check_schema(COMPOSE)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("there", "instead"),
    [("healthcheck:", "healthchecks:"), ("condition: service_healthy", "condition: service_well"), ("cap_drop: [", "cap_drop: x[")],
)  # fmt: skip
def test_the_schema_finds_planted_faults(tmp_path: Path, there: str, instead: str) -> None:
    text = COMPOSE.read_text()
    assert there in text
    planted = tmp_path / "docker-compose.yml"
    planted.write_text(text.replace(there, instead, 1))
    assert check_schema(planted).returncode != 0


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"LIVELIFT_RUN": "20260101-120000", "LIVELIFT_SPEED": "600x", "KAFKA_PORT": "19999"},
        {"LIVELIFT_GENERATE": "", "LIVELIFT_RUN": ""},
    ],
    ids=["secrets only", "settings", "empty settings"],
)
def test_compose_reads_what_our_tests_read(tmp_path: Path, more: dict[str, str]) -> None:
    result = compose_config(tmp_path, SECRETS | more)
    assert result.returncode == 0, result.stderr
    theirs = yaml.safe_load(result.stdout)
    ours = services(SECRETS | more)
    assert set(theirs["services"]) == set(ours)
    for name, service in theirs["services"].items():
        assert service.get("environment", {}) == ours[name].get("environment", {}), name
        assert service.get("command") == ours[name].get("command"), name
        assert service.get("healthcheck", {}).get("test") == ours[name].get("healthcheck", {}).get("test"), name
        assert [port.removesuffix("/tcp") for port in service.get("ports", [])] == ours[name].get("ports", []), name
        assert _targets(service) == _targets(ours[name]), name
        assert service["restart"] == ours[name]["restart"], name


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_without_a_secret_nothing_starts_and_the_secret_is_named(
    tmp_path: Path, secret: str, value: str | None
) -> None:
    given = {name: text for name, text in SECRETS.items() if name != secret} | (
        {} if value is None else {secret: value}
    )
    result = compose_config(tmp_path, given)
    assert result.returncode != 0
    assert secret in result.stderr


def test_the_example_names_every_variable_and_gives_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [found.groups() for line in lines if (found := re.match(r"(?:# )?([A-Z][A-Z_]+)=(\S*)$", line))]
    assert {name for name, _ in pairs} == {name for name, _ in variables()}
    assert {name: value for name, value in pairs if name in SECRETS} == dict.fromkeys(SECRETS, "")


def _targets(service: dict[str, Any]) -> list[str]:
    return [volume.split(":")[1] for volume in service.get("volumes", [])]
