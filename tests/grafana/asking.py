"""A dashboard's queries, asked of a real Prometheus as Grafana asks them."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from local.prometheus_server import PrometheusServer
from tests.grafana.expressions import substituted

Dashboard = dict[str, Any]
Series = list[dict[str, Any]]

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Asker:
    """Asks for the time range `start` to `end` (Unix seconds), with the variables as a person finds them at first."""

    prometheus: PrometheusServer
    start: float
    end: float

    def variables(self, dashboard: Dashboard) -> dict[str, str]:
        """Name → the value that is chosen when the dashboard opens."""
        chosen: dict[str, str] = {}
        for variable in dashboard["templating"]["list"]:
            text = {"__range": f"{int(self.end - self.start)}s", **chosen}
            query = re.fullmatch(r"query_result\((.*)\)", substituted(variable["query"]["query"], text))
            label = re.fullmatch(r'/(\w+)="\(\[\^"\]\+\)"/', variable["regex"])
            assert query, variable
            assert label, variable
            found = {series["metric"][label[1]] for series in self.instant(query[1])}
            values = sorted(found, reverse=variable["sort"] == 2)
            assert values, f"{variable['name']} has no values"
            first = variable.get("current", {}).get("value")
            chosen[variable["name"]] = ".*" if first == "$__all" else first if first in values else values[0]
        return chosen

    def instant(self, expression: str) -> Series:
        return self._ask("query", expression, time=self.end)

    def over_time(self, expression: str, step: float) -> Series:
        start = self.start // step * step
        return self._ask("query_range", expression, start=start, end=self.end, step=step)

    def _ask(self, path: str, expression: str, **more: float) -> Series:
        found = self.prometheus.get(f"{path}?{urlencode({'query': expression, **more})}")["result"]
        for series in found:
            points = series.get("values") or [series["value"]]
            series["points"] = [(time, float(value)) for time, value in points if value != "NaN"]
        return [series for series in found if series["points"]]

    def target(self, target: Dashboard, variables: dict[str, str]) -> Series:
        """What a panel's query gives; its range as `$__range`."""
        expression = substituted(target["expr"], {**variables, "__range": f"{int(self.end - self.start)}s"})
        if target.get("instant"):
            return self.instant(expression)
        return self.over_time(expression, DAY_SECONDS if target.get("interval") == "1d" else 1)


def legends(target: Dashboard, found: Series) -> set[str]:
    """What the series are called."""
    pattern = target.get("legendFormat", "")
    return {re.sub(r"\{\{(\w+)\}\}", lambda m: series["metric"].get(m[1], ""), pattern) for series in found}  # noqa: B023


def problems(dashboard: Dashboard, asker: Asker) -> list[str]:
    """Queries that give nothing, legends without their label, and overrides of series that did not come."""
    variables, wrong = asker.variables(dashboard), []
    for panel in dashboard["panels"]:
        came: set[str] = set()
        for target in panel.get("targets", []):
            found = asker.target(target, variables)
            if not found:
                wrong.append(f"{panel['title']} {target['refId']}: nothing for {target['expr']}")
            came |= legends(target, found)
            for label in re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")):
                kept = re.search(rf"by \([^)]*\b{label}\b", target["expr"])  # then absent means empty
                if not kept and any(label not in series["metric"] for series in found):
                    wrong.append(f"{panel['title']} {target['refId']}: no label {label}")
        if panel["type"] == "timeseries":
            named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
            wrong += [f"{panel['title']}: no series came that is called {name}" for name in sorted(named - came)]
    return wrong
