"""The committed dashboard JSON equals what the code generates, and has no fault that the checks can find."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from grafana.asking import substituted
from grafana.generate import DASHBOARDS, HOME, folder_of, home_dashboard, text
from grafana.generate import dashboards as generated
from livelift.refusals import REFUSALS
from livelift.study import load_study
from tests.grafana import schema_check
from tests.grafana.conftest import GENERATED
from tests.grafana.expressions import selectors
from tests.grafana.faults import SEEN_BY_LINT, SEEN_BY_TYPES
from tests.grafana.lint import lint

Dashboards = dict[str, dict[str, Any]]
Recorded = dict[str, set[str]]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_committed_json_is_what_the_code_makes(name: str) -> None:
    made = text(generated(load_study("lastfm"))[name])
    assert (GENERATED / f"{name}.json").read_text(encoding="utf-8") == made, "run: python -m grafana.generate"


@pytest.mark.parametrize("name", ["shows", "push"])
def test_the_committed_json_of_each_study_is_what_the_code_makes(name: str) -> None:
    study = load_study(name)
    folder, made = folder_of(study), generated(study)
    assert {path.stem for path in folder.iterdir()} == made.keys()
    for kind, dashboard in made.items():
        committed = (folder / f"{kind}.json").read_text(encoding="utf-8")
        assert committed == text(dashboard), f"run: python -m grafana.generate --study {name}"


@pytest.mark.parametrize("name", ["shows", "push"])
def test_the_lint_finds_nothing_in_tables(name: str, recorded: Recorded) -> None:
    dashboard = generated(load_study(name))["tables"]
    assert lint(dashboard, recorded) == []
    titles = " ".join(panel["title"] for panel in dashboard["panels"])
    study = load_study(name)
    for table in study.user_tables.values():
        assert table.title in titles


def test_nothing_else_is_committed_as_a_dashboard() -> None:
    assert {path.stem for path in GENERATED.iterdir()} == DASHBOARDS.keys()
    assert [path.name for path in HOME.parent.iterdir()] == [HOME.name]


def test_the_committed_home_page_is_what_the_code_makes() -> None:
    assert HOME.read_text(encoding="utf-8") == text(home_dashboard()), "run: python -m grafana.generate"


def test_two_studies_have_dashboards_of_their_own() -> None:
    """Grafana loads neither of two files that have one id, or one title."""
    one, two = (generated(load_study(study)) for study in ("lastfm", "tests/studies/purchases"))
    for key in ("uid", "title"):
        assert len({dashboard[key] for made in (one, two) for dashboard in made.values()}) == 6
    for name, made in (("lastfm", one), ("purchases", two)):
        for dashboard in made.values():
            (variable,) = (one for one in dashboard["templating"]["list"] if one["name"] == "study")
            assert (variable["type"], variable["query"]) == ("constant", name)
            assert dashboard["tags"] == ["livelift", f"study:{name}"]
            assert [link["tags"] for link in dashboard["links"] if link["type"] == "dashboards"] == [[f"study:{name}"]]


def test_every_query_of_a_dashboard_is_of_its_study(dashboards: Dashboards) -> None:
    for dashboard in dashboards.values():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                for selector in selectors(promql_parser.parse(substituted(target["expr"], {"study": "s"}))):
                    assert {"s", "s|"} & {one.value for one in selector.matchers.matchers if one.name == "study"}, (
                        target
                    )


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_lint_finds_nothing(name: str, dashboards: Dashboards, recorded: Recorded) -> None:
    assert lint(dashboards[name], recorded) == []


@pytest.mark.parametrize("fault", SEEN_BY_LINT)
def test_the_lint_sees_a_planted_fault(fault: str, dashboards: Dashboards, recorded: Recorded) -> None:
    plant, words = SEEN_BY_LINT[fault]
    dashboard = deepcopy(dashboards["experiment"])
    plant(dashboard)
    assert any(words in problem for problem in lint(dashboard, recorded)), lint(dashboard, recorded)


@pytest.fixture(scope="module")
def typed(dashboards: Dashboards, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What Grafana's types have against the committed dashboards and against each planted one, in one go."""
    planted = {}
    for number, (plant, _) in enumerate(SEEN_BY_TYPES.values()):
        dashboard = deepcopy(dashboards["experiment"])
        plant(dashboard)
        planted[f"planted-{number}"] = dashboard
    own = {"home": home_dashboard(), "tables": generated(load_study("shows"))["tables"]}
    return schema_check.problems(dashboards | own | planted, tmp_path_factory.mktemp("typed"))


