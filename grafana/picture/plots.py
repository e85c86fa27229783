"""Draws time series and state timelines as SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

from grafana.picture.values import PALETTE, color, mapped, shown

Points = Sequence[tuple[float, float]]
FONT = 'font-family="Inter, Helvetica, Arial, sans-serif" font-size="11" fill="#9a9ba4"'
LEFT, BOTTOM, TOP = 54, 22, 6


@dataclass
class Line:
    """A series and its options, by Grafana's names for them (`custom.lineWidth` …)."""

    name: str
    points: Points
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def color(self) -> str:
        return color(self.options["color"]["fixedColor"])


def time_series(panel: dict[str, Any], lines: Sequence[Line], start: float, end: float, width: int, height: int) -> str:
    """The chart of a panel."""
    for line, paint in zip([line for line in lines if "color" not in line.options], PALETTE, strict=False):
        line.options["color"] = {"fixedColor": paint}
    custom, defaults = panel["fieldConfig"]["defaults"]["custom"], panel["fieldConfig"]["defaults"]
    logarithmic = custom.get("scaleDistribution", {}).get("type") == "log"
    values = [value for line in lines for _, value in line.points if not logarithmic or value > 0]
    if not values:
        return f'<text x="12" y="40" {FONT}>{escape(defaults["noValue"])}</text>'
    low, high = _limits(values, custom.get("axisSoftMin"), logarithmic)
    scale = math.log10 if logarithmic else float

    def x(time: float) -> float:
        return LEFT + (time - start) / (end - start) * (width - LEFT - 8)

    def y(value: float) -> float:
        share = (scale(max(value, low)) - scale(low)) / ((scale(high) - scale(low)) or 1)
        return height - BOTTOM - share * (height - BOTTOM - TOP)

    parts = [*_axes(panel, start, end, low, high, logarithmic, x, y, width)]
    by_name = {line.name: line for line in lines}
    for line in lines:
        below = by_name.get(line.options.get("custom.fillBelowTo", ""))
        if below is not None:
            around = [*line.points, *reversed(below.points)]
            path = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in around)
            parts.append(f'<polygon points="{path}" fill="{line.color}" fill-opacity="0.18"/>')
    for line in lines:
        drawn = line.options.get("custom.lineWidth", 2)
        path = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in line.points if not logarithmic or v > 0)
        dash = ' stroke-dasharray="6 6"' if "custom.lineStyle" in line.options else ""
        if drawn:
            parts.append(f'<polyline points="{path}" fill="none" stroke="{line.color}" stroke-width="{drawn}"{dash}/>')
    return "".join(parts)


def _limits(values: list[float], soft_minimum: float | None, logarithmic: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if logarithmic:
        return 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(max(high, low * 1.01)))
    if soft_minimum is not None:
        low = min(low, soft_minimum)
    room = (high - low) * 0.06 or abs(high) or 1.0
    return (low if soft_minimum == low else low - room), high + room


def _axes(
    panel: dict[str, Any], start: float, end: float, low: float, high: float, logarithmic: bool,
    x: Callable[[float], float], y: Callable[[float], float], width: int,
) -> list[str]:  # fmt: skip
    defaults = panel["fieldConfig"]["defaults"]
    parts = []
    for value in _powers(low, high) if logarithmic else _round_steps(low, high):
        text = shown(value, defaults["unit"], 0 if defaults["unit"] == "percentunit" else None)
        parts.append(f'<line x1="{LEFT}" x2="{width - 8}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#2c2d33"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end" {FONT}>{text}</text>')
    days = 7 * 86_400
    first = start // days * days + days
    for number in range(int((end - first) // days) + 1):
        time = first + number * days
        parts.append(f'<text x="{x(time):.1f}" y="{y(low) + 16:.1f}" text-anchor="middle" {FONT}>'
                     f"{datetime.fromtimestamp(time, UTC):%m/%d}</text>")  # fmt: skip
    if defaults["custom"].get("thresholdsStyle", {}).get("mode") == "dashed":
        for step in defaults["thresholds"]["steps"]:
            if step["value"] is not None and low <= step["value"] <= high:
                at = y(step["value"])
                parts.append(f'<line x1="{LEFT}" x2="{width - 8}" y1="{at:.1f}" y2="{at:.1f}" '
                             f'stroke="{color(step["color"])}" stroke-dasharray="3 4" opacity="0.7"/>')  # fmt: skip
    return parts


def _powers(low: float, high: float) -> list[float]:
    exponents = range(round(math.log10(low)), round(math.log10(high)) + 1)
    return [10.0**exponent for exponent in exponents[:: max(1, len(exponents) // 6)]]


def _round_steps(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def timeline(panel: dict[str, Any], points: Points, start: float, end: float, width: int, height: int) -> str:
    """One row of states; equal neighbours are one bar, and the last one lasts a day."""
    parts, runs = [], list[tuple[float, float, float]]()
    for time, value in points:
        if runs and runs[-1][2] == value:
            runs[-1] = (runs[-1][0], time, value)
        else:
            if runs:
                runs[-1] = (runs[-1][0], time, runs[-1][2])
            runs.append((time, time + 86_400, value))
    for begin, until, value in runs:
        text, paint = mapped(value, panel["fieldConfig"]["defaults"]["mappings"]) or (f"{value:g}", "#555555")
        left, right = ((time - start) / (end - start) * (width - 16) + 8 for time in (begin, min(until, end)))
        parts.append(f'<rect x="{left:.1f}" y="4" width="{max(right - left, 1):.1f}" height="{height - 12}" fill="{paint}" '
                     f'fill-opacity="0.8"/>')  # fmt: skip
        if right - left > 9 * len(text):
            parts.append(f'<text x="{(left + right) / 2:.1f}" y="{height / 2 + 2:.1f}" text-anchor="middle" '
                         f'font-family="Inter, Helvetica, Arial, sans-serif" font-size="13" fill="#111217">{escape(text)}</text>')  # fmt: skip
    return "".join(parts)
