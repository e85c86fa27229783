"""Tables over users as one function, written out and executed once: what a user's changed row changes in their groups.

A tick may change every user, so that nothing of the declaration is looked up per user.
"""

from collections.abc import Callable, Sequence
from typing import Any

from livelift import calendar
from livelift.event_time import DAY
from livelift.table_plan import NO_MAX, NO_MIN, Key, denominator
from livelift.user_table_plan import UserTablePlan
from livelift.user_tables import OTHER, Segment

Changes = dict[tuple[Key, ...], list[int]]
"""Of a table: key of a group → what is added to its integers."""

Move = Callable[[list[int] | None, list[int], Sequence[Changes]], None]
"""(row before, None for a new user; row after; of each table its changes)."""


def compiled_moves(plans: Sequence[UserTablePlan]) -> Move:
    """What takes a user's row before a change out of the groups, and puts that after it in."""
    made: dict[str, Any] = {"starts": {}}
    for window in ("day", "week", "month"):
        made[f"{window}_of"] = _Starts(window).__getitem__
    exec(compile(source(plans), "<tables over users>", "exec"), made)
    function: Move = made["move"]
    return function


class _Starts(dict[int, int]):
    """Day since 1970 → start of its window in ms; there are few days."""

    def __init__(self, window: str) -> None:
        super().__init__()
        self._window = window

    def __missing__(self, day: int) -> int:
        start = self[day] = calendar.window_start(self._window, day * DAY)
        return start


def source(plans: Sequence[UserTablePlan]) -> str:
    """The functions that `compiled_moves` executes: one for the segments of a row, one that moves it."""
    segments = list(dict.fromkeys(by for plan in plans for by in plan.table.by))
    lines = ["def keys(r):"]
    for number, name in enumerate(segments):
        lines.append(f"    s{number} = {_segment(plans[0].users.segments[name], plans[0])}")
    keys = []
    for plan in plans:
        first = f"r[{plan.users.first_day}] * {DAY}" if plan.has_shares else str(calendar.ALL)
        keys.append(f"({', '.join([first, *(f's{segments.index(by)}' for by in plan.table.by)])},)")
    lines += [
        f"    return ({''.join(f'{key}, ' for key in keys)})",
        "def move(before, after, changes):",
        "    now = keys(after)",
    ]
    for number, plan in enumerate(plans):
        new, old = ([_integer(row, place, plan) for place in plan.places] for row in ("after", "before"))
        enters, leaves = ["1", *new], ["-1", *(f"-{integer}" for integer in old)]
        stays = ["0", *(f"{mine} - {other}" for mine, other in zip(new, old, strict=True))]
        lines += [
            f"    mine, key = changes[{number}], now[{number}]",
            "    if before is None:",
            *_adding("key", enters, 2),
            "    else:",
            f"        {'was = keys(before)' if number == 0 else 'pass'}",
            f"        if was[{number}] == key:",
            *_adding("key", stays, 3),
            "        else:",
            *_adding(f"was[{number}]", leaves, 3),
            *_adding("key", enters, 3),
        ]  # fmt: skip
    return "\n".join([*lines, ""])


def _adding(key: str, added: list[str], deep: int) -> list[str]:
    indent = "    " * deep
    return [
        f"{indent}group = mine.get({key})",
        f"{indent}if group is None:",
        f"{indent}    mine[{key}] = [{', '.join(added)}]",
        f"{indent}else:",
        *(f"{indent}    group[{place}] += {one}" for place, one in enumerate(added) if one != "0"),
        f"{indent}    pass",
    ]


def _integer(row: str, place: int, plan: UserTablePlan) -> str:
    """What the row in the variable `row` adds: nothing for an empty `min` or `max`."""
    column = plan.users.plan.columns[place]
    if column.merge == "add":
        return f"{row}[{place}]"
    return f"(0 if {row}[{place}] in ({NO_MIN}, {NO_MAX}) else {row}[{place}])"


def _segment(segment: Segment, plan: UserTablePlan) -> str:
    """The bin's name or the window's start."""
    users = plan.users.plan
    value, places = users.table.values[segment.of], users.places[segment.of]
    known = _known(segment.of, plan)
    if segment.window:
        start = f"{segment.window}_of(r[{places[0]}])"
        return f"{start} if {known} else {OTHER!r}" if known else start
    above, below = f"r[{places[0]}]", str(denominator(value))
    if value.difference is not None:
        above = f"(r[{places[0]}] - r[{places[1]}])"
    if value.aggregate == "mean":
        below = f"r[{places[1]}] * {denominator(value)}"
    above = above if value.times == 1 else f"{above} * {value.times}"
    text = repr(OTHER)
    for name, within in reversed(segment.bins.items()):
        met = [f"{above} >= {within.at_least} * {below}"] if within.at_least is not None else []
        met += [f"{above} < {within.below} * {below}"] if within.below is not None else []
        text = f"{name!r} if {' and '.join(met) or 'True'} else {text}"
    return f"({text}) if {known} else {OTHER!r}" if known else text


def _known(of: str, plan: UserTablePlan) -> str:
    """Has the row the value `of`? Empty where every row has."""
    users = plan.users.plan
    found = []
    for name in users.table.values[of].difference or [of]:
        one, places = users.table.values[name], users.places[name]
        if one.aggregate == "mean":
            found.append(f"r[{places[1]}]")
        elif one.aggregate in ("min", "max"):
            found.append(f"r[{places[0]}] not in ({NO_MIN}, {NO_MAX})")
    return " and ".join(found)
