"""The study of shows: its tables are the batch oracle's and those of plain Python, its page names its data."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from batch.document import batch_answer
from batch.oracle import Oracle
from livelift.errors import SettingsError
from livelift.study import load_study
from local.equality import differences
from studies.shows import generator
from tests.support.pure_pipeline import run_pure

STUDY = load_study("shows")
PAGE = Path("docs/15-shows.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shows") / "streaming_data.json"
    generator.generate(path, events=8_000, users=300, lift=0.3, seed=3, study=STUDY)
    return path


def rows_of(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.read_text().splitlines()]


def test_stream_and_batch_agree_in_document_and_tables(data: Path, tmp_path: Path) -> None:
    run = run_pure(data, tmp_path / "cache", STUDY, partitions=3, seed=1)
    batch = batch_answer(data, STUDY)
    assert list(differences(run.document, batch.document)) == []
    assert run.tables[-1][1] == batch.tables
    assert batch.document.metrics["watch_time"].sequential.lift > 0.1


def test_the_tables_are_what_plain_python_counts(data: Path) -> None:
    with Oracle(data, STUDY) as oracle:
        tables = oracle.tables()
    keys = {"daily": ("day", "created_date"), "state": ("state", "state"), "show": ("show_name", "show_name")}
    for table, (key, field) in keys.items():
        groups = defaultdict(list)
        for row in rows_of(data):
            groups[row[field]].append(row)
        found = {row[key]: row for row in tables[table]}
        assert found.keys() == groups.keys()
        for name, rows in groups.items():
            watched = [row["user_watch_duration_seconds"] for row in rows]
            percent = [
                min(100, 100 * row["user_watch_duration_seconds"] / row["show_duration_seconds"]) for row in rows
            ]
            assert found[name]["views"] == len(rows)
            assert found[name]["users"] == len({row["user_id"] for row in rows})
            assert found[name]["watch_hours"] == pytest.approx(sum(watched) / 3600, rel=1e-12)
            assert found[name]["completion"] == pytest.approx(sum(percent) / len(rows), rel=1e-8)
    hours = {row["hour"]: row["views"] for row in tables["hour_of_day"]}
    assert hours[20] == sum(row["created_at"][11:13] == "20" for row in rows_of(data))


def test_an_array_is_read_as_lines_are(tmp_path: Path) -> None:
    data, array = tmp_path / "some.json", tmp_path / "streaming_data.json"
    generator.generate(data, events=3_000, users=100, seed=3, study=STUDY)
    array.write_text(json.dumps(rows_of(data)))
    lines = tmp_path / "lines" / "streaming_data.json"
    lines.parent.mkdir()
    lines.write_text("\n \n" + data.read_text())  # the first two lines are no objects
    of_array, of_lines = (batch_answer(file, STUDY) for file in (array, lines))
    assert of_lines.document.input.rejected == {"json": 2}
    assert of_array.tables == of_lines.tables
    assert run_pure(array, tmp_path / "a", STUDY).tables[-1][1] == of_array.tables
    run = run_pure(lines, tmp_path / "b", STUDY)
    assert run.tables[-1][1] == of_array.tables
    assert list(differences(run.document, of_lines.document)) == []


def test_the_seed_decides_the_viewings(tmp_path: Path) -> None:
    def made(seed: int, lift: float = 0.0) -> bytes:
        path = tmp_path / "made.json"
        generator.generate(path, events=500, seed=seed, lift=lift, study=STUDY)
        return path.read_bytes()

    assert made(1) == made(1) != made(2)
    assert made(1) != made(1, lift=0.5)
    assert made(1).count(b"\n") == 500
    truth = json.loads((tmp_path / "made.json.truth.json").read_text())
    assert truth == {"seed": 1, "lift": 0.0, "users": 12, "events": 500}


def test_generating_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.generate(tmp_path / "made.json", events=500, study=STUDY, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"events": 0}, {"users": 0}, {"lift": -1}, {"lift": 6}])
def test_what_cannot_be_generated_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        generator.generate(tmp_path / "made.json", study=STUDY, **wrong)
    assert list(tmp_path.iterdir()) == []


def test_the_page_names_the_data_and_the_tables(data: Path) -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE[PAGE.index("## The data") : PAGE.index("## The tables")], re.MULTILINE)
    assert sorted(listed) == sorted(rows_of(data)[0])
    assert set(STUDY.fields) | {STUDY.source.user, STUDY.source.time} <= set(listed)
    tables = PAGE[PAGE.index("## The tables") : PAGE.index("## The experiment")]
    assert set(STUDY.tables) <= set(re.findall(r"`(\w+)`", tables))
