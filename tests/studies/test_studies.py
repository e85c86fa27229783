"""The document of each study: the same by the stream, by the batch oracle and by plain Python."""

from importlib import import_module
from pathlib import Path

import pytest

from batch.document import batch_answer
from livelift.study import load_study
from local.equality import differences
from tests.support.pure_pipeline import run_pure

FOLDER = Path(__file__).parent
STUDIES = sorted(folder.parent.name for folder in FOLDER.glob("*/study.toml"))


@pytest.mark.parametrize("name", STUDIES)
def test_stream_oracle_and_plain_python_agree(name: str, tmp_path: Path) -> None:
    study = load_study(str(FOLDER / name))
    data = tmp_path / "input"
    import_module(f"tests.studies.{name}.make").main(data)
    batch = batch_answer(data, study)
    document = batch.document
    run = run_pure(data, tmp_path / "cache", study, partitions=2, seed=3)
    assert list(differences(run.document, document)) == []
    answer = import_module(f"tests.studies.{name}.answer").answer(data)
    rows, sessions = document.input, document.sessions
    assert {"rows": rows.rows, "accepted": rows.accepted, "rejected": rows.rejected, "duplicates": rows.duplicates} == {
        key: answer[key] for key in ("rows", "accepted", "rejected", "duplicates")
    }
    assert {key: getattr(sessions, key) for key in answer["sessions"]} == answer["sessions"]
    assert document.health.users_in_both == answer.get("users_in_both")
    plain = answer.get("tables", {})
    assert list(differences({name: batch.tables[name] for name in plain}, plain)) == []
    assert run.tables[-1][1] == batch.tables
    primary = document.metrics[document.primary]
    for arm, counts in document.variants.items():
        mine = answer[arm]
        for key in ("users_exposed", "users_included", "sessions", "events"):
            assert getattr(counts, key) == mine[key]
        if primary.sequential.theta == 0:
            assert getattr(primary.sequential, arm) == pytest.approx(mine["mean_over_users"], rel=1e-4)
        assert getattr(primary, arm).mean == pytest.approx(mine["mean_over_sessions"], rel=1e-9)
        for key, value in mine.items():
            if key.startswith("metric:"):
                metric = document.metrics[key.removeprefix("metric:")]
                assert getattr(metric, arm).mean == pytest.approx(value, rel=1e-4)


def test_the_studies_differ_in_format_and_windows() -> None:
    studies = [load_study(str(FOLDER / name)) for name in STUDIES]
    assert {study.source.format for study in studies} == {"csv", "json", "jsonl", "parquet"}
    assert {study.windows.kind for study in studies} == {"gap", "row"}
