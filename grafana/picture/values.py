"""Formats numbers with a panel's unit and decimals, and maps Grafana's colour names."""

from datetime import UTC, datetime
from typing import Any

COLORS = {
    "green": "#73BF69", "red": "#F2495C", "orange": "#FF9830", "blue": "#5794F2", "text": "#CCCCDC",
    "transparent": "#00000000", "purple": "#B877D9",
}  # fmt: skip
PALETTE = ("#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9")


def color(name: str) -> str:
    """Grafana's colour names in its dark theme."""
    return COLORS.get(name, name)


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """A value with its unit.

    >>> shown(0.1234, "percentunit", 1), shown(1241136000000, "dateTimeAsIso"), shown(61.0, "none")
    ('12.3%', '2009-05-01 00:00', '61')
    """
    if unit == "percentunit":
        return f"{value * 100:.{1 if decimals is None else decimals}f}%"
    if unit == "dateTimeAsIso":
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M}"
    if unit == "dateTimeFromNow":
        return _ago(datetime.now(UTC).timestamp() - value / 1000)
    if unit in ("s", "dtdurations"):
        return f"{value / 86_400:.3g} days" if value else "0 s"
    if decimals is not None:
        return f"{value:.{decimals}f}"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"


def _ago(seconds: float) -> str:
    for limit, size, name in ((60, 1, "seconds"), (3_600, 60, "minutes"), (86_400, 3_600, "hours")):
        if seconds < limit:
            return f"{seconds / size:.0f} {name} ago"
    return f"{seconds / 86_400:.0f} days ago"


def mapped(value: float, panel_or_column: Any) -> tuple[str, str] | None:
    """(text, colour) that the mappings give a value."""
    for mapping in panel_or_column or ():
        found = mapping["options"].get(f"{value:g}")
        if found:
            return found["text"], color(found["color"])
    return None
