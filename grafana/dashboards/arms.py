"""Panel that compares the arms' means of a metric, used by two dashboards."""

from grafana_foundation_sdk.builders import timeseries

from grafana import panels
from grafana.panels import CONTROL, TREATMENT, Look, Query, Size, band
from grafana.queries import at_ticks
from livelift.assignment import VARIANTS
from livelift.metrics import verdict as v

COLORS = dict(zip(VARIANTS, (CONTROL, TREATMENT), strict=True))


def means(size: Size) -> timeseries.Panel:
    """Mean of the chosen metric per arm, with the classic 95 % band."""
    queries: list[Query] = []
    looks: dict[str, Look] = {}
    for variant, color in COLORS.items():
        chosen = {"metric": "$metric", "variant": variant}
        queries += [
            Query(at_ticks(v.MEAN, **chosen), variant),
            Query(at_ticks(v.MEAN_HIGH, **chosen), f"{variant}, upper"),
            Query(at_ticks(v.MEAN_LOW, **chosen), f"{variant}, lower"),
        ]
        looks |= {
            variant: Look(color),
            f"{variant}, upper": band(color, f"{variant}, lower"),
            f"{variant}, lower": band(color),
        }
    return panels.chart(
        "How do the arms compare in $metric?",
        "Mean of all that is known at each tick, in the metric's own unit (minutes, share, number), with the classic 95 % "
        "band. The bands say nothing about the difference: that is the lift's interval.",
        queries, size, unit="short", looks=looks, event_time=True,
    )  # fmt: skip
