"""The script that commits: what goes in, and what its answers mean."""

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any, NamedTuple

import redis

from livelift.names import RunNames
from stats.edges.integrity import Damaged
from stats.edges.redis_client import refused_in_script, user_of
from stats.edges.redis_connection import Client

Command = list[Any]

FIELDS_PER_COMMAND = 1_000
"""Lua's unpack takes some thousands of values."""

OTHER_STATE, DONE, LOST_KEYS, REFUSED = range(4)
"""What the script answers."""

NO_CHECKSUM, ANY_CHECKSUM, NO_HASH = "?", "*", "another type"
"""What no state holds; what stands for every state; what stands for one that is no hash."""


def hset(key: str, fields: Sequence[str | bytes]) -> Iterator[Command]:
    """Commands that write a hash's `fields`, name and value in turn."""
    for start in range(0, len(fields), 2 * FIELDS_PER_COMMAND):
        yield ["HSET", key, *fields[start : start + 2 * FIELDS_PER_COMMAND]]


class Sizes(NamedTuple):
    """How many fields or entries keys have."""

    sums: int
    ticks: int
    users: int
    tables: tuple[int, ...] = ()  # of the study's tables, in their order


ANY_SIZES = ("*", "*", "*", ())


class CommitConflict(Exception):  # noqa: N818  # no error: somebody else was quicker
    """The run's state is not the expected one: load again."""


class CommitScript:
    """`commit.lua` for one run."""

    def __init__(self, client: Client, names: RunNames, tables: Sequence[str] = ()) -> None:
        """`tables` are the keys of the study's tables."""
        self._client = client
        # Beside those that a commit writes; nobody ever has a `probe`.
        self._keys = (*(names.key(name) for name in ("state", "sums", "ticks", "users", "probe")), *tables)
        self._script = client.register_script((resources.files("stats.edges") / "commit.lua").read_text())

    def __call__(self, held: str, sizes: Sizes, commands: Sequence[Command]) -> int:
        """All `commands` in one step, if the state has the checksum `held`, and the keys their `sizes`.

        Returns
        -------
        int
            How many users there are then.

        Raises
        ------
        CommitConflict
            If Redis holds another state.
        Damaged
            If keys are gone, or have another type.
        DeniedError, redis.RedisError
            If Redis would refuse one of the commands. In every case nothing was written.
        """
        answer = self._answer(held, sizes, commands)
        if answer[0] == OTHER_STATE:
            raise CommitConflict
        if answer[0] == LOST_KEYS:
            raise Damaged("rows of the sums or of a table, ticks of the history, or users are gone")
        return int(answer[1])

    def whatever_sizes(self, held: str, commands: Sequence[Command]) -> bool:
        """All `commands` in one step, if the state has the checksum `held`; False if it has not. Errors as of a call."""
        return bool(self._answer(held, ANY_SIZES, commands)[0] == DONE)

    def whatever_is_held(self, commands: Sequence[Command]) -> None:
        """All `commands` in one step, or an error as of a call, but never `CommitConflict`."""
        self._answer(ANY_CHECKSUM, ANY_SIZES, commands)

    def require_rights(self, commands: Sequence[Command]) -> None:
        """See that this user may do `commands`, without doing them; Redis 6.2 says of a channel only at the commit.

        Raises
        ------
        DeniedError
            Naming the right that is missing.
        """
        self._answer(NO_CHECKSUM, ANY_SIZES, commands)

    def _answer(
        self, held: str, sizes: Sizes | tuple[str, str, str, tuple[int, ...]], commands: Sequence[Command]
    ) -> list[Any]:
        words = [word for command in commands for word in (len(command), *command)]
        written = (command[1] for command in commands if command[0] != "PUBLISH")
        keys = list(dict.fromkeys((*self._keys, *written)))
        *three, tables = sizes
        answer: list[Any] = self._script(keys=keys, args=[held, *three, len(tables), *tables, *words])
        if answer[0] == REFUSED:
            command, what, said = (part.decode(errors="replace") for part in answer[1:])
            error = refused_in_script(user_of(self._client), command, what, said)
            if isinstance(error, redis.ResponseError) and str(error).startswith("WRONGTYPE"):
                raise Damaged(f"{what} has another type")
            raise error
        return answer
