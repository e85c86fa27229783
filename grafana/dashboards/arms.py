"""Panel that compares the arms' means of a metric, used by two dashboards."""

from grafana_foundation_sdk.builders import timeseries

from grafana import panels
from grafana.panels import CONTROL, TREATMENT, Look, Query, Size, band
from grafana.queries import at_ticks
from livelift.assignment import VARIANTS
from livelift.metrics import verdict as v
from livelift.study import Study

COLORS = dict(zip(VARIANTS, (CONTROL, TREATMENT), strict=True))


def arm_names(study: Study) -> dict[str, str]:
    """What a person reads for each variant."""
    return dict(zip(VARIANTS, (study.names.control, study.names.treatment), strict=True))


def metric_titles(study: Study) -> dict[str, str]:
    """What a person reads for each metric."""
    return {name: metric.title for name, metric in study.metrics.items()}


def means(size: Size, study: Study) -> timeseries.Panel:
    """Mean of the chosen metric per arm, with the classic 95 % band."""
    queries: list[Query] = []
    looks: dict[str, Look] = {}
    for variant, name in arm_names(study).items():
        color = COLORS[variant]
        chosen = {"metric": "$metric", "variant": variant}
        queries += [
            Query(at_ticks(v.MEAN, **chosen), name),
            Query(at_ticks(v.MEAN_HIGH, **chosen), f"{name}, upper"),
            Query(at_ticks(v.MEAN_LOW, **chosen), f"{name}, lower"),
        ]
        looks |= {
            name: Look(color),
            f"{name}, upper": band(color, f"{name}, lower"),
            f"{name}, lower": band(color),
        }
    return panels.chart(
        "How do the arms compare in ${metric:text}?",
        "Mean of all that is known at each tick, in the metric's own unit (minutes, share, number), with the classic 95 % "
        "band. The bands say nothing about the difference: that is the lift's interval.",
        queries, size, unit="short", looks=looks, event_time=True,
    )  # fmt: skip
