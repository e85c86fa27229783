"""The whole dashboard as one HTML page, on Grafana's grid of 24 columns and rows of 38 pixels."""

from html import escape
from typing import Any

from grafana.asking import Asker, legend, substituted
from grafana.picture.plots import Line, time_series, timeline
from grafana.picture.values import color, mapped, shown

WIDTH, ROW, GAP = 1560, 36, 8
STYLE = """
body { margin: 0; background: #111217; color: #ccccdc; font: 13px Inter, Helvetica, Arial, sans-serif; }
.panel { position: absolute; background: #181b1f; border: 1px solid #25272e; border-radius: 2px; overflow: hidden; }
.title { font-size: 14px; font-weight: 500; padding: 7px 10px 3px; white-space: nowrap; }
.row { position: absolute; font-size: 16px; padding-top: 8px; }
.value { display: flex; align-items: center; justify-content: center; font-weight: 500; text-align: center; }
.legend { padding: 0 10px; color: #9a9ba4; font-size: 12px; white-space: nowrap; }
.legend i { display: inline-block; width: 14px; height: 4px; margin: 0 5px 3px 10px; border-radius: 2px; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 6px 12px; border-bottom: 1px solid #25272e; }
th { color: #6e9fff; font-weight: 500; }
"""


def page(dashboard: dict[str, Any], asker: Asker, note: str) -> tuple[str, int]:
    """(HTML, its height in pixels)."""
    variables = asker.variables(dashboard)
    parts = [
        f'<div style="position:absolute;left:{GAP}px;top:8px;font-size:19px">{escape(dashboard["title"])}'
        f'<span style="color:#9a9ba4;font-size:13px">&nbsp;&nbsp;{escape(" · ".join(variables.values()))}'
        f"&nbsp;&nbsp;{escape(note)}</span></div>"
    ]
    bottom = 0
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        left, top = place["x"] * WIDTH // 24 + GAP, place["y"] * ROW + 40
        width, height = place["w"] * WIDTH // 24 - GAP, place["h"] * ROW - GAP
        bottom = max(bottom, top + height)
        title = escape(substituted(panel["title"], variables))
        box = f"left:{left}px;top:{top}px;width:{width}px;height:{height}px"
        if panel["type"] == "row":
            parts.append(f'<div class="row" style="{box}">▾ {title}</div>')
        else:
            inside = DRAWN[panel["type"]](panel, asker, variables, width, height - 30)
            parts.append(f'<div class="panel" style="{box}"><div class="title">{title}</div>{inside}</div>')
    return f"<meta charset=utf-8><style>{STYLE}</style>{''.join(parts)}", bottom + GAP


def _overrides(panel: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        item["id"]: item["value"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == name
        for item in override["properties"]
    }


def _stat(panel: dict[str, Any], asker: Asker, variables: dict[str, str], width: int, height: int) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    found = asker.target(panel["targets"][0], variables)
    text, paint = defaults["noValue"], color("text")
    if found:
        value = found[0]["points"][-1][1]
        for step in defaults["thresholds"]["steps"]:
            if step["value"] is None or value >= step["value"]:
                paint = color(step["color"])
        text, paint = mapped(value, defaults.get("mappings")) or (
            shown(value, defaults["unit"], defaults.get("decimals")),
            paint,
        )
        if panel["options"]["textMode"] == "name":
            name = legend(panel["targets"][0]["legendFormat"], found[0]["metric"])
            text = _overrides(panel, name).get("displayName", name)
    filled = panel["options"]["colorMode"] == "background"
    size = min(34, int(1.55 * width / max(len(text), 1)))
    style = f"height:{height - 4}px;font-size:{size}px;" + (
        f"background:{paint};color:#111217;margin:0 6px 6px;height:{height - 12}px" if filled else f"color:{paint}"
    )
    return f'<div class="value" style="{style}">{escape(text)}</div>'


def _chart(panel: dict[str, Any], asker: Asker, variables: dict[str, str], width: int, height: int) -> str:
    lines = [
        Line(name, series["points"], _overrides(panel, name))
        for target in panel["targets"]
        for series in asker.target(target, variables)
        if (name := legend(target["legendFormat"], series["metric"]))
    ]
    body = time_series(panel, lines, asker.start, asker.end, width, height - 24)
    keys = "".join(
        f'<i style="background:{line.color}"></i>{escape(line.name)}'
        for line in lines
        if line.options.get("custom.lineWidth", 2)
    )
    return f'<svg width="{width}" height="{height - 24}">{body}</svg><div class="legend">{keys}</div>'


def _timeline(panel: dict[str, Any], asker: Asker, variables: dict[str, str], width: int, height: int) -> str:
    found = asker.target(panel["targets"][0], variables)
    points = found[0]["points"] if found else []
    return (
        f'<svg width="{width}" height="{height}">{timeline(panel, points, asker.start, asker.end, width, height)}</svg>'
    )


def _table(panel: dict[str, Any], asker: Asker, variables: dict[str, str], width: int, height: int) -> str:
    organised = panel["transformations"][-1]["options"]["renameByName"]
    key = next(name for name in organised if not name.startswith("Value #"))
    rows: dict[str, dict[str, float]] = {}
    for target in panel["targets"]:
        for series in asker.target(target, variables):
            rows.setdefault(series["metric"][key], {})[f"Value #{target['refId']}"] = series["points"][-1][1]
    columns = [name for name in organised if name != key]
    head = "".join(f"<th>{escape(organised[name])}</th>" for name in (key, *columns))
    body = ""
    for row, values in sorted(rows.items()):
        cells = "".join(_cell(_overrides(panel, organised[name]), values.get(name)) for name in columns)
        body += f"<tr><td>{escape(row)}</td>{cells}</tr>"
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(options: dict[str, Any], value: float | None) -> str:
    if value is None:
        return "<td></td>"
    word = mapped(value, options.get("mappings"))
    if word:
        return f'<td style="color:{word[1]}">{escape(word[0])}</td>'
    return f"<td>{shown(value, options['unit'], options.get('decimals'))}</td>"


DRAWN = {"stat": _stat, "timeseries": _chart, "state-timeline": _timeline, "table": _table}
