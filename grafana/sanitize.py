"""Repairs what grafana-foundation-sdk 0.0.21 leaves out or gets wrong in classic dashboard JSON."""

from typing import Any

HIDDEN = 2
"""Not among the choices of a page: as Grafana numbers it."""


def sanitize(dashboard: dict[str, Any]) -> dict[str, Any]:
    """The same dashboard with panel ids (the SDK gives none, rows 0), and without keys that Grafana 13's schema does not know."""
    for number, panel in enumerate(dashboard["panels"], 1):
        panel["id"] = number
        if panel["type"] == "table":
            panel["options"].pop("footer", None)
    for variable in dashboard.setdefault("templating", {}).setdefault("list", []):
        for stray in ("auto", "auto_count", "auto_min"):
            variable.pop(stray, None)
        if variable["type"] == "constant":
            variable["hide"] = HIDDEN
    for link in [*dashboard.get("links", []), *dashboard.setdefault("annotations", {}).setdefault("list", [])]:
        link.pop("placement", None)  # its default would hide it in a menu
    return dashboard
