"""Citations of promises and decision records, in code, tests and docs, name one that exists."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = ROOT / "docs" / "09-promises.md"
DECISIONS = ROOT / "docs" / "decisions"
TEXT = {".py", ".md", ".toml", ".yml", ".lua", ".sql", ".ini", ".example", ""}

PROMISE = re.compile(r"\bP([1-9])(?:\.(\d+))?\b")
DECISION = re.compile(r"\b[Dd]ecisions? (\d{1,4})\b|docs/decisions/(\d{4})|(?<![\d.:-])\b(00\d\d)\b(?![\d.:-]*\d)")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@cache
def texts() -> dict[str, str]:
    """Tracked and new text files by path, without generated data and the inputs of the golden cases."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    paths = [ROOT / name for name in listed if Path(name).suffix in TEXT and (ROOT / name).is_file()]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


@cache
def promises() -> set[str]:
    """Numbers of all promises and of their parts: {"1", "2", "2.1", …}."""
    numbers: set[str] = set()
    current = ""
    for line in PROMISES.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## P(\d) ", line):
            current = heading[1]
            numbers.add(current)
        elif part := re.match(r"(\d+)\. ", line):
            numbers.add(f"{current}.{part[1]}")
    return numbers


def decisions() -> dict[int, Path]:
    return {int(path.name[:4]): path for path in sorted(DECISIONS.glob("[0-9]*.md"))}


def cited_promises(text: str) -> set[str]:
    return {f"{number}.{part}" if part else number for number, part in PROMISE.findall(text)}


def cited_decisions(name: str, text: str) -> set[int]:
    """Numbers written as "decision 31" or docs/decisions/0031, on the pages of docs/ also as a bare 0031."""
    bare = name.startswith("docs/") and name.endswith(".md")
    return {int(a or b or c) for a, b, c in DECISION.findall(text) if a or b or (bare and c)}


def test_every_promise_that_is_cited_exists() -> None:
    wrong = {name: cited_promises(text) - promises() for name, text in texts().items()}
    assert {name: numbers for name, numbers in wrong.items() if numbers} == {}


def test_every_decision_that_is_cited_exists() -> None:
    wrong = {name: cited_decisions(name, text) - set(decisions()) for name, text in texts().items()}
    assert {name: numbers for name, numbers in wrong.items() if numbers} == {}


@pytest.mark.parametrize(
    ("text", "cited"),
    [("(promise P2.7)", {"2.7"}), ("P1 and P6.", {"1", "6"}), ("P(X ≥ 3), HTTP2, P10", set())],
)
def test_citations_of_promises_are_recognised(text: str, cited: set[str]) -> None:
    assert cited_promises(text) == cited


@pytest.mark.parametrize(
    ("name", "text", "cited"),
    [
        ("a.py", "see decision 31 and docs/decisions/0010-the-hot-path.md, mode 0022", {31, 10}),
        ("docs/05-docker.md", "as before (0010), at 0.0031 and 2009-00-10, 00000000-000000", {10}),
    ],
)
def test_citations_of_decisions_are_recognised(name: str, text: str, cited: set[int]) -> None:
    assert cited_decisions(name, text) == cited


def test_the_promises_are_six_and_the_second_has_eight_parts() -> None:
    assert promises() == {*"123456", *(f"2.{part}" for part in range(1, 9))}


def test_every_link_between_pages_resolves() -> None:
    pages = {name: text for name, text in texts().items() if name.endswith(".md")}
    broken = {
        (name, target)
        for name, text in pages.items()
        for target in LINK.findall(text)
        if not (ROOT / name).parent.joinpath(target.strip()).exists()
    }
    assert broken == set()
