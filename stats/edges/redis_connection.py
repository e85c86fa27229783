"""Connects to Redis, checks that it is usable, and explains why one refuses writes."""

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from livelift.addresses import check_redis, shown_redis
from livelift.errors import DISK_FULL, DeniedError, ResourceError, SettingsError, UnreachableError
from livelift.settings import REDIS
from stats.edges.eviction import Eviction
from stats.edges.redis_client import RedisClient

Client = Any
"""A `RedisClient` that answers in bytes: redis-py types every answer as bytes, text or awaitable at once."""


CHANGING = {"decode_responses", "encoding", "encoding_errors"}
"""Options of a URL, in redis-py's words, with which answers or keys would be others."""


def connect(url: str) -> Client:
    """A client of the Redis at `url`, checked.

    Raises
    ------
    SettingsError
        If `url` is no URL of a Redis, has an option that cannot be used, or is of a Redis in cluster mode.
    UnreachableError
        If it doesn't answer or refuses the password.
    """
    shown = shown_redis(check_redis(url, REDIS))
    for option in sorted(CHANGING.intersection(parse_qs(urlsplit(url).query))):
        raise SettingsError(
            f"{shown}: the option {option} of this Redis URL changes how answers are read, which has to be as bytes",
            f"leave out {option}",
        )
    try:
        client: Client = RedisClient.from_url(
            url,
            socket_timeout=30,
            socket_connect_timeout=5,
            retry=Retry(NoBackoff(), 0),  # the station has its own way: load again, then go on
        )
        # HELLO is everybody's, whatever the ACL. Then one that reads: a PING is refused while the disk is full.
        if _mode(client.execute_command("HELLO")) == "cluster":
            raise SettingsError(
                f"the Redis at {shown} is in cluster mode: a commit changes keys of several slots in one step, which that refuses",
                "use a Redis without it (cluster-enabled no); one with replicas behind one address will do",
            )
        with suppress(DeniedError):  # it answers; what else it denies is said when it is needed
            client.exists("livelift")
    except redis.AuthenticationError as error:
        raise UnreachableError(
            f"Redis refuses the password: {error}", "set LIVELIFT_REDIS=redis://:PASSWORD@HOST:PORT/0"
        ) from None
    except redis.RedisError as error:
        raise UnreachableError(
            f"Redis does not answer at {shown}: {error}",
            "start it, or set LIVELIFT_REDIS=redis://HOST:PORT/0",
        ) from None
    except (ValueError, TypeError):  # `from None`, without its words: they may hold part of the URL
        raise SettingsError(
            f"{shown}: the options of this Redis URL are not understood", "leave out ? and what follows"
        ) from None
    return client


def eviction(client: Client) -> Eviction | None:
    """How the Redis makes room; None if this user may not know: INFO tells it, and CONFIG where that is denied.

    Raises
    ------
    redis.RedisError
        If it does not answer.
    """
    for command in (("INFO", "memory"), ("CONFIG GET", "maxmemory*")):
        try:
            answer = client.execute_command(*command)
        except DeniedError:
            continue
        except redis.ResponseError as error:
            if "unknown command" not in str(error):  # renamed away
                raise
            continue
        found = {str(name).replace("-", "_"): value for name, value in answer.items()}
        if "maxmemory_policy" in found:
            return Eviction(str(found["maxmemory_policy"]), int(found["maxmemory"]))
    return None


def _mode(hello: Any) -> str:
    """ "standalone", "cluster" or "sentinel", from the answer of HELLO: names and values in turn, or with RESP3 a map.

    >>> _mode([b"server", b"redis", b"mode", b"standalone", b"modules", []]), _mode({b"mode": b"cluster"})
    ('standalone', 'cluster')
    """
    answer = hello if isinstance(hello, dict) else dict(zip(hello[::2], hello[1::2], strict=True))
    mode = answer.get(b"mode", answer.get("mode", b""))
    return mode.decode() if isinstance(mode, bytes) else str(mode)


def refusal(error: redis.ResponseError) -> ResourceError:
    """What a Redis that answers but doesn't do what it's told lacks: room on its disk, or else mostly memory.

    >>> print(refusal(redis.ResponseError("MISCONF Errors writing to the AOF file: No space left on device")))
    Redis refuses to write: its disk is full
      fix: make room; nothing is lost: start stats again
    """
    full = DISK_FULL in str(error)
    return ResourceError(
        f"Redis refuses to write: {'its disk is full' if full else error}",
        f"{'make room' if full else 'look at its memory and disk'}; nothing is lost: start stats again",
    )
