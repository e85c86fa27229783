"""The docs are true: tests and files that they name exist, commands are commands, tables equal the code's figures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from livelift.refusals import REFUSALS
from livelift.study import load_study
from producer.sources.judging import REASONS

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def test_names() -> set[str]:
    return {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path, test_names: set[str]) -> None:
    named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
    assert named - test_names == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    folders = "batch|bench|broker|cli|docs|exporter|grafana|livelift|local|processor|producer|stats|studies|tests"
    named = set(re.findall(rf"`((?:{folders})/[\w./-]+)`", page.read_text(encoding="utf-8")))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_classic_error_rates_in_the_study_equal_the_page_s_table() -> None:
    text = (ROOT / "docs" / "02-error-rates.md").read_text(encoding="utf-8")
    simulated = load_study("lastfm").simulated
    assert simulated is not None
    table = text[: text.index("there is an effect")]
    once, watched = (
        [float(cell) for cell in re.findall(r"0\.\d+", line)[:3]]
        for line in table.splitlines()
        if line.startswith("| **")
    )
    assert (
        f"{sum(once) / len(once):.0%}".replace("%", " %"),
        f"{100 * min(watched):.0f} to {100 * max(watched):.0f} %",
    ) == (simulated.classic_once, simulated.classic_watched)


def test_every_command_of_the_readme_is_a_command() -> None:
    shown = subprocess.run(
        [Path(sys.executable).with_name("livelift"), "--help"], capture_output=True, text=True, check=True
    ).stdout
    used = set(re.findall(r"^livelift (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert used
    assert {command for command in used if f" {command} " not in shown} == set()


def test_no_page_or_source_names_a_registry() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "repo1" + ".maven", "crates" + ".io")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    texts = {name: (ROOT / name).read_bytes() for name in files if name and (ROOT / name).is_file()}
    assert {name for name, text in texts.items() for host in hosts if host.encode() in text} == set()


def test_the_page_of_rejected_rows_lists_exactly_the_reasons() -> None:
    text = (ROOT / "docs" / "07-rejected-rows.md").read_text(encoding="utf-8")
    of_rows, of_records = text.split("## Records of the events topic")
    assert tuple(re.findall(r"^\| `(\w+)` \|", of_rows, re.MULTILINE)) == REASONS
    assert re.findall(r"`FIELD\.(\w+)`", of_rows) == ["lookup", "type", "minimum", "maximum", "values"]
    assert tuple(re.findall(r"^\| `(\w+)` \|", of_records, re.MULTILINE)) == (*REFUSALS, "late")


def test_the_page_of_rejected_rows_names_the_study_s_limits() -> None:
    text = (ROOT / "docs" / "07-rejected-rows.md").read_text(encoding="utf-8")
    health = load_study("lastfm").health
    assert f"Above {health.maximum_rejected_share:.0%}".replace("%", " %") in text
    assert f"or {health.maximum_late_share:.0%}".replace("%", " %") in text
