"""The *Explorer* dashboard, in event time: one metric by arm and day, and how the sequential and classic readings
differ.
"""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build

from grafana import frame, panels
from grafana.dashboards.arms import COLORS, arm_names, means, metric_titles
from grafana.panels import BAD, GOOD, QUIET, WARNING, Column, Look, Query, Size
from grafana.queries import as_of, at_ticks, day_before
from livelift.metrics import Metric
from livelift.metrics import verdict as v
from livelift.study import Study

METRIC = {"metric": "$metric"}
ARMS = {"variant": "~${variant:regex}"}


def build_dashboard(study: Study, web: str) -> build.Dashboard:
    """The dashboard for `study`, linked to the web pages at `web`."""
    dashboard = frame.in_event_time(
        frame.frame("explorer", study, "Each metric and arm, day by day in event time.", web), study
    )
    for variable in (
        frame.study_variable(study), frame.run_variable(), frame.metric_variable(study), frame.variant_variable()
    ):  # fmt: skip
        dashboard = dashboard.with_variable(variable)
    for title, content in (
        ("Every metric", _every(study)),
        ("${metric:text}, day by day", _daily(study)),
        ("People and sessions", _people(study)),
    ):
        dashboard = dashboard.with_row(build.Row(title))
        for panel in content:
            dashboard = dashboard.with_panel(panel)
    return dashboard


def _every(study: Study) -> list[Any]:
    arm = {variant: {"variant": variant} for variant in COLORS}
    names = arm_names(study)
    return [
        panels.sheet(
            "What do all metrics say?",
            "As of the end of the time range. Adjusted: users' means, adjusted for what they did before; its p is always valid "
            "for the primary, of this look for a guardrail. Classic p: Welch's test, wrong when it is watched.",
            "metric",
            [
                Column(names["control"].capitalize(), as_of(v.MEAN, **arm["control"]), "short"),
                Column(names["treatment"].capitalize(), as_of(v.MEAN, **arm["treatment"]), "short"),
                Column("Plain lift", as_of(v.LIFT), "percentunit", 2),
                Column("Adjusted lift", as_of(v.ADJUSTED), "percentunit", 2),
                Column("p", as_of(v.P), "none", 4),
                Column("Classic p", as_of(v.CLASSIC_P), "none", 4),
            ],
            Size(24, 7), "Metric", metric_titles(study),
        )
    ]  # fmt: skip


def _daily(study: Study) -> list[Any]:
    names = arm_names(study)
    n, n_before = at_ticks(v.N, **METRIC, **ARMS), day_before(v.N, **METRIC, **ARMS)
    mean, mean_before = at_ticks(v.MEAN, **METRIC, **ARMS), day_before(v.MEAN, **METRIC, **ARMS)
    return [
        means(Size(12, 8), study),
        panels.chart(
            "What does ${metric:text} do to the lift?",
            "Plain lift of the means beside the adjusted one of user means, which decides.",
            [Query(at_ticks(v.LIFT, **METRIC), "plain"), Query(at_ticks(v.ADJUSTED, **METRIC), "adjusted")],
            Size(12, 8), unit="percentunit", event_time=True, decimals=1, lines_at=[(0.0, QUIET)],
            looks={"plain": Look(QUIET), "adjusted": Look(GOOD, 3)},
        ),
        panels.chart(
            "What was ${metric:text} on that day alone?",
            "Mean of the units that the day added. Exact for metrics per session; for metrics per user it "
            "says how the added people differ, since a user's own value goes on changing.",
            [Query(f"({n} * {mean} - {n_before} * {mean_before}) / ({n} - {n_before} > 0)", "{{variant}}")],
            Size(12, 8), unit="short", event_time=True, looks={name: Look(color) for name, color in COLORS.items()}, words=names,
        ),
        panels.chart(
            "How much did each day add?",
            "Units (sessions, or users) that came to the mean of ${metric:text} on that day.",
            [Query(f"{n} - {n_before}", "{{variant}}")],
            Size(12, 8), unit="short", event_time=True, lowest=0,
            looks={name: Look(color, bar=True) for name, color in COLORS.items()}, words=names,
        ),
        panels.chart(
            "Would looking every day have misled?",
            "The p that may be watched beside Welch's, which may not: by chance alone the latter dips below 0.05 far more "
            "often than 5 % of the experiments.",
            [Query(at_ticks(v.P, **METRIC), "honest p"), Query(at_ticks(v.CLASSIC_P, **METRIC), "classic p")],
            Size(24, 7), unit="none", event_time=True, log_scale=True, lines_at=[(0.05, WARNING)],
            looks={"honest p": Look(GOOD, 3), "classic p": Look(BAD, 1, dashed=True)},
        ),
    ]  # fmt: skip


def _people(study: Study) -> list[Any]:
    def added(metric: Metric, /, **labels: str) -> str:
        return f"{at_ticks(metric, **labels)} - {day_before(metric, **labels)}"

    arms = {name: Look(color, bar=True) for name, color in COLORS.items()}
    return [
        panels.chart(
            "How many saw it first on that day?", "Users whose first event in the period was on that day.",
            [Query(added(v.EXPOSED, **ARMS), "{{variant}}")],
            Size(8, 7), unit="short", event_time=True, lowest=0, looks=arms, words=arm_names(study),
        ),
        panels.chart(
            "How many sessions closed each day?",
            "Closed sessions of the period by event time, and those of them with one event only, which last 0 seconds.",
            [Query(added(v.SESSIONS, scope="in_period"), "all"), Query(added(v.SESSIONS, scope="one_event"), "one event")],
            Size(8, 7), unit="short", event_time=True, lowest=0,
            looks={"all": Look(GOOD, bar=True), "one event": Look(QUIET, bar=True)},
        ),
        panels.chart(
            "What became of each day's rows?", "Rows that the day added, by outcome.",
            [Query(f"sum by (outcome) ({added(v.INPUT_ROWS)})", "{{outcome}}")],
            Size(8, 7), unit="short", event_time=True, lowest=0,
            looks={
                "accepted": Look(GOOD), "late": Look(WARNING), "rejected": Look(BAD), "duplicate": Look(QUIET),
            },
        ),
    ]  # fmt: skip
