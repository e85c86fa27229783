"""Source text over the integers of a user's row: a value, whether there is one, a segment; for functions that are written out once.

The only place that says how a value is made of integers for them: what moves users between segments, what shows the segments and what
learns from the rows compile the same text.
"""

from collections.abc import Callable, Mapping
from typing import Any

from livelift import calendar
from livelift.event_time import DAY
from livelift.table_plan import NO_MAX, NO_MIN, Key, TablePlan, denominator
from livelift.user_tables import OTHER, Segment


def quotient(plan: TablePlan, name: str) -> tuple[str, str]:
    """Numerator and denominator of the value `name` of the row `r`, where it has one; of all but a ratio."""
    value, places = plan.table.values[name], plan.places[name]
    above, below = f"r[{places[0]}]", str(denominator(value))
    if value.difference is not None:
        above = f"(r[{places[0]}] - r[{places[1]}])"
    if value.aggregate == "mean":
        below = f"(r[{places[1]}] * {below})"
    return above if value.times == 1 else f"{above} * {value.times}", below


def known(plan: TablePlan, name: str) -> str:
    """Has the row `r` the value `name`? Empty where every row has."""
    found = []
    for one in plan.table.values[name].difference or [name]:
        aggregate, places = plan.table.values[one].aggregate, plan.places[one]
        if aggregate == "mean":
            found.append(f"r[{places[1]}]")
        elif aggregate in ("min", "max"):
            found.append(f"r[{places[0]}] not in ({NO_MIN}, {NO_MAX})")
    return " and ".join(found)


def segment_source(plan: TablePlan, segment: Segment) -> str:
    """Which bin the row `r` is in, by its name, or which window, by its start in ms; needs `WINDOW_STARTS`."""
    above, below = quotient(plan, segment.of)
    if segment.window:
        text = f"{segment.window}_of({above})"
    else:
        text = repr(OTHER)
        for name, within in reversed(segment.bins.items()):
            met = [f"{above} >= {within.at_least} * {below}"] if within.at_least is not None else []
            met += [f"{above} < {within.below} * {below}"] if within.below is not None else []
            text = f"{name!r} if {' and '.join(met)} else {text}"
    there = known(plan, segment.of)
    return f"({text}) if {there} else {OTHER!r}" if there else text


class _Starts(dict[int, int]):
    """Day since 1970 → start of its window in ms; there are few days."""

    def __init__(self, window: str) -> None:
        super().__init__()
        self._window = window

    def __missing__(self, day: int) -> int:
        start = self[day] = calendar.window_start(self._window, day * DAY)
        return start


WINDOW_STARTS: dict[str, Any] = {f"{window}_of": _Starts(window).__getitem__ for window in ("day", "week", "month")}
"""Names that the text of a segment uses."""


def segments_reader(plan: TablePlan, segments: Mapping[str, Segment]) -> Callable[[list[int]], tuple[Key, ...]]:
    """What says of a user's row in which bin or window of each segment it is."""
    parts = "".join(f"{segment_source(plan, segment)}, " for segment in segments.values())
    return compiled("segments", f"def segments(r):\n    return ({parts})", WINDOW_STARTS)


def compiled(function: str, source: str, names: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """The function of this name that `source` defines; `names` are what it uses."""
    made = dict(names or {})
    exec(compile(source, f"<{function}>", "exec"), made)
    found: Callable[..., Any] = made[function]
    return found
