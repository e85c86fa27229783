"""A study's tables as one function, written out and executed once: nothing of the declaration is looked up per event."""

from collections.abc import Callable, Sequence
from typing import Any

from xxhash import xxh3_64_intdigest as hash64

from livelift import calendar
from livelift.compiled_measures import condition
from livelift.event_time import DAY
from livelift.quantiles import DIGITS, EXACT, BinTable
from livelift.source import Fields
from livelift.study import Study
from livelift.table_plan import Column, TablePlan, is_time_key
from livelift.tables import HOUR_OF_DAY, MOST_KEY_CHARACTERS, QUOTIENT_UNITS, USER
from processor.user_state import UserState

FOR_EVER = 0
"""In place of the end of the window that has none."""

Add = Callable[[Sequence[Any], UserState, Any, "EventWindows", int], None]
"""(of each table the groups of the event's window, by key; user; event; its windows; its time in ms)."""

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
    day_number
        Days since 1970.
    """

    __slots__ = (
        "day", "day_end", "day_number", "hour", "hour_end", "hour_of_day", "month", "month_end", "week", "week_end", "weekday",
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
        self.day_number = time // DAY
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
    made: dict[str, Any] = {"new": new, "hash64": hash64}
    gap = study.windows.gap_ms if study.windows.kind == "gap" else None
    exec(compile(source(study.fields, plans, gap), "<tables>", "exec"), made)
    function: Add = made["add"]
    return function


def source(fields: Fields, plans: Sequence[TablePlan], gap_ms: int | None) -> str:
    """The function that `compiled` executes: what several tables need of an event is taken once, then each table has its lines.
    `gap_ms` None: each event is a session."""
    once = _Once(fields, gap_ms)
    body: list[str] = []
    for number, plan in enumerate(plans):
        start = str(calendar.ALL) if plan.table.window == "all" else f"windows.{plan.table.window}"
        names = [once.key(by) for by in plan.table.by]
        if isinstance(plan.table, BinTable):
            names.append(once.bin(plan.table.bins))
        lines = [
            f"groups = groups_of[{number}]",
            f"key = {names[0] if len(names) == 1 else '(' + ', '.join(names) + ')'}",
            "group = groups.get(key)",
            "if group is None:",
            f"    group = groups[key] = new({number}, {start}, key)",
        ]
        for place, column in enumerate(plan.columns, start=1):
            if column.counts_users:
                lines += _counted(number, place, plan, once)
            elif column.counts_values:
                lines += _values_counted(place, column, plan, once)
            else:
                lines += _added(place, column, once)
        if isinstance(plan.table, BinTable):
            lines = _only(_conditions(plan.columns[0], once), lines)  # no bin without an event
        body += lines
    return "\n".join(
        ["def add(groups_of, user, event, windows, time):", *(f"    {line}" for line in [*once.lines, *body]), ""]
    )


class _Once:
    """Lines that take something of an event or its user once, into a variable."""

    def __init__(self, fields: Fields, gap_ms: int | None) -> None:
        self._fields = fields
        self._gap = gap_ms
        self.lines: list[str] = []
        self._names: dict[str, str] = {}

    def take(self, expression: str, *more: str) -> str:
        """The variable that has the expression's value; `more` are lines that follow its first use, with `{}` for the variable."""
        if expression not in self._names:
            name = self._names[expression] = f"once{len(self._names)}"
            self.lines += [f"{name} = {expression}", *(line.replace("{}", name) for line in more)]
        return self._names[expression]

    def key(self, by: str) -> str:
        """A key; of a text that is too long its beginning."""
        if by == USER and by not in self._fields:
            return self.take("user.user.decode()")
        if is_time_key(by, self._fields):
            return self.take("windows.hour_of_day" if by == HOUR_OF_DAY else "windows.weekday")
        if self._fields[by].type != "text":
            return self.take(f"event.{by}")
        most = MOST_KEY_CHARACTERS
        return self.take(f"event.{by}[:{most}] if len(event.{by}) > {most} else event.{by}")

    def bin(self, field: str) -> str:
        """As of `livelift.quantiles.bin_of`."""
        value = self.take(f"event.{field}")
        return self.take(
            f"{value} if {value} < {EXACT} else {value} >> (shift := {value}.bit_length() - {DIGITS}) << shift"
        )

    def is_text(self, field: str) -> bool:
        return self._fields[field].type == "text"

    def counted(self, window: str) -> str:
        """What the user's groups of the windows that end with this one have counted."""
        end, known = _end(window), self.take("user.counted")
        return self.take(
            f"{known}.get({end}) if {known} else None", "if {} is None:", f"    {{}} = windows.counted(user, {end})"
        )

    def since_first(self) -> str:
        """Days since the user's first one, which this may be."""
        return self.take("windows.day_number - user.first_day if user.first_day >= 0 else 0")

    def begins_session(self) -> str:
        """Does the event begin a session? Of the operator's windows, which take it after the tables."""
        if self._gap is None:
            return "True"
        return self.take(f"user.accumulator is None or time - user.session_last > {self._gap}")


