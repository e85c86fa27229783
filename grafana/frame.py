"""What all dashboards share: variables, refresh interval, and links to one another and to the web pages."""

import hashlib
from datetime import timedelta

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from grafana.panels import DATA_SOURCE
from livelift.event_time import to_iso
from livelift.metrics import verdict
from livelift.study import Study

WEB = "http://127.0.0.1:8501"
"""Where the web pages are unless told otherwise."""

QUERY_RESULT = 3
"""The kind of a variable's query, as Grafana's Prometheus data source numbers them."""

TAG = "livelift"
LONGEST_UID = 40
AFTER_PERIOD = timedelta(days=2)
"""Shown after the period's end: its completion is a tick of the next day or two."""


def label_variable(name: str, label: str, selector: str, *, newest_first: bool = False) -> build.QueryVariable:
    """A variable whose values are those of the label `name`.

    Asked by a query, since Prometheus 2.42 lists no labels of samples in event time while they are in its memory.
    """
    query = f"query_result(count by ({name}) (last_over_time({selector}[$__range])))"
    return (
        build.QueryVariable(name).label(label).datasource(DATA_SOURCE)
        .query({"query": query, "refId": name, "qryType": QUERY_RESULT}).definition(query)
        .regex(f'/{name}="([^"]+)"/')
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_DESC if newest_first else model.VariableSort.ALPHABETICAL_ASC)
    )  # fmt: skip


def study_variable(study: Study) -> build.ConstantVariable:
    """The study whose dashboard it is: titles, names of the arms and the period are its own."""
    return build.ConstantVariable("study").label("Study").value(study.name)


def run_variable() -> build.QueryVariable:
    """Which replay or live stream of it; ids sort by time, the newest comes first."""
    return label_variable("run", "Run", f'{verdict.RUN_INFO.name}{{study="$study", clock="event"}}', newest_first=True)


def metric_variable(study: Study) -> build.CustomVariable:
    """Which metric, by its title (`${metric:text}`); the primary to begin with."""
    pairs = [f"{metric.title} : {name}" for name, metric in study.metrics.items()]
    first = study.decision.primary
    chosen = model.VariableOption(text=study.metrics[first].title, value=first)
    return build.CustomVariable("metric").label("Metric").values(", ".join(pairs)).current(chosen)


def variant_variable() -> build.QueryVariable:
    """Which arms; all to begin with."""
    made = label_variable("variant", "Variant", f'{verdict.N.name}{{study="$study", run="$run"}}')
    return made.multi(True).include_all(True).current(model.VariableOption(text="All", value="$__all"))


def uid(kind: str, study: str) -> str:
    """The dashboard's id, of at most the 40 characters that Grafana allows; no two studies share one.

    >>> uid("pipeline", "visits"), uid("experiment", "the_checkout_of_the_shop")
    ('livelift-pipeline-visits', 'livelift-experiment-the_checkou-76a5b813')
    >>> uid("explorer", "shop.banner")
    'livelift-explorer-shop-banner'
    """
    whole = f"{TAG}-{kind}-{study.replace('.', '-')}"  # the dot of an experiment's name is none of Grafana's characters
    if len(whole) <= LONGEST_UID:
        return whole
    mark = hashlib.sha256(study.encode()).hexdigest()[:8]
    return f"{whole[: LONGEST_UID - len(mark) - 1]}-{mark}"


def frame(kind: str, study: Study, description: str, web: str) -> build.Dashboard:
    """A dashboard without panels, linked to the study's others and to the web pages at `web`.

    Its title has the study's name in it: Grafana loads none of two dashboards with one title.
    """
    own = f"study:{study.name}"
    return (
        build.Dashboard(f"{study.name}: {kind.capitalize()}").uid(uid(kind, study.name)).description(description)
        .tags([TAG, own]).refresh("5s").timezone("utc").readonly().tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(build.DashboardLink("dashboards").type(model.DashboardLinkType.DASHBOARDS).tags([own])
              .include_vars(True).keep_time(False).as_dropdown(False))
        .link(build.DashboardLink("Web pages").type(model.DashboardLinkType.LINK).icon("external link")
              .url(f"{web}/?study=${{study}}").tooltip("The same study in the web pages").target_blank(True))
    )  # fmt: skip


def in_event_time(dashboard: build.Dashboard, study: Study) -> build.Dashboard:
    """The time range is the study's period: the curves grow into it."""
    end = study.experiment.end_ms + int(AFTER_PERIOD.total_seconds() * 1_000)
    return dashboard.time(to_iso(study.experiment.start_ms), to_iso(end))
