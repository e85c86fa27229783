"""Every decision record has the same parts, a unique number, and a line in the index."""

import re
from pathlib import Path

import pytest

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"
RECORDS = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")

TITLE = re.compile(r"# (\d+)\. (.+)")
STATUS = re.compile(r"Status: (proposed|accepted|rejected|superseded by (\d{4})), \d{4}-\d{2}-\d{2}\.?(?: .*)?")


def title_of(path: Path) -> tuple[int, str]:
    found = TITLE.fullmatch(path.read_text(encoding="utf-8").splitlines()[0])
    assert found, f"{path.name}: the first line has to be '# NUMBER. TITLE'"
    return int(found[1]), found[2]


def status_of(path: Path) -> re.Match[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = STATUS.fullmatch(lines[2]) if len(lines) > 2 else None
    assert found, f"{path.name}: the third line has to be 'Status: accepted, YYYY-MM-DD' or the like"
    return found


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name[:4])
def test_a_record_has_title_status_context_and_decision(path: Path) -> None:
    number, _ = title_of(path)
    assert re.fullmatch(rf"{number:04d}-[a-z0-9-]+\.md", path.name)
    status_of(path)
    text = path.read_text(encoding="utf-8")
    context = re.search(r"^\*\*Context\.\*\*\s+\S", text, re.MULTILINE)
    decision = re.search(r"^\*\*(Decision|Choice)\.\*\*\s+\S", text, re.MULTILINE)
    assert context and decision and context.start() < decision.start()


def test_numbers_are_unique() -> None:
    numbers = [title_of(path)[0] for path in RECORDS]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name[:4])
def test_a_superseded_record_names_its_successor(path: Path) -> None:
    if successor := status_of(path)[2]:
        assert [other for other in RECORDS if other.name.startswith(successor) and other != path]


def test_the_index_lists_every_record() -> None:
    lines = [
        f"| [{number:04d}]({path.name}) | {title} | {status_of(path)[1]} |"
        for path in RECORDS
        for number, title in [title_of(path)]
    ]
    index = (DECISIONS / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in index if line.startswith("| [")] == lines, "docs/decisions/README.md needs these lines"
