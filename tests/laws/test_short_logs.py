"""A log may begin and end anywhere: before, in or after the period, and within a day. Stream and batch agree."""

from pathlib import Path
from typing import Any

import pytest

from batch.document import batch_document
from livelift.event_time import DAY, MINUTE, from_iso, to_iso
from livelift.study import load_study
from local.equality import differences
from tests.support.pure_pipeline import run_pure

STUDY = load_study("lastfm")
LOGS = {
    "one row of the second day": ["2009-03-02T08:00:00"],
    "one row of the first day": ["2009-03-01T08:00:00"],
    "one row at a midnight": ["2009-03-02T00:00:00"],
    "one row at the period's first instant": ["2009-03-01T00:00:00"],
    "one row before the period": ["2009-02-28T23:59:59"],
    "a session over a midnight": ["2009-03-04T23:50:00", "2009-03-05T00:10:00"],
    "a week from the middle of the period on": [f"2009-04-{day:02d}T08:00:00" for day in range(5, 12)],
    "one row of the last day": ["2009-04-30T23:00:00"],
    "one row at the period's end": ["2009-05-01T00:00:00"],
    "rows after the period": ["2009-05-11T08:00:00", "2009-05-13T08:00:00"],
    "the first and the last day": ["2009-03-01T08:00:00", "2009-05-02T08:00:00"],
}


def write(folder: Path, times: list[str]) -> Path:
    """Four users with these plays each, a minute apart."""
    path = folder / "log.tsv"
    moments = [(from_iso(text) + user * MINUTE, user) for text in times for user in range(4)]
    path.write_text("".join(f"u{user}\t{to_iso(moment)}\t\ta\t\tb\n" for moment, user in moments))
    return path


def assert_same_history(stream: list[dict[str, Any]], batch: list[dict[str, Any]]) -> None:
    """The same ticks with the same numbers; the stream goes on at the midnights after the completion."""
    complete = min((entry.as_of for entry in batch if entry.progress.period_complete), default="9999")
    assert [e.as_of for e in stream if e.as_of <= complete] == [e.as_of for e in batch if e.as_of <= complete]
    found = {entry.as_of: entry for entry in stream}
    for entry in batch:
        assert list(differences(found[entry.as_of], entry)) == []


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_begins_and_ends_anywhere_equals_the_batch(name: str, partitions: int, tmp_path: Path) -> None:
    data = write(tmp_path, LOGS[name])
    run = run_pure(data, tmp_path / "cache", STUDY, partitions=partitions)
    document, history = batch_document(data, STUDY)
    assert list(differences(run.document, document)) == []
    assert_same_history(run.history, history)


@pytest.mark.parametrize("day", ["2009-03-01", "2009-03-02", "2009-04-30", "2009-05-01"])
def test_a_selected_day_equals_the_batch(day: str, tmp_path: Path) -> None:
    data = write(tmp_path, [f"{d}T{hour:02d}:00:00" for d in ("2009-03-01", "2009-03-02", "2009-04-30", "2009-05-01")
                            for hour in (0, 8, 23)])  # fmt: skip
    start = from_iso(day)
    run = run_pure(data, tmp_path / "cache", STUDY, partitions=2, select_from=start, select_to=start + DAY)
    document, history = batch_document(data, STUDY, select_from=start, select_to=start + DAY)
    assert list(differences(run.document, document)) == []
    assert_same_history(run.history, history)
