"""Progress display of `livelift replay`: a bar on a terminal, a line every few seconds elsewhere."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from livelift.event_time import to_iso
from producer.report import Report

LINE_SECONDS = 3.0


class ReplayProgress:
    """A reporter, and a context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_at = 0.0
        self._tasks: dict[str, TaskID] = {}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, report: Report) -> None:
        at = "" if report.event_time is None else f", event time {to_iso(report.event_time)[:10]}"
        if report.phase not in self._tasks:
            self._tasks[report.phase] = self._bar.add_task(report.phase, total=report.total)
            if report.manifest is not None and report.done:
                self._console.print(f"going on from row {report.done:,} of {report.total:,}")
        self._bar.update(self._tasks[report.phase], completed=report.done, description=f"{report.phase}{at}")
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said_at >= LINE_SECONDS:
            self._said_at = now
            self._console.print(f"{report.phase} {report.done:,} of {report.total:,}{at}")
