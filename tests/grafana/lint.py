"""The project's own lint rules for dashboards, beyond Grafana's types and a PromQL parser."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grafana.asking import BUILT_IN, substituted
from grafana.panels import DATA_SOURCE
from tests.grafana.expressions import unknown

UNITS = {
    line
    for line in (Path(__file__).parents[2] / "grafana" / "units.txt").read_text().splitlines()
    if not line.startswith("#")
}
COLUMNS = 24

Dashboard = dict[str, Any]


def lint(dashboard: Dashboard, recorded: Mapping[str, set[str]]) -> list[str]:
    """Everything that is wrong, in words."""
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    found = [*_ids(dashboard), *_layout(dashboard), *_variables(dashboard)]
    for panel in panels:
        for problem in (*_words(panel), *_units(panel), *_series(panel), *_queries(panel, recorded)):
            found.append(f"{panel.get('title')}: {problem}")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] in ("custom", "constant"):
            continue  # its values are written down
        query = variable["query"]["query"].removeprefix("query_result(").removesuffix(")")
        found += [f"variable {variable['name']}: {problem}" for problem in _expression(query, recorded)]
    for annotation in dashboard["annotations"]["list"]:
        found += [
            f"annotation {annotation['name']}: {problem}" for problem in _expression(annotation["expr"], recorded)
        ]
    return found


def _ids(dashboard: Dashboard) -> Iterator[str]:
    counted = Counter(panel.get("id") for panel in dashboard["panels"])
    for number, times in counted.items():
        if not isinstance(number, int) or number < 1:
            yield f"a panel has the id {number}"
        elif times > 1:
            yield f"{times} panels have the id {number}"


def _layout(dashboard: Dashboard) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > COLUMNS:
            yield f"{panel['title']} is wider than the page"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other != panel["title"]:
                    yield f"{panel['title']} lies over {other}"
                    return


def _variables(dashboard: Dashboard) -> Iterator[str]:
    names = [variable["name"] for variable in dashboard["templating"]["list"]]
    used: set[str] = set()
    for text in _texts({**dashboard, "templating": [v.get("query") for v in dashboard["templating"]["list"]]}):
        used |= {a or b for a, b in re.findall(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))", text)}
    yield from (f"variable {name} is not used" for name in names if name not in used)
    yield from (f"${name} is no variable" for name in sorted(used - set(names) - BUILT_IN.keys()))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _words(panel: Dashboard) -> Iterator[str]:
    for key in ("title", "description"):
        if not panel.get(key, "").strip():
            yield f"no {key}"
    if not panel["fieldConfig"]["defaults"].get("noValue"):
        yield "nothing is said while there is no data"


def _units(panel: Dashboard) -> Iterator[str]:
    overrides = panel["fieldConfig"]["overrides"]
    units = [panel["fieldConfig"]["defaults"].get("unit")]
    units += [item["value"] for override in overrides for item in override["properties"] if item["id"] == "unit"]
    for unit in units:
        if unit not in UNITS:
            yield f"Grafana knows no unit {unit!r}"


def _series(panel: Dashboard) -> Iterator[str]:
    """Overrides and fills speak of series that the panel has."""
    legends = [target.get("legendFormat", "") for target in panel["targets"]]
    columns = {
        name
        for transformation in panel.get("transformations", [])
        for name in transformation["options"].get("renameByName", {}).values()
    }

    def is_there(name: str) -> bool:
        return name in columns or any(re.fullmatch(_pattern(legend), name) for legend in legends)

    for override in panel["fieldConfig"]["overrides"]:
        name = override["matcher"]["options"]
        if not is_there(name):
            yield f"an override is for {name!r}, which is no series"
        for item in override["properties"]:
            if item["id"] == "custom.fillBelowTo" and not is_there(item["value"]):
                yield f"{name!r} is filled down to {item['value']!r}, which is no series"


def _pattern(legend: str) -> str:
    """A legend with its labels as anything."""
    return ".+".join(map(re.escape, re.split(r"\{\{.*?\}\}", legend)))


def _queries(panel: Dashboard, recorded: Mapping[str, set[str]]) -> Iterator[str]:
    if not panel["targets"]:
        yield "no query"
    for target in panel["targets"]:
        if target["datasource"]["uid"] != DATA_SOURCE.uid:
            yield f"data source {target['datasource']['uid']}"
        yield from _expression(target["expr"], recorded)


def _expression(expression: str, recorded: Mapping[str, set[str]]) -> Iterator[str]:
    filled = substituted(expression, {"study": "s", "run": "r", "metric": "m", "variant": "v"})
    try:
        yield from unknown(filled, recorded)
    except ValueError as error:
        yield f"{expression} is no PromQL: {error}"
