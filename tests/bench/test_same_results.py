"""The oracles' answers of two builds are compared as far as both have the same form."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.same_results import same_answers, same_numbers
from bench.subject import write_sessions

SESSIONS = [("a", 0, 5, 0, 2, 0, 1), ("b", 1, 1, 0, 1, 0, 1)]
DOCUMENT: dict[str, Any] = {
    "schema": 4,
    "input": {"rows": 9, "accepted": 7, "duplicates": 1, "rejected": {"bad_time": 1}},
    "lift": 0.1,
    "why": "as it is",
    "looks": [1.0, None],
}


def answer(folder: Path, name: str, key: str = "lastfm-0123") -> Path:
    path = folder / "bench" / "oracle" / key / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def documents(folder: Path, today: Any, base: Any) -> tuple[Path, Path]:
    for side, document in (("today", today), ("base", base)):
        answer(folder / side, "document.json").write_text(json.dumps(document))
    return folder / "today", folder / "base"


@pytest.mark.parametrize(
    ("base", "equal"),
    [
        (DOCUMENT, True),
        (DOCUMENT | {"schema": 3, "why": "in other words", "more": 5}, True),  # a new form, the same numbers
        (DOCUMENT | {"lift": 0.1 + 1e-12}, True),  # as close as stream and batch have to be
        (DOCUMENT | {"lift": 0.11}, False),
        (DOCUMENT | {"lift": None}, False),
        (DOCUMENT | {"looks": [1.0, 2.0]}, False),
        ({"another": {"form": 1}}, None),
    ],
)
@pytest.mark.parametrize("stage", ["stats", "end_to_end"])
def test_verdicts_are_compared_number_by_number(stage: str, base: Any, equal: bool | None, tmp_path: Path) -> None:
    assert same_answers(stage, *documents(tmp_path, DOCUMENT, base)).equal is equal


def test_what_differs_is_named_with_both_values() -> None:
    same = same_numbers(DOCUMENT, DOCUMENT | {"lift": 0.2, "looks": [2.0, None]})
    assert same.different == ("lift: 0.1 ≠ 0.2", "looks[0]: 1.0 ≠ 2.0")
    assert same.of == "7 numbers that both documents have, of 7 and 7"


@pytest.mark.parametrize(
    ("counts", "equal"), [({}, True), ({"accepted": 8}, False), ({"rejected": {"bad_time": 2}}, False)]
)
def test_the_producers_rows_are_compared_by_their_counts(counts: Any, equal: bool, tmp_path: Path) -> None:
    base = DOCUMENT | {"lift": 0.5, "input": DOCUMENT["input"] | counts}
    assert same_answers("producer", *documents(tmp_path, DOCUMENT, base)).equal is equal


@pytest.mark.parametrize(
    ("base", "equal"), [(SESSIONS, True), (SESSIONS[::-1], True), (SESSIONS[:1], False), (SESSIONS * 2, False)]
)
def test_sessions_are_compared_as_multisets(base: Any, equal: bool, tmp_path: Path) -> None:
    write_sessions(answer(tmp_path / "today", "sessions.parquet"), SESSIONS)
    write_sessions(answer(tmp_path / "base", "sessions.parquet"), base)
    assert same_answers("processor", tmp_path / "today", tmp_path / "base").equal is equal


def test_sessions_of_other_columns_are_not_compared(tmp_path: Path) -> None:
    write_sessions(answer(tmp_path / "today", "sessions.parquet"), SESSIONS)
    pq.write_table(pa.table({"user": ["a"]}), answer(tmp_path / "base", "sessions.parquet"))
    assert same_answers("processor", tmp_path / "today", tmp_path / "base").equal is None


def test_a_missing_or_second_answer_is_not_compared(tmp_path: Path) -> None:
    """Of two answers in one folder nobody could say which the results were compared with."""
    today, base = documents(tmp_path, DOCUMENT, DOCUMENT)
    assert same_answers("processor", today, base).equal is None
    answer(base, "document.json", "lastfm-4567").write_text("{}")
    assert same_answers("stats", today, base).equal is None
