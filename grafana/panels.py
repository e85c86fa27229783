"""Helpers that build panels with the project's default options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as prometheus_model

from grafana.queries import DAY

DATA_SOURCE = common.DataSourceRef(type_val="prometheus", uid="livelift-prometheus")

CONTROL, TREATMENT, ACCENT, QUIET = "#8AB8FF", "#FF9830", "#5794F2", "text"
GOOD, BAD, WARNING, NEUTRAL = "green", "red", "orange", "blue"

DECISIONS = {
    "0": ("no data yet", QUIET), "1": ("UNHEALTHY", WARNING), "2": ("KEEP RUNNING", NEUTRAL),
    "3": ("SHIP", GOOD), "4": ("DON'T SHIP", BAD),
}  # fmt: skip
STATUSES = {
    "0": ("fail", BAD), "1": ("blocks ship now", WARNING), "2": ("inconclusive", QUIET), "3": ("proven safe", GOOD),
    "4": ("cannot be read", WARNING),
}  # fmt: skip

Named = dict[str, tuple[str, str]]
"""Value → (text, colour)."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a dashboard's 24 columns, and rows of 30 pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Query:
    """An expression and what its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How one series is drawn: `below` names the series down to which it is filled, `bar` draws bars."""

    color: str | None = None
    width: int = 2
    dashed: bool = False
    below: str | None = None
    bar: bool = False
    right: bool = False

    def properties(self) -> list[model.DynamicConfigValue]:
        found: dict[str, Any] = {"custom.lineWidth": self.width}
        if self.color:
            found["color"] = {"mode": "fixed", "fixedColor": self.color}
        if self.dashed:
            found["custom.lineStyle"] = {"fill": "dash", "dash": [6, 6]}
        if self.below:
            found |= {"custom.fillBelowTo": self.below, "custom.fillOpacity": 18}
        if self.bar:
            found |= {"custom.drawStyle": "bars", "custom.fillOpacity": 60}
        if self.right:
            found["custom.axisPlacement"] = "right"
        return [model.DynamicConfigValue(id_val=key, value=value) for key, value in found.items()]


def band(color: str, down_to: str | None = None) -> Look:
    """An end of an interval: no line; the upper end is filled down to the lower."""
    return Look(color, width=0, below=down_to)


def named(names: Named) -> list[Any]:
    """Mappings of a number to a word with a colour."""
    options = {
        value: model.ValueMappingResult(text=text, color=color, index=i)
        for i, (value, (text, color)) in enumerate(names.items())
    }
    return [model.ValueMap(options=options)]


def steps(*limits: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Colours from a value on; the first begins at None."""
    found = [model.Threshold(value=value, color=color) for value, color in limits]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


def queries_of(queries: Sequence[Query], *, instant: bool = False, as_table: bool = False, step: str = "") -> list[Any]:
    """The queries as Grafana has them, with reference ids A, B …"""
    found = []
    for i, query in enumerate(queries):
        made = prometheus.Dataquery().expr(query.expression).ref_id(chr(65 + i)).datasource(DATA_SOURCE)
        made = made.legend_format(query.legend or "__auto")
        made = made.instant() if instant else made.range()
        if as_table:
            made = made.format(prometheus_model.PromQueryFormat.TABLE)
        if step:
            made = made.interval(step)
        found.append(made)
    return found


def tile(
    title: str, description: str, query: Query, size: Size, *, unit: str, empty: str, names: Named | None = None,
    limits: Sequence[tuple[float | None, str]] = ((None, QUIET),), decimals: int | None = None, filled: bool = False,
    words: Mapping[str, str] | None = None,
) -> stat.Panel:  # fmt: skip
    """One value as of the end of the time range. `words`: show the series' name instead, in these words."""
    panel = (
        stat.Panel().title(title).description(description).datasource(DATA_SOURCE).unit(unit).no_value(empty)
        .span(size.width).height(size.height)
        .color_mode(common.BigValueColorMode.BACKGROUND if filled else common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.NAME if words else common.BigValueTextMode.VALUE)
        .reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .thresholds(steps(*limits))
    )  # fmt: skip
    for target in queries_of([query], instant=True):
        panel = panel.with_target(target)
    if names:
        panel = panel.mappings(named(names))
    if decimals is not None:
        panel = panel.decimals(decimals)
    for name, text in (words or {}).items():
        panel = panel.override_by_name(name, [model.DynamicConfigValue(id_val="displayName", value=text)])
    return panel


def chart(
    title: str, description: str, queries: Sequence[Query], size: Size, *, unit: str, looks: Mapping[str, Look],
    event_time: bool = False, decimals: int | None = None, log_scale: bool = False, lowest: float | None = None,
    highest: float | None = None, lines_at: Sequence[tuple[float, str]] = (), stepped: bool = False,
    names: Named | None = None, words: Mapping[str, str] | None = None,
) -> timeseries.Panel:  # fmt: skip
    """Lines over time, in event time one point a tick. `looks` are of series by name, before `words` call some of them
    otherwise; `lines_at` are drawn across."""
    panel = (
        timeseries.Panel().title(title).description(description).datasource(DATA_SOURCE).unit(unit)
        .no_value("nothing to show yet").span(size.width).height(size.height).line_width(2).fill_opacity(0)
        .show_points(common.VisibilityMode.NEVER)
        .legend(build.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
                .placement(common.LegendPlacement.BOTTOM).show_legend(True).calcs(["lastNotNull"]))
        .tooltip(build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.NONE))
    )  # fmt: skip
    if event_time:
        panel = panel.interval(DAY)  # no step below a day, hence steps at midnights: where the ticks are
    for target in queries_of(queries, step=DAY if event_time else ""):
        panel = panel.with_target(target)
    if lines_at:
        panel = panel.thresholds(steps((None, "transparent"), *lines_at)).thresholds_style(
            build.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    if log_scale:
        panel = panel.scale_distribution(build.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10))
    if stepped:
        panel = panel.line_interpolation(common.LineInterpolation.STEP_AFTER)
    if lowest is not None:
        panel = panel.axis_soft_min(lowest)
    if highest is not None:
        panel = panel.axis_soft_max(highest)
    if decimals is not None:
        panel = panel.decimals(decimals)
    if names:
        panel = panel.mappings(named(names))
    for name in dict.fromkeys((*looks, *(words or {}))):
        properties = looks[name].properties() if name in looks else []
        if words and name in words:
            properties.append(model.DynamicConfigValue(id_val="displayName", value=words[name]))
        panel = panel.override_by_name(name, properties)
    return panel


