"""Statements about the input hold at every tick: shares of all rows, completion only where the data reach."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from batch.document import batch_document
from livelift.document import Document, HistoryEntry
from livelift.event_time import DAY, from_iso
from livelift.events import Manifest
from livelift.output_log import END_DUE, SCHEMA, Counts, EndMark
from livelift.sessions import session_measures
from livelift.study import Study, load_study
from local.equality import differences
from stats.decision import engine
from stats.sums.run_state import RunState
from tests.statistics.support import tick
from tests.support.pure_pipeline import run_pure

STUDY = load_study("lastfm")


def both(
    data: Path, cache: Path, select_to: str | None = None, study: Study = STUDY
) -> tuple[Document, list[HistoryEntry]]:
    until = None if select_to is None else from_iso(select_to)
    document, history = batch_document(data, study, select_to=until)
    run = run_pure(data, cache, study, partitions=3, select_to=until)
    assert list(differences(run.document, document)) == []
    live = {(entry.as_of, entry.progress.ended): entry for entry in run.history}
    for entry in history:
        assert list(differences(live[entry.as_of, entry.progress.ended], entry)) == []
    return document, history


def log(path: Path, days: int, undated: int = 0) -> Path:
    """120 users with a session of two plays a day, and rows without a date at the end of the file."""
    rows = []
    for day in range(days):
        at = datetime(2009, 3, 1, 8) + timedelta(days=day)
        for user in range(120):
            for minutes in (0, 5 + (7 * user + day) % 23):
                rows.append(f"u{user}\t{at + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}\t\ta{user % 7}\t\tb")
    path.write_text("\n".join([*rows, *(f"u{number}\tsometime\t\ta\t\tb" for number in range(undated))]) + "\n")
    return path


def test_rejected_rows_are_a_share_of_all_rows_at_every_tick(tmp_path: Path) -> None:
    """4 % of the file, limit 5 %: of the few rows that have been replayed on the first days it would be far more."""
    data = log(tmp_path / "log.tsv", days=30, undated=300)
    document, history = both(data, tmp_path / "cache")
    assert document.health.rejected_share == pytest.approx(300 / 7500)
    assert {entry.health.rejected_share for entry in history} == {document.health.rejected_share}
    assert "unhealthy" not in {entry.decision for entry in history}


def test_too_many_rejected_rows_are_unhealthy_at_every_tick(tmp_path: Path) -> None:
    _, history = both(log(tmp_path / "log.tsv", days=10, undated=300), tmp_path / "cache")
    assert {(entry.decision, entry.why) for entry in history[1:]} == {("unhealthy", "rejected_rows")}


@pytest.mark.parametrize(("days", "complete"), [(40, False), (63, True)])
def test_a_selection_completes_the_period_only_as_far_as_data_go(days: int, complete: bool, tmp_path: Path) -> None:
    """`--to` is a wish: a log that ends on 9 April is not complete because somebody asked for all of it to 1 May."""
    document, _ = both(log(tmp_path / "log.tsv", days=days), tmp_path / "cache", select_to="2009-05-01")
    assert document.progress.period_complete is complete
    if not complete:
        assert document.why == "ended_early" and document.progress.days_remaining == 22
        assert document.progress.look == 39


def listener(path: Path, first: str, until: str) -> None:
    """One more listener, who plays every half hour from `first` to `until`."""
    at, end = datetime.fromisoformat(first), datetime.fromisoformat(until)
    with path.open("a") as file:
        while at <= end:
            file.write(f"marathon\t{at:%Y-%m-%dT%H:%M:%SZ}\t\ta\t\tb\n")
            at += timedelta(minutes=30)


@pytest.mark.parametrize("wait_days", [0, 1, 3, 4])
def test_an_open_session_delays_completion_no_longer_than_set(wait_days: int, tmp_path: Path) -> None:
    """It ends on 4 May at 00:00: waited for until then or given up at the midnight of the limit, with words for both."""
    experiment = msgspec.structs.replace(STUDY.experiment, wait_days=wait_days)
    study = msgspec.structs.replace(STUDY, experiment=experiment)
    data = log(tmp_path / "log.tsv", days=66)
    listener(data, "2009-04-30T23:00:00", "2009-05-03T23:30:00")
    document, history = both(data, tmp_path / "cache", study=study)
    until = f"2009-05-0{1 + wait_days}"
    waits = [entry for entry in history if "2009-05-01" <= entry.as_of < until]
    assert len(waits) == wait_days and not any(entry.progress.period_complete for entry in waits)
    words = f"waits for 1 session that began in it and still goes on, until {until} at the latest"
    assert all(words in entry.reasons[-1] for entry in waits)
    complete = [entry for entry in history if entry.as_of >= until]
    assert complete[0].as_of == f"{until}T00:00:00Z" and complete[0].progress.period_complete
    left = 0 if wait_days == 4 else 1
    assert {entry.sessions.unfinished for entry in complete} == {document.sessions.unfinished} == {left}
    said = f"1 session that began in it was still open on {until} and is not counted"
    assert all((said in entry.reasons[-1]) == left for entry in complete)
    assert {entry.sessions.in_period for entry in complete} == {120 * 61 + 1 - left}
    assert len({entry.decision for entry in complete}) == 1


def test_a_session_begun_before_the_period_never_delays_it(tmp_path: Path) -> None:
    data = log(tmp_path / "log.tsv", days=66)
    listener(data, "2009-02-28T23:30:00", "2009-05-03T23:30:00")
    _, history = both(data, tmp_path / "cache")
    complete = next(entry for entry in history if entry.progress.period_complete)
    assert complete.as_of.startswith("2009-05-01")


def test_events_that_never_arrived_make_the_study_unhealthy() -> None:
    """The manifest says three, two came: never a verdict as if nothing were wrong."""
    state = RunState(STUDY, session_measures(STUDY).names, 1)
    at = STUDY.experiment.start_ms + DAY
    manifest = Manifest(3, 3, {}, 0, at, at + 1000)
    state.offer(0, [(0, EndMark(SCHEMA, END_DUE, at + 1000, Counts(2, 0), manifest))])
    sums = state.step()
    assert sums is not None and sums.counts.missing == 1
    exposed = replace(tick(30), counts=sums.counts, ended=True)
    _, verdict = engine.step(engine.initial(STUDY), exposed, STUDY)
    assert (verdict.decision, verdict.why) == ("unhealthy", "missing_events")
    assert "1 events that were sent had not arrived" in verdict.summary
