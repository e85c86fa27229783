"""Finds what is wrong with a real Prometheus' answers to a dashboard's queries."""

import re
from typing import Any

from grafana.asking import Asker, legend

Dashboard = dict[str, Any]


def problems(dashboard: Dashboard, asker: Asker) -> list[str]:
    """Queries that give nothing, legends without their label, and overrides of series that did not come."""
    variables, wrong = asker.variables(dashboard), []
    for panel in dashboard["panels"]:
        came: set[str] = set()
        for target in panel.get("targets", []):
            found = asker.target(target, variables)
            pattern = target.get("legendFormat", "")
            if not found:
                wrong.append(f"{panel['title']} {target['refId']}: nothing for {target['expr']}")
            came |= {legend(pattern, series["metric"]) for series in found}
            for label in re.findall(r"\{\{(\w+)\}\}", pattern):
                kept = re.search(rf"by \([^)]*\b{label}\b", target["expr"])  # then absent means empty
                if not kept and any(label not in series["metric"] for series in found):
                    wrong.append(f"{panel['title']} {target['refId']}: no label {label}")
        if panel["type"] == "timeseries":
            named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
            wrong += [f"{panel['title']}: no series came that is called {name}" for name in sorted(named - came)]
    return wrong