def _end(window: str) -> str:
    return str(FOR_EVER) if window == "all" else f"windows.{window}_end"


def _counted(number: int, place: int, plan: TablePlan, once: _Once) -> list[str]:
    """Counts a user once a group. Where a window is one group, the last window that counted the user tells."""
    end = _end(plan.table.window)
    if not plan.table.by:
        last = once.take("user.counted_last", "if {} is None:", "    {} = user.counted_last = dict()")
        return [f"if {last}.get({number}) != {end}:", f"    {last}[{number}] = {end}", f"    group[{place}] += 1"]
    counted = once.counted(plan.table.window)
    return [f"if group[0] not in {counted}:", f"    {counted}.add(group[0])", f"    group[{place}] += 1"]


def _values_counted(place: int, column: Column, plan: TablePlan, once: _Once) -> list[str]:
    """Counts each value of a field once, in a group of one user: the user keeps the hash of each, with that of the group."""
    (field,) = column.source.fields
    counted = once.counted(plan.table.window)
    text = f"event.{field}.encode()" if once.is_text(field) else f"b'%d' % event.{field}"
    lines = [
        f"mark = group[0] ^ hash64({text}, {place})",
        f"if mark not in {counted}:",
        f"    {counted}.add(mark)",
        f"    group[{place}] += 1",
    ]
    return _only(_conditions(column, once), lines)


def _value(column: Column, once: _Once) -> str:
    """What an event adds."""
    if column.source.is_day:
        return "windows.day_number"
    if len(column.value) < 2:
        return once.take(f"event.{column.value[0]}") if column.value else "1"
    above, below = (once.take(f"event.{name}") for name in column.value)
    quotient = f"({above} * {2 * QUOTIENT_UNITS} + {below}) // (2 * {below})"
    most = column.source.at_most
    return once.take(quotient if most is None else f"min({quotient}, {most * QUOTIENT_UNITS})")


def _added(place: int, column: Column, once: _Once) -> list[str]:
    value = _value(column, once)
    if column.source.returned is not None:
        lines = [f"group[{place}] = 1"]  # a midnight tells the changes of one day, so that it is added once
    elif column.merge == "add":
        lines = [f"group[{place}] += {value}"]
    else:
        sign = "<" if column.merge == "min" else ">"
        lines = [f"if {value} {sign} group[{place}]:", f"    group[{place}] = {value}"]
    return _only(_conditions(column, once), lines)


def _only(met: str, lines: list[str]) -> list[str]:
    """The lines, if the condition is met; it is empty where it always is."""
    return [f"if {met}:", *(f"    {line}" for line in lines)] if met else lines


def _conditions(column: Column, once: _Once) -> str:
    """Which events it takes; empty for all."""
    source = column.source
    parts = []
    if source.where:
        met = [condition(once.take(f"event.{field}"), wanted) for field, wanted in source.where.items()]
        parts.append(once.take(" and ".join(met)))
    if source.exceeds:
        more, than = (once.take(f"event.{field}") for field in source.exceeds)
        parts.append(f"{more} > {than}")
    if source.first_days is not None:
        parts.append(f"{once.since_first()} < {source.first_days}")
    if source.returned is not None:
        parts.append(f"{once.since_first()} == {source.returned}")
    if column.counts_sessions:
        parts.append(once.begins_session())
    return " and ".join(f"({part})" for part in parts)
