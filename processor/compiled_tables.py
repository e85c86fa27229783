"""A study's tables as one function, written out and executed once: nothing of the declaration is looked up per event."""

from collections.abc import Callable, Sequence
from typing import Any

from livelift import calendar
from livelift.compiled_measures import condition
from livelift.source import Fields
from livelift.study import Study
from livelift.table_plan import Column, TablePlan, is_time_key
from livelift.tables import HOUR_OF_DAY, MOST_KEY_CHARACTERS, QUOTIENT_UNITS
from processor.user_state import UserState

FOR_EVER = 0
"""In place of the end of the window that has none."""

Add = Callable[[Sequence[Any], UserState, Any, "EventWindows"], None]
"""(of each table the groups of the event's window, by key; user; event; its windows)."""

New = Callable[[int, int, Any], list[int]]
"""(number of a table, start of the window, key) → a group without events. A key is a value, or a tuple of several or none."""


class EventWindows:
    """The windows that an event is in, which change with the hour.

    Attributes
    ----------
    since, until
        They hold for [since, until) ms.
    hour, day, week, month
        Their starts; `hour_end` … `month_end` their ends.
    hour_of_day, weekday
        As in `livelift.calendar`.
    """

    __slots__ = (
        "day", "day_end", "hour", "hour_end", "hour_of_day", "month", "month_end", "since", "until", "week", "week_end", "weekday",
    )  # fmt: skip

    def __init__(self) -> None:
        self.since = self.until = 0
        self.hour_end = self.day_end = self.week_end = self.month_end = 0

    def start(self, window: str) -> int:
        """Where the window of this kind begins."""
        return calendar.ALL if window == "all" else int(getattr(self, window))

    def enter(self, time: int) -> None:
        """Move to the windows that hold the moment `time`."""
        start = calendar.window_start
        self.since = self.hour = start("hour", time)
        self.until = self.hour_end = calendar.window_end("hour", time)
        self.hour_of_day = calendar.hour_of_day(time)
        self.weekday = calendar.weekday(time)
        self.day, self.day_end = start("day", time), calendar.window_end("day", time)
        self.week, self.week_end = start("week", time), calendar.window_end("week", time)
        self.month, self.month_end = start("month", time), calendar.window_end("month", time)

    def counted(self, user: UserState, end: int) -> set[int]:
        """The hashes of the groups of the windows that end at `end` ms in which `user` is counted; of windows that are over nothing
        is kept."""
        known = user.counted
        if known is None:
            known = user.counted = {}
        for over in [other for other in known if other != FOR_EVER and other <= self.since]:
            del known[over]
        return known.setdefault(end, set())


def compiled(study: Study, plans: Sequence[TablePlan], new: New) -> Add:
    """What adds an event to its group of every table; `new` makes a group."""
    made: dict[str, Any] = {"new": new}
    exec(compile(source(study.fields, plans), "<tables>", "exec"), made)
    function: Add = made["add"]
    return function


def source(fields: Fields, plans: Sequence[TablePlan]) -> str:
    """The function that `compiled` executes."""
    lines = ["def add(groups_of, user, event, windows):"]
    kinds = {plan.table.window for plan in plans if any(column.counts_users for column in plan.columns)}
    if kinds:
        lines.append("    known = user.counted")
    for kind in sorted(kinds):
        end = str(FOR_EVER) if kind == "all" else f"windows.{kind}_end"
        lines.append(f"    of_{kind} = known and known.get({end})")
        lines.append(f"    if of_{kind} is None:")
        lines.append(f"        of_{kind} = windows.counted(user, {end})")
    for number, plan in enumerate(plans):
        start = str(calendar.ALL) if plan.table.window == "all" else f"windows.{plan.table.window}"
        keys = [_key(by, fields) for by in plan.keys]
        names = [f"key_{by}" if _is_text(by, fields) else key for by, key in zip(plan.keys, keys, strict=True)]
        lines += [
            f"    groups = groups_of[{number}]",
            *(f"    {line}" for by, name in zip(plan.keys, keys, strict=True) for line in _cut(by, name, fields)),
            f"    key = {names[0] if len(names) == 1 else '(' + ', '.join(names) + ')'}",
            "    group = groups.get(key)",
            "    if group is None:",
            f"        group = groups[key] = new({number}, {start}, key)",
        ]
        for place, column in enumerate(plan.columns, start=1):
            lines += [f"    {line}" for line in _added(place, column, plan.table.window)]
    return "\n".join([*lines, ""])


def _key(by: str, fields: Fields) -> str:
    if not is_time_key(by, fields):
        return f"event.{by}"
    return "windows.hour_of_day" if by == HOUR_OF_DAY else "windows.weekday"


def _is_text(by: str, fields: Fields) -> bool:
    return by in fields and fields[by].type == "text"


def _cut(by: str, key: str, fields: Fields) -> list[str]:
    """Takes the beginning of a text that is too long for a key."""
    if not _is_text(by, fields):
        return []
    most = MOST_KEY_CHARACTERS
    return [f"key_{by} = {key}", f"if len(key_{by}) > {most}:", f"    key_{by} = key_{by}[:{most}]"]


def _value(column: Column) -> str:
    """What an event adds, as an expression."""
    if len(column.value) < 2:
        return f"event.{column.value[0]}" if column.value else "1"
    above, below = (f"event.{name}" for name in column.value)
    quotient = f"({above} * {2 * QUOTIENT_UNITS} + {below}) // (2 * {below})"
    most = column.source.at_most
    return quotient if most is None else f"min({quotient}, {most * QUOTIENT_UNITS})"


def _added(place: int, column: Column, window: str) -> list[str]:
    if column.counts_users:
        return [
            f"if group[0] not in of_{window}:",
            f"    of_{window}.add(group[0])",
            f"    group[{place}] += 1",
        ]
    value = _value(column)
    if column.merge == "add":
        lines = [f"group[{place}] += {value}"]
    else:
        sign = "<" if column.merge == "min" else ">"
        lines = [f"if {value} {sign} group[{place}]:", f"    group[{place}] = {value}"]
    met = " and ".join(condition(f"event.{field}", wanted) for field, wanted in column.source.where.items())
    return [f"if {met}:", *(f"    {line}" for line in lines)] if met else lines
