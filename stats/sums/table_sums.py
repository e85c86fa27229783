"""Groups of a study's tables, added up over the partitions. Pure; as of the last midnight that all partitions have told.

A change of a user's row moves the user between the groups of the tables over users.
"""

from collections.abc import Iterator

from livelift.output_log import GroupChange
from livelift.study import Study
from livelift.table_plan import decode_key, encode_key, table_plans
from livelift.user_table_plan import contribution, user_table_plans
from livelift.user_tables import USERS


class TableSums:
    """The integers of every group (`livelift.table_plan`), by table and key.

    Attributes
    ----------
    changed
        (table, key) of what changed since the last commit, so that only that is written.
    """

    def __init__(self, study: Study) -> None:
        self.plans = table_plans(study.event_tables)
        self._over_users = tuple(user_table_plans(study).values())
        widths = {name: len(plan.columns) for name, plan in self.plans.items()}
        widths |= {plan.name: plan.width for plan in self._over_users}
        self.groups: dict[str, dict[str, list[int]]] = {name: {} for name in widths}
        self.changed: set[tuple[str, str]] = set()
        self._witness = {name: [0] * (1 + width) for name, width in widths.items()}

    def apply(self, change: GroupChange) -> None:
        """Take the next change of a partition's log."""
        table, *rest = decode_key(change.group)
        name = str(table)
        key = encode_key(tuple(rest))
        plan = self.plans[name]
        before = self.groups[name].get(key)
        group = list(before or plan.initial)
        plan.merge(group, change.added)
        self.put(name, key, group)
        self.changed.add((name, key))
        if name == USERS:
            self._move(before, group)

    def _move(self, before: list[int] | None, after: list[int]) -> None:
        """A user's row has changed: it leaves the groups that it was in, and enters those it is in now."""
        leaves = () if before is None else tuple(contribution(before))
        enters = tuple(contribution(after))
        for plan in self._over_users:
            if before is not None:
                self._add(plan.name, plan.key(before), leaves, -1)
            self._add(plan.name, plan.key(after), enters, 1)

    def _add(self, table: str, key: tuple[int | str, ...], row: tuple[int, ...], sign: int) -> None:
        name = encode_key(key)
        group = self.groups[table].get(name) or [0] * len(row)
        self.put(table, name, [mine + sign * other for mine, other in zip(group, row, strict=True)])
        self.changed.add((table, name))

    def changes(self) -> Iterator[tuple[str, str, list[int]]]:
        """(table, key, integers) of what changed."""
        for name, key in sorted(self.changed):
            yield name, key, self.groups[name][key]

    def put(self, table: str, key: str, integers: list[int]) -> None:
        """Let a group have these integers: also to put back what was kept."""
        before = self.groups[table].get(key)
        witness = self._witness[table]
        witness[0] += before is None
        for place, (new, old) in enumerate(zip(integers, before or [0] * len(integers), strict=True), start=1):
            witness[place] += new - old
        self.groups[table][key] = integers

    def sizes(self) -> tuple[int, ...]:
        """How many groups each table has, in their order."""
        return tuple(len(groups) for groups in self.groups.values())

    def witness(self) -> dict[str, list[int]]:
        """Of each table how many groups it has, and the sum over them of each of their integers: what the rows that are kept have to
        add up to."""
        return {name: list(sums) for name, sums in self._witness.items()}
