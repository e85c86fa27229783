"""Groups of a study's tables, added up over the partitions. Pure; as of the last midnight that all partitions have told."""

from collections.abc import Iterator

from livelift.output_log import GroupChange
from livelift.study import Study
from livelift.table_plan import decode_key, encode_key, table_plans


class TableSums:
    """The integers of every group (`livelift.table_plan`), by table and key.

    Attributes
    ----------
    changed
        (table, key) of what changed since the last commit, so that only that is written.
    """

    def __init__(self, study: Study) -> None:
        self.plans = table_plans(study.tables)
        self.groups: dict[str, dict[str, list[int]]] = {name: {} for name in self.plans}
        self.changed: set[tuple[str, str]] = set()
        self._witness = {name: [0] * (1 + len(plan.columns)) for name, plan in self.plans.items()}

    def apply(self, change: GroupChange) -> None:
        """Take the next change of a partition's log."""
        table, *rest = decode_key(change.group)
        name = str(table)
        key = encode_key(tuple(rest))
        plan = self.plans[name]
        group = list(self.groups[name].get(key) or plan.initial)
        plan.merge(group, change.added)
        self.put(name, key, group)
        self.changed.add((name, key))

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
