"""Which integers a group of users is made of, which segments a user is in, and what is shown of both.

Stats moves users between the groups of these tables; whoever shows them goes by the same layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from livelift import calendar
from livelift.event_time import DAY
from livelift.row_source import segments_reader
from livelift.study import Study
from livelift.table_plan import Key, Shown, TablePlan, decode_key, table_plans
from livelift.tables import TableValue
from livelift.user_tables import OTHER, USERS, Segment, UserTable, UserValue

Group = list[int]
"""Of the users of a group: how many, and the sums over them of those integers of their rows that the table shows (`UserTablePlan.places`)."""


@dataclass(frozen=True, slots=True)
class UsersPlan:
    """The users' rows with their segments. `plan` is that of the table `USERS`; `first_day` the place of the day of the user's first
    event among its columns, −1 where no value is that."""

    plan: TablePlan
    segments: Mapping[str, Segment]
    first_day: int

    def rows(self, groups: Mapping[bytes, list[int]], tick: int = -1) -> list[dict[str, Shown]]:
        """A row a user, in the order of their names, as a person reads it; the same at every `tick`."""
        segments_of = segments_reader(self.plan, self.segments)
        found = []
        for key, row in groups.items():
            segments = zip(self.segments.items(), segments_of(row), strict=True)
            mine = {name: _shown(segment, one) for (name, segment), one in segments}
            found.append(self.plan.shown(decode_key(key), row) | mine)
        return sorted(found, key=lambda row: str(row["user"]))


@dataclass(frozen=True, slots=True)
class UserTablePlan:
    """A table over users.

    Where it has shares, users are kept apart by the day of their first event too: whether a later day is over depends on that and on
    the tick, so that a share changes with time alone.
    """

    name: str
    table: UserTable
    users: UsersPlan

    @property
    def segments(self) -> list[Segment]:
        return [self.users.segments[by] for by in self.table.by]

    @property
    def has_shares(self) -> bool:
        return bool(self.table.retention) or any(value.share is not None for value in self.table.values.values())

    @property
    def places(self) -> tuple[int, ...]:
        """Which integers of the users' rows a group sums."""
        shown = [*self.table.retention, *(value.of for value in self.table.values.values() if value.of is not None)]
        return tuple(sorted({place for name in shown for place in self.users.plan.places[name]}))

    @property
    def width(self) -> int:
        """How many integers a group has."""
        return 1 + len(self.places)

    def rows(self, groups: Mapping[bytes, Group], tick: int) -> list[dict[str, Shown]]:
        """The table as a person reads it as of `tick` (ms), in the order of the segments."""
        by_keys: dict[tuple[Key, ...], dict[int, Group]] = {}
        for name, group in groups.items():
            if group[0]:
                first, *segments = decode_key(name)
                by_keys.setdefault(tuple(segments), {})[int(first) // DAY] = group
        found = []
        for keys in sorted(by_keys, key=lambda one: [*map(_place, self.segments, one)]):
            shown = {segment.key_column: _shown(segment, key) for segment, key in zip(self.segments, keys, strict=True)}
            if self.table.retention:
                found += [shown | self._retention(value, by_keys[keys], tick) for value in self.table.retention]
                continue
            together = [sum(column) for column in zip(*by_keys[keys].values(), strict=True)]
            for column, value in self.table.values.items():
                shown[column] = self._value(value, together, by_keys[keys], tick)
            found.append(shown)
        return found

    def returns(self, groups: Mapping[bytes, Group], tick: int, value: str) -> dict[Shown, tuple[int, int]]:
        """First segment → (users whose later day is over at `tick`, those of them with an event on it), of a value that is `returned`."""
        found: dict[Shown, tuple[int, int]] = {}
        for name, group in groups.items():
            if not group[0]:
                continue  # everybody has left it
            first, *segments = decode_key(name)
            row = self._retention(value, {int(first) // DAY: group}, tick)
            shown = _shown(self.segments[0], segments[0])
            users, retained = found.get(shown, (0, 0))
            found[shown] = users + int(row["users"] or 0), retained + int(row["retained"] or 0)
        return found

    def _value(self, value: UserValue, group: Group, by_first: dict[int, Group], tick: int) -> Shown:
        users, *sums = group
        if value.share is not None:
            return self._retention(value.share, by_first, tick)["share"]
        if value.of is None:
            return users
        row = [0] * len(self.users.plan.columns)
        for place, integer in zip(self.places, sums, strict=True):
            row[place] = integer
        declared = self._declared(value.of)
        if value.sum is not None or declared.aggregate == "mean":
            return self.users.plan.value(value.of, row, {})
        exact = self.users.plan.exact(value.of, row)
        assert exact is not None, "the study's checks leave no value that may be empty"
        return float(exact[0]) / float(exact[1] * users)

    def _retention(self, value: str, by_first: dict[int, Group], tick: int) -> dict[str, Shown]:
        """Of the users whose later day is over at `tick`, those with an event on it."""
        days = self._declared(value).returned
        assert days is not None, "the study's checks leave no other"
        (place,) = self.users.plan.places[value]
        over = [group for first, group in by_first.items() if (first + days + 1) * DAY <= tick]
        users, retained = sum(group[0] for group in over), sum(group[1 + self.places.index(place)] for group in over)
        return {"day": days, "users": users, "retained": retained, "share": retained / users if users else None}

    def _declared(self, value: str) -> TableValue:
        return self.users.plan.table.values[value]


def _place(segment: Segment, key: Key) -> tuple[bool, int]:
    """Windows by time, bins as they are declared, then who is in none."""
    if key == OTHER:
        return True, 0
    return False, int(key) if segment.window else list(segment.bins).index(str(key))


def _shown(segment: Segment, key: Key) -> Shown:
    return calendar.shown(segment.window, int(key)) if segment.window and key != OTHER else key


def users_plan(study: Study) -> UsersPlan:
    """Of a study with `[users.values]`."""
    plan = table_plans({USERS: study.users.table})[USERS]
    first = next((name for name, value in study.users.values.items() if value.is_first_day), None)
    return UsersPlan(plan, study.segments, -1 if first is None else plan.places[first][0])


def user_table_plans(study: Study) -> dict[str, UserTablePlan]:
    """The plan of each table over users, in the order of the study's file."""
    if not study.user_tables:
        return {}
    users = users_plan(study)
    return {name: UserTablePlan(name, table, users) for name, table in study.user_tables.items()}


def shown_plans(study: Study) -> dict[str, TablePlan | UsersPlan | UserTablePlan]:
    """Of every table what makes rows of its groups."""
    users = {USERS: users_plan(study)} if study.users.values else {}
    return {**table_plans(study.tables), **users, **user_table_plans(study)}
