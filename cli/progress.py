"""Progress of a run while it runs: one moving line on a terminal, a plain line every few seconds elsewhere."""

import time
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

LINE_SECONDS = 3.0


class RunProgress:
    """Shows the newest document of a run; a context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._started = time.monotonic()
        self._said = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            self._live.__exit__(*error)

    def update(self, document: dict[str, Any] | None) -> None:
        """Take the newest document; None before the first."""
        now = time.monotonic()
        line = self._line(document, now - self._started)
        if self._live is not None:
            self._live.update(Text(line))
        elif now - self._said >= LINE_SECONDS:
            self._said = now
            self._console.print(line)

    def _line(self, document: dict[str, Any] | None, seconds: float) -> str:
        if document is None:
            return f"{seconds:5.0f} s  preparing"
        rows = document["input"]["accepted"]
        return (
            f"{seconds:5.0f} s  event time {document['as_of']}  {rows:,} events  {document['sessions']['all']:,} sessions"
            f"  {document['decision'].replace('_', ' ')}"
        )