@pytest.mark.parametrize("name", [*DASHBOARDS, "home", "tables"])
def test_grafanas_own_types_find_nothing(name: str, typed: list[str]) -> None:
    assert [line for line in typed if line.startswith(f"{name}.json")] == []


@pytest.mark.parametrize("fault", SEEN_BY_TYPES)
def test_grafanas_own_types_see_a_planted_fault(fault: str, typed: list[str]) -> None:
    number = list(SEEN_BY_TYPES).index(fault)
    lines = [line for line in typed if line.startswith(f"planted-{number}.json")]
    assert any(SEEN_BY_TYPES[fault][1] in line for line in lines), lines


def test_the_address_of_the_web_pages_can_be_chosen() -> None:
    made = generated(load_study("lastfm"), web="https://experiments.example")
    for dashboard in made.values():
        urls = [link["url"] for link in dashboard["links"] if link["type"] == "link"]
        assert urls == ["https://experiments.example/?study=${study}"]


def test_event_time_dashboards_open_with_the_period_of_the_study() -> None:
    study = load_study("lastfm")
    for name in ("experiment", "explorer"):
        assert generated(study)[name]["time"] == {"from": "2009-03-01T00:00:00Z", "to": "2009-05-03T00:00:00Z"}
    assert generated(study)["pipeline"]["time"] == {"from": "now-15m", "to": "now"}


def test_no_file_of_the_checks_names_a_registry() -> None:
    lock = Path(__file__).with_name("schema") / "package-lock.json"
    assert "resolved" not in lock.read_text()


def test_tables_call_metrics_and_ways_to_count_by_their_titles(dashboards: Dashboards) -> None:
    keys = {}
    for name, dashboard in dashboards.items():
        for table in (panel for panel in dashboard["panels"] if panel["type"] == "table"):
            first = table["fieldConfig"]["overrides"][0]
            (mapping,) = next(one["value"] for one in first["properties"] if one["id"] == "mappings")
            keys[name, first["matcher"]["options"]] = {one["text"] for one in mapping["options"].values()}
    titles = {metric.title for metric in load_study("lastfm").metrics.values()}
    assert keys["experiment", "Guardrail"] == keys["explorer", "Metric"] == titles
    assert "users, adjusted (decides)" in keys["experiment", "Counted by"]


def test_the_pipeline_draws_every_reason_to_refuse_a_record(dashboards: Dashboards) -> None:
    title = "What does the processor refuse?"
    panel = next(panel for panel in dashboards["pipeline"]["panels"] if panel["title"] == title)
    (target,) = panel["targets"]
    assert f'outcome=~"{"|".join(("late", *REFUSALS))}"' in target["expr"] and "sum by (outcome)" in target["expr"]


@pytest.mark.parametrize("name", ["experiment", "explorer"])
def test_a_metric_is_chosen_and_named_by_its_title(name: str, dashboards: Dashboards) -> None:
    study = load_study("lastfm")
    (variable,) = (one for one in dashboards[name]["templating"]["list"] if one["name"] == "metric")
    pairs = [pair.split(" : ") for pair in variable["query"].split(", ")]
    assert pairs == [[metric.title, key] for key, metric in study.metrics.items()]
    titles = [panel["title"] for panel in dashboards[name]["panels"]]
    assert any("${metric:text}" in title for title in titles)
    assert not any("$metric" in title for title in titles)
