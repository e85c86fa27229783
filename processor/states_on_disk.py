"""User states in RocksDB, with the recently active users cached in memory.

The changelog stays the truth: the database is made anew from it at every assignment, and takes what every checkpoint
writes. The places of open sessions and the timers of unresolved days stay in memory.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocksdict import BlockBasedOptions, Options, Rdict, WriteBatch, WriteOptions

from processor.changelog import SHARD, TOKEN_BYTES, KeyValue, UserForm
from processor.user_state import UserState

MOST_IN_MEMORY = 20_000
"""Users of a partition that stay in memory after a checkpoint: the last to be active."""


BUFFER_BYTES = 4 << 20
"""What RocksDB collects in memory before it writes; 64 MiB by default, and every partition has two databases."""

BLOOM_BITS = 10
"""A key: one of a hundred that are not there is looked for in vain."""

A_WRITE = 1_000
"""Records that go to RocksDB at once."""


def make_room(folder: Path) -> Path:
    """A folder of this process below `folder`; those of processes that are no more are removed: nothing in them counts."""
    for left in folder.glob("states-*"):
        if not _is_alive(int(left.name.partition("-")[2])):
            shutil.rmtree(left)
    return folder / f"states-{os.getpid()}"


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # in a container it is always the same
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


class UsersOnDisk:
    """A dict from user to state, of which most lies on disk. What was changed stays in memory until `written`."""

    def __init__(self, database: Any, form: UserForm, most: int) -> None:
        self._database = database
        self._decode = form.decode
        self._most = most
        self._here: dict[bytes, UserState] = {}
        self._count = sum(1 for _ in database.keys())  # noqa: SIM118  # no dict: it has no iterator of its own

    def get(self, key: bytes, /) -> UserState | None:
        user = self._here.get(key)
        if user is None:
            value: Any = self._database.get(key)
            if value is not None:
                user = self._here[key] = self._decode(value)
        return user

    def __getitem__(self, key: bytes, /) -> UserState:
        user = self.get(key)
        if user is None:
            raise KeyError(key)
        return user

    def __setitem__(self, key: bytes, value: UserState, /) -> None:
        """A new user."""
        self._here[key] = value
        self._count += 1

    def hold(self, user: UserState) -> None:
        """A user that `values` gave and that was changed: it stays in memory until `written`."""
        self._here[user.user] = user

    def __len__(self) -> int:
        return self._count

    @property
    def in_memory(self) -> int:
        return len(self._here)

    def values(self) -> Iterator[UserState]:
        """As the database holds them."""
        values: Any = self._database.values()
        yield from map(self._decode, values)

    def written(self, touched: list[UserState]) -> None:
        """The database holds everyone: only the last of those `touched` stay in memory, if there are too many."""
        if len(self._here) > self._most:
            self._here = {user.user: user for user in touched[-self._most :]}


class StatesOnDisk:
    """Two databases in a folder of their own.

    Raises
    ------
    FileExistsError
        If the folder is there.
    """

    in_memory = False

    def __init__(self, folder: Path, most: int = MOST_IN_MEMORY) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._most = most
        self._users: UsersOnDisk | None = None
        self._unlogged = WriteOptions()
        unlogged: Any = self._unlogged  # its stub says that the property is a method
        unlogged.disable_wal = True  # after a crash it is made anew
        self.best = self._open("users")
        self.tokens = self._open("tokens")

    def _open(self, name: str) -> Any:  # an `Rdict`, which types its keys and values as anything
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(BUFFER_BYTES)
        blocks = BlockBasedOptions()
        blocks.set_bloom_filter(BLOOM_BITS, False)  # most users that are looked up in vain are new
        options.set_block_based_table_factory(blocks)
        database = Rdict(str(self._folder / name), options)
        database.set_write_options(self._unlogged)
        return database

    def users(self, form: UserForm) -> UsersOnDisk:
        self._users = UsersOnDisk(self.best, form, self._most)
        return self._users

    def written(self, records: Iterator[KeyValue], touched: list[UserState]) -> Iterator[KeyValue]:
        assert self._users is not None, "what is not recovered is not written"
        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            yield key, value
            assert key is not None
            user = key[TOKEN_BYTES:]
            if (
                value is not None and user and not user.startswith(SHARD)
            ):  # no tombstone; nothing of the partition or its tables
                batch.put(user, value)
                if batch.len() >= A_WRITE:
                    self.best.write(batch, self._unlogged)
                    batch = WriteBatch(raw_mode=True)
        self.best.write(batch, self._unlogged)
        self._users.written(touched)

    def close(self) -> None:
        for name, database in (("users", self.best), ("tokens", self.tokens)):
            database.close()
            Rdict.destroy(str(self._folder / name))
        self._folder.rmdir()
