"""Sends a dashboard's queries to a Prometheus as Grafana would: for the tests, and for the picture in the docs."""

import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Dashboard = dict[str, Any]
Series = list[dict[str, Any]]
"""As Prometheus gives them, and `points`: (Unix seconds, value) without those that are no number."""

DAY_SECONDS = 86_400
BUILT_IN = {"__rate_interval": "8s", "__interval": "1d", "__range": "63d"}


def substituted(expression: str, variables: Mapping[str, str]) -> str:
    """The text with `$name`, `${name}` and `${name:regex}` as Grafana fills them in; `${name:text}` where `variables` has it.

    >>> substituted('up{a="$b"}[$__range]', {"b": "c", "__range": "60s"})
    'up{a="c"}[60s]'
    """
    every = {**BUILT_IN, **variables}
    return re.sub(
        r"\$(?:\{((\w+)(?::\w+)?)\}|(\w+))",
        lambda found: every.get(found[1], every.get(found[2] or found[3], found[0])),
        expression,
    )


def legend(pattern: str, labels: Mapping[str, str]) -> str:
    """What a series is called.

    >>> legend("{{variant}}, upper", {"variant": "control"})
    'control, upper'
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), pattern)


@dataclass(frozen=True)
class Asker:
    """Asks `url` for the time range `start` to `end` (Unix seconds)."""

    url: str
    start: float
    end: float

    @property
    def whole_range(self) -> str:
        """What Grafana puts for `$__range`."""
        return f"{int(self.end - self.start)}s"

    def variables(self, dashboard: Dashboard) -> dict[str, str]:
        """Name → the value that is chosen when the dashboard opens; `name:text` → what a person reads for it.

        Raises
        ------
        LookupError
            If a variable has no values.
        """
        chosen: dict[str, str] = {}
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "constant":
                chosen[variable["name"]] = variable["query"]
                continue
            if variable["type"] == "custom":
                name, current = variable["name"], variable["current"]
                chosen |= {name: current["value"], f"{name}:text": current["text"]}
                continue
            text = substituted(variable["query"]["query"], {"__range": self.whole_range, **chosen})
            query = text.removeprefix("query_result(").removesuffix(")")
            label = variable["regex"].removeprefix("/").partition("=")[0]
            values = sorted({series["metric"][label] for series in self.instant(query)}, reverse=variable["sort"] == 2)
            if not values:
                raise LookupError(f"{variable['name']} has no values: {query}")
            first = variable.get("current", {}).get("value")
            chosen[variable["name"]] = ".*" if first == "$__all" else first if first in values else values[0]
        return chosen

    def target(self, target: Dashboard, variables: Mapping[str, str]) -> Series:
        """What a panel's query gives."""
        expression = substituted(target["expr"], {**variables, "__range": self.whole_range})
        if target.get("instant"):
            return self.instant(expression)
        return self.over_time(expression, DAY_SECONDS if target.get("interval") == "1d" else 1)

    def instant(self, expression: str) -> Series:
        return self._ask("query", expression, time=self.end)

    def over_time(self, expression: str, step: float) -> Series:
        start = self.start // step * step
        return self._ask("query_range", expression, start=start, end=self.end, step=step)

    def _ask(self, path: str, expression: str, **more: float) -> Series:
        address = f"{self.url}/api/v1/{path}?{urlencode({'query': expression, **more})}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            found: Series = json.load(answer)["data"]["result"]
        for series in found:
            points = series.get("values") or [series["value"]]
            series["points"] = [(time, float(value)) for time, value in points if value != "NaN"]
        return [series for series in found if series["points"]]
