"""What a study gives the session operator: how events are read and what an open session accumulates.

A study's module (`studies/<name>.py`) offers one `SessionMeasures`. The operator knows times, users and timers; the
study knows what a play is.
"""

from importlib import import_module
from typing import Any, Protocol

from livelift.study import Study


class Event(Protocol):
    """A decoded event: at least `row`, its number in the sorted replay."""

    row: int


class SessionMeasures(Protocol):
    """The study's own part of a session. `accumulator` is a mutable value that only the study looks into.

    `finish` gives one integer per name in `names`; the first is always "seconds".
    """

    names: tuple[str, ...]

    def decode(self, value: bytes, /) -> Any:
        """The event in a record's value; raises one of `livelift.events.UNREADABLE` if there is none, or one of another schema."""

    def begin(self, event: Any, /) -> Any:
        """The accumulator of a session whose first event is `event`."""

    def extend(self, accumulator: Any, event: Any, gap: int, /) -> None:
        """Add the session's next event, `gap` ms after the one before."""

    def finish(self, accumulator: Any, start: int, last: int, /) -> tuple[int, ...]:
        """The measures of the closed session that lasted from `start` to `last`, in ms."""

    def freeze(self, accumulator: Any, /) -> Any:
        """The accumulator as a plain value for the changelog. It is not one itself: no list, dict or bytes."""

    def thaw(self, frozen: Any, /) -> Any:
        """The accumulator that `freeze` was given."""


def session_measures(study: Study) -> SessionMeasures:
    """The measures of `study`, from `studies/<name>.py`."""
    measures: SessionMeasures = import_module(f"studies.{study.name}").measures(study)
    return measures