def states(
    title: str, description: str, queries: Sequence[Query], size: Size, *, names: Named, event_time: bool = False
) -> statetimeline.Panel:
    """Which state held when."""
    panel = (
        statetimeline.Panel().title(title).description(description).datasource(DATA_SOURCE).unit("none")
        .no_value("nothing to show yet").span(size.width).height(size.height).mappings(named(names)).merge_values(True)
        .show_value(common.VisibilityMode.AUTO).fill_opacity(80).row_height(0.85)
    )  # fmt: skip
    if event_time:
        panel = panel.interval(DAY)
    for target in queries_of(queries, step=DAY if event_time else ""):
        panel = panel.with_target(target)
    return panel


def bars(
    title: str, description: str, queries: Sequence[Query], size: Size, *, unit: str, empty: str
) -> bargauge.Panel:
    """One horizontal bar a series, as of the end of the time range."""
    panel = (
        bargauge.Panel().title(title).description(description).datasource(DATA_SOURCE).unit(unit).no_value(empty)
        .span(size.width).height(size.height).orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC).value_mode(common.BarGaugeValueMode.TEXT)
        .reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .thresholds(steps((None, ACCENT))).min(0)
    )  # fmt: skip
    for target in queries_of(queries, instant=True):
        panel = panel.with_target(target)
    return panel


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: its query gives a value per row."""

    title: str
    expression: str
    unit: str
    decimals: int | None = None
    names: Named | None = None


def sheet(
    title: str, description: str, key: str, columns: Sequence[Column], size: Size, key_title: str, words: Mapping[str, str],
    empty: str = "nothing to show yet",
) -> table.Panel:  # fmt: skip
    """A table as of the end of the time range: one row for each value of the label `key`, called as `words` say."""
    panel = (
        table.Panel().title(title).description(description).datasource(DATA_SOURCE).unit("none")
        .no_value(empty).span(size.width).height(size.height)
    )  # fmt: skip
    totals = [Query(f"max by ({key}) ({column.expression})") for column in columns]
    for target in queries_of(totals, instant=True, as_table=True):
        panel = panel.with_target(target)
    values = {f"Value #{chr(65 + i)}": column for i, column in enumerate(columns)}
    shown = f"^({key}|{'|'.join(values)})$"
    for name, options in (
        ("joinByField", {"byField": key, "mode": "outer"}),
        ("filterFieldsByName", {"include": {"pattern": shown}}),
        ("organize", {
            "renameByName": {key: key_title} | {value: column.title for value, column in values.items()},
            "indexByName": {key: 0} | {value: i for i, value in enumerate(values, 1)},
        }),
    ):  # fmt: skip
        panel = panel.with_transformation(model.DataTransformerConfig(id_val=name, options=options))
    texts = named({value: (text, QUIET) for value, text in words.items()})
    panel = panel.override_by_name(key_title, [model.DynamicConfigValue(id_val="mappings", value=texts)])
    for column in columns:
        properties: dict[str, Any] = {"unit": column.unit}
        if column.decimals is not None:
            properties["decimals"] = column.decimals
        if column.names:
            properties["mappings"] = named(column.names)
            properties["custom.cellOptions"] = {"type": "color-text"}
        found = [model.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()]
        panel = panel.override_by_name(column.title, found)
    return panel
