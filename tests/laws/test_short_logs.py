"""Logs shorter than a day, or that begin late: the stream has no midnight before its first event, nor has the batch."""

from pathlib import Path

import pytest

from batch.document import batch_document
from livelift.study import load_study
from local.equality import differences
from tests.support.pure_pipeline import run_pure

STUDY = load_study("lastfm")


@pytest.mark.parametrize(
    "times",
    [
        ["2009-03-02T08:00:00Z"],
        ["2009-03-05T00:00:00Z"],  # exactly at a midnight: that one is not passed
        ["2009-03-04T23:59:59Z", "2009-03-05T00:00:00Z"],
        ["2009-03-10T08:00:00Z", "2009-03-10T09:00:00Z", "2009-03-12T01:00:00Z"],
        ["2009-04-30T23:00:00Z", "2009-05-02T01:00:00Z"],
        ["2009-06-01T08:00:00Z"],
        ["2008-01-01T08:00:00Z"],
    ],
)
def test_document_and_history_of_a_short_log_equal_the_batch(times: list[str], tmp_path: Path) -> None:
    data = tmp_path / "log.tsv"
    data.write_text("".join(f"u{number}\t{time}\t\ta\t\tb\n" for number, time in enumerate(times)))
    document, history = batch_document(data, STUDY)
    run = run_pure(data, tmp_path / "cache", STUDY, partitions=2)
    assert list(differences(run.document, document)) == []
    live = {(entry["as_of"], entry["progress"]["ended"]): entry for entry in run.history}
    for entry in history:
        assert list(differences(live[entry["as_of"], entry["progress"]["ended"]], entry)) == []
    if not history[-1]["progress"][
        "period_complete"
    ]:  # afterwards the stream goes on with midnights that decide nothing
        assert len(live) == len(history)
