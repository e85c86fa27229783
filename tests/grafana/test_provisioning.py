"""Grafana's provisioning: one data source with a fixed id, the dashboards, one alert rule, a configurable contact
point.
"""

from pathlib import Path
from typing import Any

import promql_parser
import yaml

from grafana.panels import DATA_SOURCE
from tests.grafana.conftest import ROOT

PROVISIONING = ROOT / "grafana" / "provisioning"


def read(name: str) -> Any:
    return yaml.safe_load((PROVISIONING / name).read_text())


def test_the_data_source_has_the_id_that_the_dashboards_name() -> None:
    (source,) = read("datasources/prometheus.yml")["datasources"]
    assert source["uid"] == DATA_SOURCE.uid
    assert source["type"] == "prometheus"


def test_grafanas_one_rule_hands_on_what_prometheus_alerts() -> None:
    (group,) = read("alerting/rules.yml")["groups"]
    (rule,) = group["rules"]
    ask, judge = rule["data"]
    assert rule["condition"] == judge["refId"]
    assert judge["model"]["expression"] == ask["refId"]
    assert ask["datasourceUid"] == DATA_SOURCE.uid
    assert "ALERTS{" in promql_parser.parse(ask["model"]["expr"]).prettify()
    assert rule["noDataState"] == "OK"


def test_the_contact_point_is_set_by_the_environment() -> None:
    """And the notification policy uses it."""
    (point,) = read("alerting/contact-points.yml")["contactPoints"]
    (receiver,) = point["receivers"]
    assert receiver["settings"]["url"] == "${LIVELIFT_ALERT_WEBHOOK}"
    (policy,) = read("alerting/policies.yml")["policies"]
    assert policy["receiver"] == point["name"]


def test_no_file_holds_an_expandable_dollar_or_a_password() -> None:
    for path in PROVISIONING.rglob("*.yml"):
        lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
        text = "\n".join(line.partition("  # ")[0] for line in lines).replace("${LIVELIFT_ALERT_WEBHOOK}", "")
        assert "$" not in text, path
        assert "password" not in text.lower(), path


def test_every_folder_that_grafana_looks_into_is_there() -> None:
    assert {path.name for path in PROVISIONING.iterdir()} == {"datasources", "dashboards", "alerting"}
    assert all(path.suffix == ".yml" for path in Path(PROVISIONING).rglob("*") if path.is_file())
