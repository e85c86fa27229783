"""Promise P1 without servers: document and verdict history equal the DuckDB oracle's, over any partitions and cuts."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from batch.document import batch_document
from livelift.study import load_study
from local.equality import differences
from studies.lastfm import generator as lastfm_generator
from tests.support.pure_pipeline import run_pure

STUDY = load_study("lastfm")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generated") / "log.tsv"
    lastfm_generator.generate(path, events=30_000, users=160, lift=0.3, seed=11, study=STUDY)
    return path


@pytest.fixture(scope="module")
def oracle(data: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return batch_document(data, STUDY)


@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_document_and_history_equal_the_batch(
    partitions: int,
    data: Path,
    oracle: tuple[dict[str, Any], list[dict[str, Any]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    cache = tmp_path_factory.getbasetemp() / "stream-cache"
    run = run_pure(data, cache, STUDY, partitions=partitions, progress_every=777, seed=partitions)
    document, history = oracle
    assert list(differences(run.document, document)) == []
    live = {entry.as_of: entry for entry in run.history}
    for entry in history:
        assert list(differences(live[entry.as_of], entry)) == []
    assert len(history) > 61


def test_the_comparison_sees_a_difference(oracle: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    document, _ = oracle
    changed = replace(document, sessions=replace(document.sessions, all=document.sessions.all + 1))
    assert len(list(differences(document, changed))) == 1
