"""The live terminal: what it says of a stream and of a verdict, drawn and as a line."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from batch.document import batch_document
from cli.live import LiveTerminal, line, live_view
from cli.show import in_unit, interval, percent, verdict_view
from livelift.document import Document
from livelift.document.document import VariantCounts
from livelift.study import load_study
from local.metric_targets import MetricTargets, forget_targets, read_targets
from local.pace import Pace, PaceMeter
from local.pipeline_reading import PipelineReader, PipelineReading
from studies.lastfm import generator as lastfm_generator

STUDY = load_study("lastfm")
READING = PipelineReading(
    phase="sending", phase_done=0.5, rows=1_000, sent=600, applied=500, output_lag=7, open_sessions=12,
    event_time=1_236_000_000_000, workers=1,
)  # fmt: skip
PACE = Pace(events_per_s=250.0, speed_up=86_400.0, eta_s=125.0)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    data = tmp_path_factory.mktemp("live") / "log.tsv"
    lastfm_generator.generate(data, events=250_000, lift=0.2, seed=5, study=STUDY)
    found, _ = batch_document(data, STUDY)
    return replace(found, run="r1", preview=False)


def drawn(*, terminal: bool = True, width: int = 120, **given: Any) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=terminal, color_system=None)
    console.print(live_view(**given))
    return console.file.getvalue()  # type: ignore[attr-defined]


def running(document: Document) -> Document:
    return replace(document, progress=replace(document.progress, ended=False))


def test_the_picture_shows_stream_arms_and_decision(document: Document) -> None:
    text = drawn(document=running(document), study=STUDY, reading=READING, pace=PACE, seconds=61.0, age=5.0)
    for words in (
        "500 / 1,000 events", "ETA 2:05", "250 events/s", "× 86,400", "2009-03-02 13:20", "12 open",
        "100 events, 7 outputs", "late", "rejected", "control", "variant B", "always valid", "sample ratio as assigned",
        "unchanged for 0:05", "run r1", "1:01",
    ):  # fmt: skip
        assert words in text, words
    for metric in document.metrics.values():
        assert metric.title in text
    assert document.summary.split()[0] in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_narrow_terminal_shows_fewer_columns_and_cuts_none(document: Document) -> None:
    text = drawn(document=document, study=STUDY, reading=READING, pace=PACE, seconds=61.0, age=5.0, width=80)
    assert text.count("…") == text.count("% … "), "something is cut"
    assert "lift" in text and "decides" in text and "always valid" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_before_the_period_it_says_what_is_going_on(document: Document) -> None:
    nobody = VariantCounts(users_exposed=0, users_included=0, sessions=0, events=0)
    early = replace(running(document), variants={"control": nobody, "treatment": nobody})
    text = drawn(document=early, study=STUDY, reading=READING, pace=PACE, seconds=1.0, age=0.0)
    assert "nobody has been seen in the period yet" in text and "0 of 0" not in text
    words = line(early, READING, PACE, 1.0)
    assert words.endswith("before the period") and "lift" not in words


def test_the_verdict_fits_a_small_terminal_decision_first(document: Document) -> None:
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(verdict_view(document, STUDY))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) < 24 and max(map(len, lines)) <= 80
    assert lines[1].lstrip("│ ").startswith(("SHIP", "DON'T SHIP", "KEEP RUNNING", "UNHEALTHY", "NO DATA"))
    reading = document.metrics["session_duration"].sequential
    text = "\n".join(lines)
    assert f"lift {percent(reading.lift)}, always-valid interval {interval(reading.ci)}" in text
    assert f"{in_unit(reading.treatment, 'minutes')}" in text and "variant B" in text and "treatment" not in text


def test_after_the_end_it_says_so_although_no_station_runs(document: Document) -> None:
    assert document.progress.ended
    text = drawn(document=document, study=STUDY, reading=PipelineReading(), pace=Pace(), seconds=1.0, age=0.0)
    assert "100%" in text and f"{document.input.rows:,} rows, the stream has ended" in text
    assert "starting the stations" not in text


def test_before_the_first_document_the_producer_s_work_is_shown() -> None:
    reading = PipelineReading(phase="sorting", phase_done=0.25)
    text = drawn(document=None, study=STUDY, reading=reading, pace=Pace(), seconds=1.0, age=0.0)
    assert "putting it in time order 25%" in text
    assert "starting the stations" in drawn(
        document=None, study=STUDY, reading=PipelineReading(), pace=Pace(), seconds=1.0, age=0.0
    )


def test_a_wrong_split_is_said_in_capitals(document: Document) -> None:
    ill = replace(document, health=replace(document.health, sample_ratio_p=0.0001))
    text = drawn(document=ill, study=STUDY, reading=READING, pace=PACE, seconds=1.0, age=0.0)
    assert "sample ratio WRONG (p 0.0001)" in text


def test_unknown_is_a_dash_not_a_zero(document: Document) -> None:
    text = drawn(
        document=running(document), study=STUDY, reading=PipelineReading(rows=10), pace=Pace(), seconds=1.0, age=0.0
    )
    assert "– / 10 events   ETA –" in text
    assert "– events, – outputs" in text


def test_off_a_terminal_there_is_a_line_now_and_then(document: Document, tmp_path: Path) -> None:
    console = Console(file=StringIO(), width=200, force_terminal=False)
    clock = [0.0]
    with LiveTerminal(console, STUDY, PipelineReader(tmp_path, STUDY.name), lambda: clock[0]) as terminal:
        for now in (0.0, 1.0, 2.0, 3.5, 4.0):
            clock[0] = now
            terminal.update(document)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2
    assert all("lift" in text and document.decision.replace("_", " ") in text for text in lines)
    assert "500/1,000 events  250 events/s  lag 100" in line(None, READING, PACE, 1.0)


def test_the_verdict_view_says_the_rules_and_the_guarantee(document: Document) -> None:
    console = Console(file=StringIO(), width=160, force_terminal=True, color_system=None)
    console.print(verdict_view(document, STUDY, why=True))
    text = " ".join(console.file.getvalue().replace("│", " ").split())  # type: ignore[attr-defined]
    for reason in document.reasons:
        assert reason in text
    assert document.guarantee[0] in text


def test_the_pace_is_recent_and_has_no_end_while_nothing_moves() -> None:
    """It is the pace of the last seconds."""
    meter = PaceMeter()
    assert meter.take(PipelineReading(), 0.0) == Pace()
    for second in range(20):
        applied = 100 * second if second < 10 else 1_000
        pace = meter.take(PipelineReading(rows=5_000, applied=applied, event_time=0), float(second))
    assert pace == Pace(0.0, 0.0, None)


def test_each_process_of_a_study_keeps_its_address(tmp_path: Path) -> None:
    targets = MetricTargets(tmp_path / "targets", "one")
    MetricTargets(tmp_path / "targets", "one_more").add("processor", "processor")
    first = targets.add("processor", "processor")
    more = targets.add("processor-more", "processor")
    assert targets.add("processor", "processor") == first
    assert {station: set(at) for station, at in read_targets(tmp_path / "targets", "one").items()} == {
        "processor": {first, more}
    }
    targets.remove("processor-more")
    assert read_targets(tmp_path / "targets", "one") == {"processor": [first]}
    forget_targets(tmp_path / "targets")
    assert read_targets(tmp_path / "targets", "one") == {}


def test_a_station_that_does_not_answer_is_unknown_not_an_error(tmp_path: Path) -> None:
    targets = MetricTargets(tmp_path, STUDY.name)
    for station in ("producer", "processor", "stats"):
        targets.add(station, station)  # nobody listens there
    assert PipelineReader(tmp_path, STUDY.name).read() == PipelineReading()
