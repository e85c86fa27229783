"""Interface between a study and the window operator: how events are decoded and what an open session accumulates.

Most studies declare their measures; `study.py` in a study's folder may offer a `SessionMeasures` of its own. The operator
(`processor/window_operator.py`) knows times, users and timers; the study knows what an event is.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from livelift.compiled_measures import CompiledMeasures
from livelift.errors import StudyError
from livelift.study_folders import MODULE, line_in, shown, study_module
from livelift.tables import fields_read

if TYPE_CHECKING:
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


HOW = "declare [measures] (docs/12-studies.md), or write a `measures(study)` that gives a SessionMeasures"

NEEDED = ("names", "decode", "begin", "extend", "finish", "freeze", "thaw")
"""What a study's measures have: `SessionMeasures`."""


def session_measures(study: "Study") -> SessionMeasures:
    """The measures of `study`: as it declares them, else from the `study.py` in its folder.

    Raises
    ------
    StudyError
        If there are none, or two, or what `study.py` offers are no measures.
    """
    folder = Path(study.folder)
    file = shown(folder / MODULE)
    module = study_module(folder) if study.folder else None
    if study.measures:
        if hasattr(module, "measures"):
            raise StudyError(f"study '{study.name}' has [measures] and {file} has some too", "leave one of them out")
        arm = study.experiment.arm_field
        also = {*([arm] if arm else []), *fields_read(study.event_tables)}
        return CompiledMeasures(study.fields, study.measures, also)
    if module is None:
        raise StudyError(f"study '{study.name}' has no [measures], and {file} is not there", HOW)
    if not callable(getattr(module, "measures", None)):
        raise StudyError(f"study '{study.name}' has no [measures], and {file} no function `measures`", HOW)
    try:
        made: SessionMeasures = module.measures(study)
    except Exception as error:  # whatever a person's function raises is to be told as theirs
        raise StudyError(
            f"{file}: `measures` failed: {type(error).__name__}: {error}{line_in(folder / MODULE, error)}",
            "mend the file",
        ) from error
    missing = [name for name in NEEDED if not hasattr(made, name)]
    if missing:
        raise StudyError(
            f"{file}: what `measures` gives has no {', '.join(missing)}", "see livelift/sessions.py, SessionMeasures"
        )
    if not isinstance(made.names, tuple) or made.names[:1] != ("seconds",):
        raise StudyError(
            f"{file}: the measures' `names` are {made.names!r}", 'make them a tuple that begins with "seconds"'
        )
    return made
