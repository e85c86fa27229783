"""Fixtures: the committed dashboards, and the metrics that recording rules add."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.generate import DASHBOARDS, folder_of
from livelift.study import load_study

ROOT = Path(__file__).parents[2]
GENERATED = folder_of(load_study("lastfm"))


@pytest.fixture(scope="session")
def dashboards() -> dict[str, dict[str, Any]]:
    """By name; tests that change one copy it first."""
    return {name: json.loads((GENERATED / f"{name}.json").read_text(encoding="utf-8")) for name in DASHBOARDS}


@pytest.fixture(scope="session")
def rule_groups() -> list[dict[str, Any]]:
    """Every group of Prometheus rules."""
    files = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    return [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]


@pytest.fixture(scope="session")
def recorded(rule_groups: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Metrics that recording rules make; all are by study."""
    return {rule["record"]: {"study"} for group in rule_groups for rule in group["rules"] if "record" in rule}
