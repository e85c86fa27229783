"""Live terminal view: stream progress, both arms, decision; redrawn in place, or a line now and then without a
terminal.
"""

import time
from collections.abc import Callable
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.show import DECISIONS, MetricsTable, alarms, included_of_exposed, interval, percent
from livelift.document import Document
from livelift.event_time import to_iso
from livelift.study import Study
from local.pace import Pace, PaceMeter
from local.pipeline_reading import PipelineReader, PipelineReading

LINE_SECONDS = 3.0
READ_SECONDS = 0.5
"""How often the stations are asked; the document is read with every call."""

WIDTH = 108


class LiveTerminal:
    """Shows a run while it runs; a context. `update` takes the newest document, None before the first.

    Parameters
    ----------
    now
        A steady clock in seconds.
    """

    def __init__(
        self, console: Console, study: Study, reader: PipelineReader, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._study = study
        self._reader = reader
        self._now = now
        self._meter = PaceMeter()
        self._started = now()
        self._read_at = self._said_at = -LINE_SECONDS
        self._reading, self._pace = PipelineReading(), Pace()
        self._decision: tuple[str, float] | None = None  # and since when
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            self._live.__exit__(*error)

    def update(self, document: Document | None) -> None:
        now = self._now()
        if now - self._read_at >= READ_SECONDS:
            self._read_at = now
            self._reading = self._reader.read()
            self._pace = self._meter.take(self._reading, now)
        if document is not None and (self._decision is None or self._decision[0] != document.decision):
            self._decision = document.decision, now
        if self._live is not None:
            self._live.update(self.picture(document))
        elif now - self._said_at >= LINE_SECONDS:
            self._said_at = now
            self._console.print(line(document, self._reading, self._pace, now - self._started), markup=False)

    def picture(self, document: Document | None) -> RenderableType:
        """The whole picture, for a terminal."""
        age = self._now() - self._decision[1] if self._decision else 0.0
        return live_view(document, self._study, self._reading, self._pace, self._now() - self._started, age)


def line(document: Document | None, reading: PipelineReading, pace: Pace, seconds: float) -> str:
    """One line for a log: no colours, no drawing."""
    parts = [f"{seconds:4.0f} s"]
    if document is not None and document.progress.ended:
        parts.append("the stream has ended")
    elif reading.rows is None:
        parts.append(_preparing(reading))
    else:
        parts.append(f"{_count(reading.applied)}/{_count(reading.rows)} events")
        parts.append(f"{_rate(pace.events_per_s)} events/s")
        parts.append(f"lag {_count(reading.lag)}")
    if document is not None:
        primary = document.deciding
        parts.append(f"{document.as_of[:10]}")
        parts.append(f"{document.sessions.all:,} sessions")
        if _is_exposed(document):
            bounds = "" if primary.lift is None else f" ({interval(primary.ci)})"
            parts.append(f"lift {percent(primary.lift)}{bounds}")
            parts.append(document.decision.replace("_", " "))
        else:
            parts.append("before the period")
    return "  ".join(parts)


def live_view(
    document: Document | None, study: Study, reading: PipelineReading, pace: Pace, seconds: float, age: float
) -> RenderableType:
    """Stream, arms and decision as one panel.

    Parameters
    ----------
    seconds
        Since the terminal began to watch.
    age
        Seconds since the decision was first seen as it is.
    """
    parts: list[RenderableType] = [_progress(document, reading, pace), _stream(document, reading, pace)]
    if document is not None:
        parts += ["", MetricsTable(document, study), "", _split(document, study), "", _decision(document, age)]
    run = "" if document is None else f"run {document.run}  "
    return Panel(Group(*parts), title=study.title, subtitle=f"{run}{_clock(seconds)}", width=WIDTH)


def _progress(document: Document | None, reading: PipelineReading, pace: Pace) -> RenderableType:
    row = Table.grid(padding=(0, 1))
    if document is not None and document.progress.ended:
        done, words = 1.0, f"{document.input.rows:,} rows, the stream has ended"
    elif reading.rows is None:
        done, words = reading.phase_done or 0.0, _preparing(reading)
    else:
        done = (reading.applied or 0) / reading.rows
        words = f"{_count(reading.applied)} / {_count(reading.rows)} events   ETA {_clock(pace.eta_s)}"
    row.add_row(ProgressBar(total=1.0, completed=done, width=44), f"{done:4.0%}", words)
    return row


def _preparing(reading: PipelineReading) -> str:
    words = {"reading": "reading the log", "sorting": "putting it in time order", "sending": "starting to send"}
    if reading.phase is None:
        return "starting the stations"
    return f"{words.get(reading.phase, reading.phase)} {reading.phase_done or 0:.0%}"


def _stream(document: Document | None, reading: PipelineReading, pace: Pace) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for _ in range(4):
        grid.add_column(no_wrap=True)
    clock = "–" if reading.event_time is None else to_iso(reading.event_time // 60_000 * 60_000)[:16].replace("T", " ")
    rows = document.input if document is not None else None
    rejected = None if rows is None else sum(rows.rejected.values())
    closed = None if document is None else document.sessions.all
    for label, value, label2, value2 in (
        ("event time", clock, "real time", f"× {_rate(pace.speed_up)}"),
        ("speed", f"{_rate(pace.events_per_s)} events/s",
         "lag", f"{_count(reading.lag)} events, {_count(reading.output_lag)} outputs"),
        ("sessions", f"{_count(closed)} closed, {_count(reading.open_sessions)} open",
         "late", _count(None if rows is None else rows.late)),
        ("rejected", _count(rejected), "duplicates", _count(None if rows is None else rows.duplicates)),
    ):  # fmt: skip
        grid.add_row(Text(label, "bright_black"), value, Text(label2, "bright_black"), value2)
    return grid


def _split(document: Document, study: Study) -> Text:
    """The sample-ratio check."""
    if not _is_exposed(document):
        return Text.assemble(("split  ", "bright_black"), "nobody has been seen in the period yet")
    users = ", ".join(included_of_exposed(document, study).values())
    p = document.health.sample_ratio_p
    alarm = study.health.sample_ratio_alpha
    text = Text.assemble(("split  ", "bright_black"), f"included: {users}   ")
    if p is None:
        return text
    bad = p <= alarm
    said = f"sample ratio {f'WRONG (p {p:.2g})' if bad else f'as assigned (p {p:.2g})'}"
    text.append(said, "bold red" if bad else "green")
    lost = document.health.inclusion_p
    if lost is not None and lost <= study.health.inclusion_alpha:
        text.append(f"   LEFT OUT UNEVENLY (p {lost:.2g})", "bold red")
    return text


def _is_exposed(document: Document) -> bool:
    """Has anybody been seen in the period?"""
    return any(arm.users_exposed for arm in document.variants.values())


def _decision(document: Document, age: float) -> RenderableType:
    words, style = DECISIONS[document.decision]
    progress = document.progress
    when = f"as of {document.as_of[:10]}, look {progress.look} of {progress.looks}, unchanged for {_clock(age)}"
    head = Text.assemble((f" {words} ", style), f"  {when}")
    if document.preview:
        head.append("  numbers are a preview between looks", "italic yellow")
    primary = document.deciding
    lift = f"lift {percent(primary.lift)}, always-valid interval {interval(primary.ci)}"
    return Group(head, Text(document.summary), *alarms(document), Text(lift, "bright_black"))


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _rate(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def _clock(seconds: float | None) -> str:
    """m:ss."""
    return "–" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
