"""Tables over users as one function, written out and executed once: what a user's changed row changes in their groups.

A tick may change every user, so that nothing of the declaration is looked up per user.
"""

from collections.abc import Callable, Sequence

from livelift import calendar
from livelift.event_time import DAY
from livelift.row_source import WINDOW_STARTS, compiled, segment_source
from livelift.table_plan import NO_MAX, NO_MIN, Key
from livelift.user_table_plan import UserTablePlan

Changes = dict[tuple[Key, ...], list[int]]
"""Of a table: key of a group → what is added to its integers."""

Move = Callable[[list[int] | None, list[int], Sequence[Changes]], None]
"""(row before, None for a new user; row after; of each table its changes)."""


def compiled_moves(plans: Sequence[UserTablePlan]) -> Move:
    """What takes a user's row before a change out of the groups, and puts that after it in."""
    return compiled("move", source(plans), WINDOW_STARTS)


def source(plans: Sequence[UserTablePlan]) -> str:
    """The functions that `compiled_moves` executes: one for the segments of a row, one that moves it."""
    segments = list(dict.fromkeys(by for plan in plans for by in plan.table.by))
    lines = ["def keys(r):"]
    for number, name in enumerate(segments):
        users = plans[0].users
        lines.append(f"    s{number} = {segment_source(users.plan, users.segments[name])}")
    keys = []
    for plan in plans:
        first = f"r[{plan.users.first_day}] * {DAY}" if plan.has_shares else str(calendar.ALL)
        keys.append(f"({', '.join([first, *(f's{segments.index(by)}' for by in plan.table.by)])},)")
    lines += [
        f"    return ({''.join(f'{key}, ' for key in keys)})",
        "def move(before, after, changes):",
        "    now, was = keys(after), None if before is None else keys(before)",
    ]
    for number, plan in enumerate(plans):
        new, old = ([_integer(row, place, plan) for place in plan.places] for row in ("after", "before"))
        enters, leaves = ["1", *new], ["-1", *(f"-{integer}" for integer in old)]
        stays = ["0", *(f"{mine} - {other}" for mine, other in zip(new, old, strict=True))]
        lines += [
            f"    mine, key = changes[{number}], now[{number}]",
            "    if before is None:",
            *_adding("key", enters, 2),
            f"    elif was[{number}] == key:",
            *_adding("key", stays, 2),
            "    else:",
            *_adding(f"was[{number}]", leaves, 2),
            *_adding("key", enters, 2),
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
