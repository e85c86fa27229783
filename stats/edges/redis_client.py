"""A Redis client that says which right its user lacks, and what a server has against a command wherever it says so."""

import re
from typing import Any

import redis

from livelift.errors import DeniedError

NO_SCRIPT = "0" * 40
"""The digest of no script: who may touch the keys that are named with it is told that there is none."""

HEALING: dict[str, type[redis.RedisError]] = {
    "OOM": redis.exceptions.OutOfMemoryError,
    "READONLY": redis.exceptions.ReadOnlyError,
    "MASTERDOWN": redis.exceptions.MasterDownError,
}

_CODE = re.compile(r"(?:^|\s-?)([A-Z]{3,}) ")


class RedisClient(redis.Redis):
    """As redis-py's, but it raises `DeniedError` where a right is missing.

    Not in a pipeline: none is used, since one whose MULTI is denied does its commands one by one, and all of them.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.exceptions.NoPermissionError as error:
            raise denied(user_of(self), str(args[0]), self._what(str(error), args), str(error)) from None

    def _what(self, words: str, args: tuple[Any, ...]) -> list[str]:
        """Of the keys that a command names, those that are denied; the channel; all of them where that can't be told."""
        name = str(args[0])
        ask: list[tuple[Any, ...]] = []
        if name == "EVALSHA":
            ask = [("EVALSHA", NO_SCRIPT, 1, key) for key in args[3 : 3 + int(args[2])]]
        elif name in ("MGET", "EXISTS"):
            ask = [(name, key) for key in args[1:]]
        if not ask or _denies_command(words):
            return [_text(word) for word in args[1:2]]
        return [_text(question[-1]) for question in ask if self._is_denied(question)] or [
            _text(question[-1]) for question in ask
        ]

    def _is_denied(self, question: tuple[Any, ...]) -> bool:
        try:
            super().execute_command(*question)  # type: ignore[no-untyped-call]
        except redis.exceptions.NoPermissionError:
            return True
        except redis.ResponseError:
            return False
        return False


def user_of(client: redis.Redis) -> str:
    """As whom it logs in."""
    return str(client.connection_pool.connection_kwargs.get("username") or "default")


def denied(user: str, command: str, what: list[str], words: str) -> DeniedError:
    """The error of a missing right; `what` are the keys or the channel that the command names, `words` those of Redis.

    >>> print(denied("stats", "SCRIPT LOAD", [], "User stats has no permissions to run the 'script|load' command"))
    Redis denies its user 'stats' the command SCRIPT LOAD
      fix: ACL SETUSER stats +script|load  (docs/08-redis.md has all rights that livelift needs)
    >>> print(denied("default", "GET", ["livelift:visits:verdict"], "No permissions to access a key").what)
    Redis denies its user 'default' the key livelift:visits:verdict (command GET)
    >>> print(denied("stats", "PUBLISH", ["livelift:visits:changes"], "No permissions to access a channel").what)
    Redis denies its user 'stats' the channel livelift:visits:changes (command PUBLISH)
    """
    if _denies_command(words):
        return DeniedError.of_command(user, command)
    return (
        DeniedError.of_channel(user, command, what[0])
        if "channel" in words
        else DeniedError.of_keys(user, command, what)
    )


def refused_in_script(user: str, command: str, what: str, words: str) -> Exception:
    """What Redis said of a command in a script, as the error that the command would have been outside: 6.2 wraps the words.

    >>> refused_in_script("u", "SET", "k", "@user_script: 18: -OOM command not allowed when used memory > 'maxmemory'.")
    server:OutOfMemoryError
    >>> print(refused_in_script("u", "HSET", "k", "WRONGTYPE Operation against a key holding the wrong kind of value"))
    WRONGTYPE Operation against a key holding the wrong kind of value
    """
    if is_denial(words):
        return denied(user, command, [what], words)
    found = _CODE.search(words)
    code = found[1] if found else ""
    if found and code in HEALING:
        return HEALING[code](words[found.end() :])
    return redis.ResponseError(words[found.start(1) :] if found else f"{command}: {words}")


def is_denial(words: str) -> bool:
    """Do these words of Redis, from a script, deny a right? A command that was renamed away is one that nobody may run."""
    return any(
        part in words for part in ("NOPERM", "ACL failure", "user executing the script", "Unknown Redis command")
    )


def _denies_command(words: str) -> bool:
    return any(
        part in words for part in ("to run the", "run this command", "Unknown Redis command", "permissions to run")
    )


def _text(word: Any) -> str:
    return word.decode(errors="replace") if isinstance(word, bytes) else str(word)
