"""Commands of docs/05-docker.md: shell commands are run, Compose commands exist with their options and services."""

import os
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from livelift.settings import METRICS_PORTS
from producer.settings import from_environment
from tests.compose.files import ROOT, SECRETS, services, variables
from tests.support.tools import tool

PAGE = (ROOT / "docs" / "05-docker.md").read_text()
LINES = [
    line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
COMPOSE_LINES = [line for line in LINES if line.startswith("docker compose ")]


@cache
def compose_help(*command: str) -> str:
    return subprocess.run(
        [tool("docker-compose"), *command, "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout


@pytest.mark.parametrize("line", COMPOSE_LINES)
def test_compose_knows_the_command(line: str) -> None:
    _, _, command, *words = shlex.split(line)
    assert re.search(rf"^  {command} ", compose_help(), re.MULTILINE)
    options = [word for word in words if word.startswith("-")]
    assert {option for option in options if not re.search(rf"(?<![\w-]){option}\b", compose_help(command))} == set()
    named = {word for word in words[:1] + words[-1:] if re.fullmatch(r"[a-z]+", word)} | {
        word.partition("=")[0] for word in words if "=" in word
    }
    assert {name for name in named if name not in services()} == set()


def test_the_shell_lines_make_a_valid_env_file(tmp_path: Path) -> None:
    """From nothing to secrets, then twice a new run: one line for it, and the id is one that a station takes."""
    tool("openssl")
    (tmp_path / ".env.example").write_bytes((ROOT / ".env.example").read_bytes())
    shell = [line for line in LINES if line not in COMPOSE_LINES]
    assert len(shell) == 4
    for lines in (shell[:2], shell[2:], shell[2:]):
        script = "\n".join(["set -eu", *lines])
        subprocess.run(["sh", "-c", script], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, check=True, timeout=60)
    pairs = [line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines() if re.match("[A-Z]", line)]
    assert sorted(name for name, _ in pairs) == sorted([*SECRETS, "LIVELIFT_RUN"])
    given = dict(pairs)
    assert all(re.fullmatch(r"[0-9a-f]{48}", given[name]) for name in SECRETS)
    run = from_environment(services(given)["producer"]["environment"]).run
    assert re.fullmatch(r"\d{8}-\d{6}", run)


def test_the_page_names_the_published_ports_and_real_settings() -> None:
    published = {port.split(":")[1] for service in services().values() for port in service.get("ports", [])}
    assert {port for port in published if f"127.0.0.1:{port}" not in PAGE} == set()
    known = {name for name, _ in variables()} | {name for s in services().values() for name in s.get("environment", {})}
    assert set(re.findall(r"LIVELIFT_[A-Z_]+", PAGE)) - known == set()
    assert published & {str(port) for port in METRICS_PORTS.values()} == set()
