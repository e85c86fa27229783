"""Parses the PromQL that Grafana sends: is it valid, and which metrics and labels does it use?"""

from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

from livelift.metrics import declared

FOREIGN = {
    "up": {"station"},
    "ALERTS": {"alertname", "alertstate", "severity", "study", "metric", "station"},
    "process_start_time_seconds": {"station"},
    "process_cpu_seconds_total": {"station"},
    "process_resident_memory_bytes": {"station"},
}
"""Metrics that are not ours, with the labels that may be asked of them."""

EVERYWHERE = {"study", "run", "clock", "job", "instance", "station"}


def unknown(expression: str, recorded: Mapping[str, set[str]]) -> Iterator[str]:
    """What the parsed expression asks for that nobody gives. `recorded`: metrics that rules make, with their labels.

    Raises
    ------
    ValueError
        If it is no PromQL.
    """
    for selector in selectors(promql_parser.parse(expression)):
        labels = _labels(selector.name, recorded)
        if labels is None:
            yield f"no metric is called {selector.name}"
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                yield f"{selector.name} has no label {matcher.name}"


def selectors(node: Any) -> Iterator[Any]:
    """Every vector selector of an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for part in ("vector_selector", "expr", "lhs", "rhs", "param"):
        inner = getattr(node, part, None)
        if inner is not None:
            yield from selectors(inner)
    for inner in getattr(node, "args", None) or ():
        yield from selectors(inner)


def _labels(name: str, recorded: Mapping[str, set[str]]) -> set[str] | None:
    metric = declared(name)
    if metric is not None:
        own = set(metric.labels) | ({metric.name} if metric.kind == "states" else set())
        return own | EVERYWHERE | ({"le"} if name.endswith("_bucket") else set())
    own_foreign = FOREIGN.get(name) or recorded.get(name)
    return None if own_foreign is None else own_foreign | EVERYWHERE
