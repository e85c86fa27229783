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
from livelift.output_log import GroupChange, sum_too_large
from livelift.study import Study
from livelift.table_plan import decode_key, encode_key, table_plans
from processor.compiled_tables import EventWindows, compiled
from processor.user_state import SCHEMA, UserState

SHARDS = 512
"""So many that the groups of a shard fit a record of a megabyte: the keys of a group are short (`MOST_KEY_CHARACTERS`)."""

Key = Any
"""A group's key in its window: a value, or a tuple of several or none."""

Group = list[int]
"""[hash of its name, the integers of `livelift.table_plan`]."""

Groups = dict[int, dict[Key, Group]]
"""Start of the window (ms) → key → group, of one table."""


class TableShard(msgspec.Struct, array_like=True, tag=SCHEMA):
    """The record of state of some groups, [schema, as-of offset, …].

    watermark
        Events up to this time and `as_of` are in it.
    told
        The latest midnight (ms) at which its groups were told.
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
        self._plans = tuple(table_plans(study.event_tables).values())
        self._initials = [plan.initial for plan in self._plans]
        self._numbers = {plan.name: number for number, plan in enumerate(self._plans)}
        self._windows = EventWindows()
        self._add = compiled(study, self._plans, self._new)
        self._groups: list[Groups] = [{} for _ in self._plans]
        self._now: list[dict[Key, Group]] = []  # of each table the groups of `_windows`
        self._size = 0
        self._shards = [TableShard() for _ in range(SHARDS)]  # without their groups
        self._newest = -1  # the newest offset that a restored shard holds
        self._filled: set[int] = set()  # shards whose last record has groups

    def __len__(self) -> int:
        return self._size

    def add(self, user: UserState, time: int, offset: int, event: Any) -> None:
        """Add an accepted event of `user`; events come in the order of their times."""
        windows = self._windows
        if not windows.hour <= time < windows.hour_end:
            windows.enter(time)
            self._enter()
        if offset > self._newest:
            self._add(self._now, user, event, windows, time)
        else:
            tables = enumerate(self._plans)
            starts = [(number, windows.start(plan.table.window)) for number, plan in tables]
            self._add([_Again(self, *start, time, offset) for start in starts], user, event, windows, time)

    def _enter(self) -> None:
        starts = [self._windows.start(plan.table.window) for plan in self._plans]
        self._now = [self.groups_of(number, start) for number, start in enumerate(starts)]

    def told(self, due: int) -> Iterator[GroupChange]:
        """The midnight `due`: what changed, in the order of the groups' names; it begins anew."""
        changed: list[tuple[str, tuple[int, int, Key], Group]] = []
        kept: list[tuple[str, tuple[int, int, Key], Group]] = []
        for number, start, key, group in self._each():
            # A shard that was restored as of a later midnight has told this one, and keeps what came since.
            is_told = self._shards[group[0] % SHARDS].told >= due
            (kept if is_told else changed).append((self._name(number, start, key), (number, start, key), group))
        for shard in self._shards:
            shard.told = max(shard.told, due)
        self._groups = [{} for _ in self._plans]
        for _, (number, start, key), group in kept:
            self._groups[number].setdefault(start, {})[key] = group
        self._size = len(kept)
        if self._now:  # there was an event
            self._enter()
        for name, _, group in sorted(changed):
            yield GroupChange(OUTPUT_SCHEMA, due, name, tuple(group[1:]))

    def records(self, as_of: int, watermark: int) -> Iterator[tuple[int, TableShard]]:
        """(number, record) of each shard that is to be written, as of the partition's last offset and watermark."""
        by_shard: dict[int, list[tuple[str, list[int]]]] = {number: [] for number in self._filled}
        for number, start, key, group in self._each():
            by_shard.setdefault(group[0] % SHARDS, []).append((self._name(number, start, key), group[1:]))
        for number, groups in sorted(by_shard.items()):
            shard = self._shards[number]
            shard.as_of, shard.watermark = max(shard.as_of, as_of), max(shard.watermark, watermark)
            yield number, msgspec.structs.replace(shard, groups=groups)
        self._filled = {number for number, groups in by_shard.items() if groups}

    def restore(self, shards: Mapping[int, TableShard], as_of: int) -> None:
        """Take back what `records` gave, of each shard the newest; the partition's own record is as of `as_of`.

        A shard with groups is written with every record of the partition, before it. An older one had none any more: what it holds was
        told since, by a writer that was then replaced.
        """
        for number, shard in shards.items():
            for name, integers in shard.groups if shard.as_of >= as_of else ():
                table, start, *keys = decode_key(name)
                groups = self._groups[self._numbers[str(table)]].setdefault(int(start), {})
                groups[keys[0] if len(keys) == 1 else tuple(keys)] = [hash64(name.encode()), *integers]
                self._size += 1
            self._filled.add(number)
            self._shards[number] = msgspec.structs.replace(shard, groups=[])
            self._newest = max(self._newest, shard.as_of)

    def _each(self) -> Iterator[tuple[int, int, Key, Group]]:
        """(number of the table, start of the window, key, group)."""
        for number, windows in enumerate(self._groups):
            for start, groups in windows.items():
                for key, group in groups.items():
                    yield number, start, key, group

    def _name(self, number: int, start: int, key: Key) -> str:
        keys = key if isinstance(key, tuple) else (key,)
        return encode_key((self._plans[number].name, start, *keys))

    def _new(self, number: int, start: int, key: Key) -> Group:
        """A group without events, which is one more."""
        self._size += 1
        return self.empty(number, start, key)

    def groups_of(self, number: int, start: int) -> dict[Key, Group]:
        """The groups of a table's window."""
        return self._groups[number].setdefault(start, {})

    def holds(self, group: Group, time: int, offset: int) -> bool:
        """Does the restored shard of the group hold the event of this time and offset? It holds what was accepted by its offset and does
        not wait: an event of the watermark's own time does not."""
        shard = self._shards[group[0] % SHARDS]
        return offset <= shard.as_of and time <= shard.watermark

    def empty(self, number: int, start: int, key: Key) -> Group:
        """A group that nobody keeps."""
        return [hash64(self._name(number, start, key).encode()), *self._initials[number]]


class _Again:
    """The groups of a window for an event that may be in some of them already: those are given as new ones, which nobody keeps."""

    def __init__(self, changes: TableChanges, number: int, start: int, time: int, offset: int) -> None:
        self._changes = changes
        self._groups = changes.groups_of(number, start)
        self._place = number, start
        self._moment = time, offset

    def get(self, key: Key) -> Group | None:
        empty = self._changes.empty(*self._place, key)
        return empty if self._changes.holds(empty, *self._moment) else self._groups.get(key)

    def __setitem__(self, key: Key, group: Group) -> None:
        self._groups[key] = group


def table_changes(study: Study) -> TableChanges | None:
    """Of a study with tables; None without any."""
    return TableChanges(study) if study.event_tables else None


_decode = msgspec.msgpack.Decoder(TableShard).decode
_encode = msgspec.msgpack.Encoder().encode


def encode_shard(shard: TableShard) -> bytes:
    """A shard as a record of state.

    Raises
    ------
    StateError
        If a sum has left the integers that a record can hold.
    """
    try:
        return _encode(shard)
    except OverflowError:
        raise sum_too_large("of a table") from None


def decode_shard(value: bytes) -> TableShard:
    """The shard in a record of state."""
    return _decode(value)
