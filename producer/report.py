"""Interface by which the producer reports progress."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from livelift.events import Manifest


@dataclass(frozen=True, slots=True)
class Report:
    """How far it is.

    Attributes
    ----------
    phase
        *reading*: bytes of the input file; *sorting*: rows written to the cache; *sending*: rows of the replay.
    done, total
        In that phase's unit.
    event_time
        Of the last event sent, in ms; None before the first.
    rejected
        Rows rejected, as far as is known.
    manifest
        What became of the input: in the first report of *sending*.
    """

    phase: Literal["reading", "sorting", "sending"]
    done: int
    total: int
    event_time: int | None = None
    rejected: int = 0
    manifest: Manifest | None = None


Reporter = Callable[[Report], None]
Stopped = Callable[[], bool]
"""Has a person asked to stop? Asked between steps; what is half done is put away or completed first."""


class Interrupted(Exception):  # noqa: N818  # no error: a person's wish
    """Stopped before the replay began; nothing half written stays."""


NOT_COMPLETE = 1
"""Exit code of a replay that was stopped: whoever watches the stations starts it again, and it goes on."""


def silent(report: Report) -> None:
    """A reporter for whoever needs none."""


def never() -> bool:
    """A stop flag that is never set."""
    return False
