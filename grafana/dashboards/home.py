"""The page that Grafana opens with: the dashboards of every study, by name."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import dashboardlist

from grafana.frame import TAG


def build_dashboard() -> build.Dashboard:
    """The dashboard: it knows no study."""
    every = (
        dashboardlist.Panel().title("Dashboards of every study")
        .description("Experiment and Explorer are in event time, Pipeline is in the time of the clock.")
        .tags([TAG]).show_starred(False).show_recently_viewed(False).show_search(True).show_headings(False)
        .include_vars(False).keep_time(False).max_items(300).query("").height(20).span(24)
    )  # fmt: skip
    return build.Dashboard("livelift").uid(f"{TAG}-home").timezone("utc").readonly().with_panel(every)
