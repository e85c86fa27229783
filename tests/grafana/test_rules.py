"""Prometheus' rules and alerts pass its own checker and unit tests, and each unit test can fail."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.prometheus_server import configuration
from tests.grafana.conftest import ROOT
from tests.grafana.expressions import unknown

PROMETHEUS = ROOT / "prometheus"
ALERTS = (
    "DecisionChanged", "GuardrailFailing", "GuardrailBlocksShip", "HarmAfterShip", "UsersLeftOutUnevenly", "SampleRatioMismatch",
    "LateShareHigh", "VerdictStale", "LagGrowing", "WatermarkStalled", "StationDown",
)  # fmt: skip

BROKEN = {
    "DecisionChanged": ('changes(livelift_decision_code{clock=""}[5m]) > 0', "changes(livelift_decision_code[5m]) > 0"),
    "GuardrailFailing": ('livelift_guardrail_status="fail", clock=""} == 1', 'livelift_guardrail_status="fail"} == 0'),
    "GuardrailBlocksShip": ('livelift_guardrail_status=~"gate|unreadable"', 'livelift_guardrail_status="inconclusive"'),
    "HarmAfterShip": ('after_ship{clock=""} == 1', 'after_ship{clock=""} >= 0'),
    "UsersLeftOutUnevenly": ('_p{clock=""} <= livelift_inc', '_p{clock=""} >= livelift_inc'),
    "SampleRatioMismatch": ('_p{clock=""} <= livelift_sam', '_p{clock=""} >= livelift_sam'),
    "LateShareHigh": ("> 0.5 *", "> 1 *"),
    "VerdictStale": ("and on (study) (study:livelift_processor_events:rate30s > 0)", ""),
    "LagGrowing": ("unless on (study) (max by (study) (livelift_producer_speed_ratio) == 0)", ""),
    "WatermarkStalled": ("unless on (study) (study:livelift_stream_ended:max == 1)", ""),
    "StationDown": ("(max(study:livelift_stream_ended:max) < 1)", "vector(1)"),
}
"""Alert → a change that breaks what it promises."""


def promtool_says(promtool: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60)


def unit_tests(promtool: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return promtool_says(promtool, "test", "rules", *sorted((folder / "tests").glob("*.yml")))


def test_prometheus_reads_the_configuration_and_every_rule(promtool: Path) -> None:
    checked = promtool_says(promtool, "check", "config", PROMETHEUS / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    assert "11 rules found" in checked.stdout


def test_the_local_configuration_is_the_same_with_other_targets(promtool: Path, tmp_path: Path) -> None:
    targets = tmp_path / "a folder, with ü"
    targets.mkdir()
    (targets / "stats.json").write_text('[{"targets": ["127.0.0.1:1"], "labels": {"station": "stats"}}]')
    shutil.copytree(PROMETHEUS / "rules", tmp_path / "rules")
    text = configuration(targets)
    (tmp_path / "prometheus.yml").write_text(text)
    checked = promtool_says(promtool, "check", "config", tmp_path / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    assert "11 rules found" in checked.stdout
    assert text.count("file_sd_configs") == text.count("job_name") == 2
    assert ":910" not in text


def test_every_alert_and_recording_rule_passes_its_unit_tests(promtool: Path) -> None:
    done = unit_tests(promtool, PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_the_unit_tests_of_an_alert_see_that_it_is_broken(alert: str, promtool: Path, tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    file = tmp_path / "prometheus" / "rules" / "alerts.yml"
    right, wrong = BROKEN[alert]
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, wrong))
    done = unit_tests(promtool, tmp_path / "prometheus")
    assert done.returncode != 0
    assert alert in done.stdout + done.stderr


def test_rules_ask_only_for_metrics_that_are_exported(
    rule_groups: list[dict[str, Any]], recorded: dict[str, set[str]]
) -> None:
    every = [rule for group in rule_groups for rule in group["rules"]]
    assert {rule["alert"] for rule in every if "alert" in rule} == set(ALERTS)
    found = {rule.get("alert", rule.get("record")): list(unknown(rule["expr"], recorded)) for rule in every}
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_every_alert_says_what_it_is_and_what_to_do(rule_groups: list[dict[str, Any]]) -> None:
    for group in rule_groups:
        for rule in group["rules"]:
            if "alert" in rule:
                assert rule["labels"]["severity"] in ("critical", "warning", "info")
                assert rule["annotations"]["summary"]
                assert rule["annotations"]["description"]
