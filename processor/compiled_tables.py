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
    hour, day, week, month
        Their starts; `hour_end` … `month_end` their ends. All hold until the hour's.
    hour_of_day, weekday
        As in `livelift.calendar`.
    """

    __slots__ = (
        "day", "day_end", "hour", "hour_end", "hour_of_day", "month", "month_end", "week", "week_end", "weekday",
    )  # fmt: skip

    def __init__(self) -> None:
        self.hour = self.hour_end = 0  # no moment is in it

    def start(self, window: str) -> int:
        """Where the window of this kind begins."""
        return calendar.ALL if window == "all" else int(getattr(self, window))

    def enter(self, time: int) -> None:
        """Move to the windows that hold the moment `time`."""
        start, end = calendar.window_start, calendar.window_end
        self.hour, self.hour_end = start("hour", time), end("hour", time)
        self.day, self.day_end = start("day", time), end("day", time)
        self.week, self.week_end = start("week", time), end("week", time)
        self.month, self.month_end = start("month", time), end("month", time)
        self.hour_of_day, self.weekday = calendar.hour_of_day(time), calendar.weekday(time)

    def counted(self, user: UserState, end: int) -> set[int]:
        """The hashes of the groups of the windows that end at `end` ms in which `user` is counted; of windows that are over nothing
        is kept."""
        known = user.counted
        if known is None:
            known = user.counted = {}
        for over in [other for other in known if other != FOR_EVER and other <= self.hour]:
            del known[over]
        return known.setdefault(end, set())


def compiled(study: Study, plans: Sequence[TablePlan], new: New) -> Add:
    """What adds an event to its group of every table; `new` makes a group."""
    made: dict[str, Any] = {"new": new}
    exec(compile(source(study.fields, plans), "<tables>", "exec"), made)
    function: Add = made["add"]
    return function


def source(fields: Fields, plans: Sequence[TablePlan]) -> str:
    """The function that `compiled` executes: what several tables need of an event is taken once, then each table has its lines."""
    once = _Once()
    body: list[str] = []
    for number, plan in enumerate(plans):
        start = str(calendar.ALL) if plan.table.window == "all" else f"windows.{plan.table.window}"
        names = [once.key(by, fields) for by in plan.table.by]
        body += [
            f"groups = groups_of[{number}]",
            f"key = {names[0] if len(names) == 1 else '(' + ', '.join(names) + ')'}",
            "group = groups.get(key)",
            "if group is None:",
            f"    group = groups[key] = new({number}, {start}, key)",
        ]
        for place, column in enumerate(plan.columns, start=1):
            body += _counted(number, place, plan, once) if column.counts_users else _added(place, column, once)
    return "\n".join(
        ["def add(groups_of, user, event, windows):", *(f"    {line}" for line in [*once.lines, *body]), ""]
    )


class _Once:
    """Lines that take something of an event or its user once, into a variable."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: dict[str, str] = {}

    def take(self, expression: str, *more: str) -> str:
        """The variable that has the expression's value; `more` are lines that follow its first use, with `{}` for the variable."""
        if expression not in self._names:
            name = self._names[expression] = f"once{len(self._names)}"
            self.lines += [f"{name} = {expression}", *(line.replace("{}", name) for line in more)]
        return self._names[expression]

    def key(self, by: str, fields: Fields) -> str:
        """A key; of a text that is too long its beginning."""
        if is_time_key(by, fields):
            return self.take("windows.hour_of_day" if by == HOUR_OF_DAY else "windows.weekday")
        if fields[by].type != "text":
            return self.take(f"event.{by}")
        most = MOST_KEY_CHARACTERS
        return self.take(f"event.{by}[:{most}] if len(event.{by}) > {most} else event.{by}")


def _end(window: str) -> str:
    return str(FOR_EVER) if window == "all" else f"windows.{window}_end"


def _counted(number: int, place: int, plan: TablePlan, once: _Once) -> list[str]:
    """Counts a user once a group. Where a window is one group, the last window that counted the user tells."""
    end = _end(plan.table.window)
    if not plan.table.by:
        last = once.take("user.counted_last", "if {} is None:", "    {} = user.counted_last = dict()")
        return [f"if {last}.get({number}) != {end}:", f"    {last}[{number}] = {end}", f"    group[{place}] += 1"]
    known = once.take("user.counted")
    counted = once.take(
        f"{known}.get({end}) if {known} else None", "if {} is None:", f"    {{}} = windows.counted(user, {end})"
    )
    return [f"if group[0] not in {counted}:", f"    {counted}.add(group[0])", f"    group[{place}] += 1"]


def _value(column: Column, once: _Once) -> str:
    """What an event adds."""
    if len(column.value) < 2:
        return once.take(f"event.{column.value[0]}") if column.value else "1"
    above, below = (once.take(f"event.{name}") for name in column.value)
    quotient = f"({above} * {2 * QUOTIENT_UNITS} + {below}) // (2 * {below})"
    most = column.source.at_most
    return once.take(quotient if most is None else f"min({quotient}, {most * QUOTIENT_UNITS})")


def _added(place: int, column: Column, once: _Once) -> list[str]:
    value = _value(column, once)
    if column.merge == "add":
        lines = [f"group[{place}] += {value}"]
    else:
        sign = "<" if column.merge == "min" else ">"
        lines = [f"if {value} {sign} group[{place}]:", f"    group[{place}] = {value}"]
    if not column.source.where:
        return lines
    met = " and ".join(condition(once.take(f"event.{field}"), wanted) for field, wanted in column.source.where.items())
    return [f"if {once.take(met)}:", *(f"    {line}" for line in lines)]
