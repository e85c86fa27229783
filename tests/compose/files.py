"""Parses docker-compose.yml and the Dockerfile's targets for the tests."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"

SECRETS = {"REDIS_PASSWORD": "redis-secret_1", "GRAFANA_PASSWORD": "grafana-secret_2"}
"""What a person has to set: no more than this."""

STATIONS = ("producer", "processor", "stats")
"""Our own services; the others are official images."""

_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<sign>:?[-?])(?P<text>[^}]*))?\})")


def services(environment: Mapping[str, str] = SECRETS) -> dict[str, Any]:
    """The services, with anchors merged and variables put in; a variable that has to be set and is not is a KeyError."""
    found: dict[str, Any] = _put_in(yaml.safe_load(COMPOSE.read_text()), environment)["services"]
    return found


def _put_in(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _put_in(inner, environment) for key, inner in value.items()}
    if isinstance(value, list):
        return [_put_in(inner, environment) for inner in value]
    return _VARIABLE.sub(lambda found: _value(found, environment), value) if isinstance(value, str) else value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    name, sign = found["name"], found["sign"] or ""
    value = environment.get(name)
    if value is not None and (value or not sign.startswith(":")):
        return value
    if sign.endswith("?"):
        raise KeyError(name)
    return str(found["text"] or "")


def variables() -> list[tuple[str, str]]:
    """(name, sign) of every `${NAME…}` in the file: sign is ":?" where it must be set, ":-" or "-" where it has a default."""
    return [(found["name"], found["sign"] or "") for found in _VARIABLE.finditer(COMPOSE.read_text()) if found["name"]]


@dataclass
class Stage:
    """One `FROM … AS name` of the Dockerfile, with what it inherits from an earlier one."""

    name: str
    image: str
    copies: list[tuple[str, str]] = field(default_factory=list)  # source in the context, target
    copies_from: list[tuple[str, str]] = field(default_factory=list)  # stage, path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    healthcheck: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)


@cache
def stages() -> dict[str, Stage]:
    """The Dockerfile's stages by name. An instruction that is not known here is an AssertionError."""
    found: dict[str, Stage] = {}
    for line in _instructions((ROOT / "Dockerfile").read_text()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            assert re.fullmatch(r"[a-z-]+", name), line
            stage = found[name] = _inheriting(name, image, found.get(image))
        elif word == "COPY":
            *source, target = rest.split()
            if source[0].startswith("--from="):
                stage.copies_from.append((source[0].removeprefix("--from="), source[1]))
            else:
                stage.copies += [(path, target) for path in source]
        elif word == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in rest.split())
        elif word == "USER":
            stage.user = rest
        elif word == "HEALTHCHECK":
            stage.healthcheck = json.loads(rest.partition(" CMD ")[2])
        elif word == "CMD":
            stage.command = json.loads(rest)
        elif word == "RUN":
            stage.runs.append(rest)
        else:
            assert word == "WORKDIR", line
    return found


def _instructions(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [re.sub(r"\s+", " ", line) for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def _inheriting(name: str, image: str, parent: Stage | None) -> Stage:
    if parent is None:
        return Stage(name, image)
    return Stage(name, parent.image, list(parent.copies), [], dict(parent.environment), parent.user)
