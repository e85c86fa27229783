"""What the events since the last midnight add to the groups of a study's tables, on one partition. Pure.

A midnight tells the changes of the day and begins anew, so that memory holds the groups of one day. Stats adds up what the
partitions tell: each user is on one partition, so that users are counted exactly by adding too. Which users a group of a
longer window has counted already is in the users' own state: it lasts as long as they do.

The state is written in `SHARDS` records, each by itself as of an offset, before the users of a checkpoint. An event that is
applied again after a crash is left out of the shards that hold it; the users of that checkpoint, which may be older, count it as theirs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest as hash64

from livelift.output_log import SCHEMA as OUTPUT_SCHEMA
from livelift.output_log import GroupChange
from livelift.study import Study
from livelift.table_plan import decode_key, encode_key, table_plans
from processor.compiled_tables import EventWindows, compiled
from processor.user_state import SCHEMA, UserState

SHARDS = 64

GroupKey = tuple[Any, ...]
"""(number of the table, start of the window in ms, keys)."""

Group = list[int]
"""[hash of its name, the integers of `livelift.table_plan`]."""

Groups = dict[GroupKey, Group]


class TableShard(msgspec.Struct, array_like=True, tag=SCHEMA):
    """The record of state of some groups, [schema, as-of offset, …].

    watermark
        Events up to this time and `as_of` are in it.
    told
        The latest midnight (ms) that has told them.
    groups
        (name, integers) of the groups that changed since.
    """

    as_of: int = -1
    watermark: int = -1
    told: int = -1
    groups: list[tuple[str, list[int]]] = []


class TableChanges:
    """The changed groups of a partition. `len` says how many there are."""

    def __init__(self, study: Study) -> None:
        self._plans = tuple(table_plans(study.tables).values())
        self._names = {plan.name: number for number, plan in enumerate(self._plans)}
        self._windows = EventWindows()
        self._add = compiled(study, self._plans, self._new)
        self._groups: Groups = {}
        self._shards = [TableShard() for _ in range(SHARDS)]  # without their groups
        self._newest = -1  # the newest offset that a restored shard holds
        self._filled: set[int] = set()  # shards whose last record has groups

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, user: UserState, time: int, offset: int, event: Any) -> None:
        """Add an accepted event of `user`; events come in the order of their times."""
        windows = self._windows
        if not windows.since <= time < windows.until:
            windows.enter(time)
        if offset > self._newest:
            self._add(self._groups, user, event, windows)
        else:
            self._add(_Again(self, time, offset), user, event, windows)

    def told(self, due: int) -> Iterator[GroupChange]:
        """The midnight `due`: what changed, in the order of the groups' names; it begins anew."""
        changed: list[tuple[str, GroupKey, Group]] = []
        for key, group in self._groups.items():
            if self._shards[group[0] % SHARDS].told < due:  # else it was restored as of a later midnight
                changed.append((self._name(key), key, group))
        for shard in self._shards:
            shard.told = max(shard.told, due)
        for name, key, group in sorted(changed):
            del self._groups[key]
            yield GroupChange(OUTPUT_SCHEMA, due, name, tuple(group[1:]))

    def records(self, as_of: int, watermark: int) -> Iterator[tuple[int, TableShard]]:
        """(number, record) of each shard that is to be written, as of the partition's last offset and watermark."""
        by_shard: dict[int, list[tuple[str, list[int]]]] = {number: [] for number in self._filled}
        for key, group in self._groups.items():
            by_shard.setdefault(group[0] % SHARDS, []).append((self._name(key), group[1:]))
        for number, groups in sorted(by_shard.items()):
            shard = self._shards[number]
            shard.as_of, shard.watermark = max(shard.as_of, as_of), max(shard.watermark, watermark)
            yield number, msgspec.structs.replace(shard, groups=groups)
        self._filled = {number for number, groups in by_shard.items() if groups}

    def restore(self, shards: Mapping[int, TableShard]) -> None:
        """Take back what `records` gave, of each shard the newest."""
        for number, shard in shards.items():
            for name, integers in shard.groups:
                table, *rest = decode_key(name)
                self._groups[(self._names[str(table)], *rest)] = [hash64(name.encode()), *integers]
            self._filled.add(number)
            self._shards[number] = msgspec.structs.replace(shard, groups=[])
            self._newest = max(self._newest, shard.as_of)

    def _name(self, key: GroupKey) -> str:
        return encode_key((self._plans[key[0]].name, *key[1:]))

    def _new(self, key: GroupKey) -> Group:
        """A group without events."""
        return [hash64(self._name(key).encode()), *self._plans[key[0]].initial]


class _Again:
    """The groups for an event that may be in some of them already: those are given as new ones, which nobody keeps."""

    def __init__(self, changes: TableChanges, time: int, offset: int) -> None:
        self._changes = changes
        self._time = time
        self._offset = offset

    def get(self, key: GroupKey) -> Group | None:
        group = self._changes._groups.get(key) or self._changes._new(key)
        shard = self._changes._shards[group[0] % SHARDS]
        if self._offset <= shard.as_of and self._time <= shard.watermark:
            return self._changes._new(key)
        return self._changes._groups.setdefault(key, group)

    def __setitem__(self, key: GroupKey, group: Group) -> None:
        raise AssertionError("`get` has made it")


def table_changes(study: Study) -> TableChanges | None:
    """Of a study with tables; None without any."""
    return TableChanges(study) if study.tables else None


_decode = msgspec.msgpack.Decoder(TableShard).decode


def decode_shard(value: bytes) -> TableShard:
    """The shard in a record of state."""
    return _decode(value)
