"""Faults for the tests to plant into the committed Experiment dashboard."""

from collections.abc import Callable
from typing import Any

Dashboard = dict[str, Any]
Fault = Callable[[Dashboard], None]


def panel(dashboard: Dashboard, kind: str) -> Dashboard:
    """The first panel of a kind."""
    found: Dashboard = next(panel for panel in dashboard["panels"] if panel["type"] == kind)
    return found


def _filled(dashboard: Dashboard) -> Dashboard:
    """The property that fills a band."""
    overrides = panel(dashboard, "timeseries")["fieldConfig"]["overrides"]
    found: Dashboard = next(
        item for override in overrides for item in override["properties"] if item["id"] == "custom.fillBelowTo"
    )
    return found


def _query(dashboard: Dashboard, old: str, new: str) -> None:
    target = panel(dashboard, "timeseries")["targets"][0]
    assert old in target["expr"]
    target["expr"] = target["expr"].replace(old, new)


SEEN_BY_LINT: dict[str, tuple[Fault, str]] = {
    "a misspelt metric": (lambda d: _query(d, "adjusted_lift", "ajusted_lift"), "no metric is called"),
    "a label that the metric has not": (lambda d: _query(d, "metric=", "metrik="), "has no label metrik"),
    "an expression that does not parse": (lambda d: _query(d, ")", "))"), "is no PromQL"),
    "a unit that Grafana does not know": (
        lambda d: panel(d, "timeseries")["fieldConfig"]["defaults"].update(unit="percent_unit"),
        "knows no unit 'percent_unit'",
    ),
    "a band down to a series that is not there": (
        lambda d: _filled(d).update(value="interval, lowest"),
        "filled down to 'interval, lowest', which is no series",
    ),
    "a series that was renamed under its override": (
        lambda d: panel(d, "timeseries")["targets"][0].update(legendFormat="lift"),
        "an override is for 'adjusted lift', which is no series",
    ),
    "two panels with one id": (lambda d: d["panels"][1].update(id=d["panels"][2]["id"]), "2 panels have the id"),
    "a panel without an id": (lambda d: d["panels"][1].update(id=0), "a panel has the id 0"),
    "a variable that nothing uses": (
        lambda d: d["templating"]["list"].append(d["templating"]["list"][0] | {"name": "country"}),
        "variable country is not used",
    ),
    "a variable that is not declared": (lambda d: _query(d, "$metric", "$metrics"), "$metrics is no variable"),
    "a panel without a description": (lambda d: panel(d, "stat").update(description=" "), "no description"),
    "a panel that is silent without data": (
        lambda d: panel(d, "stat")["fieldConfig"]["defaults"].pop("noValue"),
        "nothing is said while there is no data",
    ),
    "a panel over another": (lambda d: d["panels"][2]["gridPos"].update(x=0), "lies over"),
    "another data source": (
        lambda d: panel(d, "stat")["targets"][0]["datasource"].update(uid="prometheus"),
        "data source prometheus",
    ),
    "a misspelt metric in an annotation": (
        lambda d: d["annotations"]["list"][0].update(expr="livelift_decisions == 1"),
        "no metric is called livelift_decisions",
    ),
}
"""What is done to the dashboard, and words of what our lint has to say of it."""

SEEN_BY_TYPES: dict[str, tuple[Fault, str]] = {
    "a misspelt option": (
        lambda d: panel(d, "stat")["options"].update(colorMod="value"),
        "'\"colorMod\"' does not exist",
    ),
    "a value that an option does not have": (
        lambda d: panel(d, "stat")["options"].update(graphMode="lines"),
        '"lines"',
    ),
    "a field option of another panel": (
        lambda d: panel(d, "timeseries")["fieldConfig"]["defaults"]["custom"].update(rowHeight=1),
        "'\"rowHeight\"' does not exist",
    ),
    "a field option misspelt in an override": (
        lambda d: _filled(d).update(id="custom.fillBelow"),
        "'\"fillBelow\"' does not",
    ),
    "a key that a dashboard does not have": (lambda d: d.update(titel="Experiment"), "'\"titel\"' does not exist"),
    "a width in words": (lambda d: d["panels"][1]["gridPos"].update(w="wide"), "'string' is not assignable"),
    "a panel of a kind that we do not check": (lambda d: panel(d, "stat").update(type="statt"), '"statt"'),
}
"""The same for Grafana's own types."""
