"""Groups of a study's tables, added up over the partitions. Pure; as of the last midnight that all partitions have told.

A change of a user's row moves the user between the groups of the tables over users.
"""

from collections.abc import Callable, Iterator
from operator import add, sub

from livelift.output_log import GroupChange
from livelift.study import Study
from livelift.table_plan import encode_key, split_name, table_plans
from livelift.user_table_plan import user_table_plans
from livelift.user_tables import USERS
from stats.sums.churn_learner import ChurnLearner
from stats.sums.compiled_users import Changes, compiled_moves

MERGES: dict[str, Callable[[int, int], int]] = {"add": add, "min": min, "max": max}


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
        self.churn = ChurnLearner(study, self.plans[USERS]) if study.churn.days else None
        self._move = compiled_moves(self._over_users)
        self._moved: tuple[Changes, ...] = tuple({} for _ in self._over_users)
        self._merges = {name: [MERGES[column.merge] for column in plan.columns] for name, plan in self.plans.items()}
        widths = {name: len(plan.columns) for name, plan in self.plans.items()}
        widths |= {plan.name: plan.width for plan in self._over_users}
        self.groups: dict[str, dict[str, list[int]]] = {name: {} for name in widths}
        self.changed: set[tuple[str, str]] = set()
        self._witness = {name: [0] * (1 + width) for name, width in widths.items()}

    def apply(self, change: GroupChange) -> None:
        """Take the next change of a partition's log; those of users are in the tables over them after `settle`."""
        name, key = split_name(change.group)
        before = self.groups[name].get(key)
        after = (
            list(change.added)
            if before is None
            else [merge(*parts) for merge, *parts in zip(self._merges[name], before, change.added, strict=True)]
        )
        self._put(name, key, before, after)
        self.changed.add((name, key))
        if name == USERS:
            if self.churn is not None:
                self.churn.note(key, before, after)
            self._move(before, after, self._moved)

    def settle(self, due: int) -> None:
        """All changes of the tick of the marks `due` were applied: let the tables over users have them, and the churn model."""
        if self.churn is not None:
            self.churn.settle(due, self.groups[USERS])
        for plan, changes in zip(self._over_users, self._moved, strict=True):
            groups = self.groups[plan.name]
            for keys, added in changes.items():
                key = encode_key(keys)
                before = groups.get(key)
                self._put(plan.name, key, before, added if before is None else [*map(add, before, added)])
                self.changed.add((plan.name, key))
            changes.clear()

    def changes(self) -> Iterator[tuple[str, str, list[int]]]:
        """(table, key, integers) of what changed."""
        for name, key in sorted(self.changed):
            yield name, key, self.groups[name][key]

    def put(self, table: str, key: str, integers: list[int]) -> None:
        """Put back a group that was kept."""
        self._put(table, key, self.groups[table].get(key), integers)

    def _put(self, table: str, key: str, before: list[int] | None, after: list[int]) -> None:
        witness = self._witness[table]
        witness[0] += before is None
        witness[1:] = map(add, witness[1:], after if before is None else map(sub, after, before))
        self.groups[table][key] = after

    def sizes(self) -> tuple[int, ...]:
        """How many groups each table has, in their order."""
        return tuple(len(groups) for groups in self.groups.values())

    def witness(self) -> dict[str, list[int]]:
        """Of each table how many groups it has, and the sum over them of each of their integers: what the rows that are kept have to
        add up to."""
        return {name: list(sums) for name, sums in self._witness.items()}
