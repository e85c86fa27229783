"""Parses and validates addresses of Kafka and Redis before a client sees them. Pure."""

import re
from urllib.parse import urlsplit

from livelift.errors import SettingsError

MAX_PORT = 65_535

_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/,@\[\]]+):(\d{1,5})", re.ASCII)
REDIS_SCHEMES = ("redis", "rediss", "unix")


def check_kafka(text: str, name: str) -> str:
    """The broker's `HOST:PORT`, or several with commas between; `name` is the setting or flag.

    >>> check_kafka("127.0.0.1:9092,[::1]:9093", "LIVELIFT_KAFKA")
    '127.0.0.1:9092,[::1]:9093'

    Raises
    ------
    SettingsError
        If it is something else.
    """
    for address in text.split(","):
        found = _HOST_PORT.fullmatch(address)
        if not found or not 0 < int(found[1]) <= MAX_PORT:
            raise SettingsError(f"{name} is '{_without_login(text)}'", f"use HOST:PORT: {name}=127.0.0.1:9092")
    return text


def check_redis(url: str, name: str) -> str:
    """The URL of a Redis; `name` is the setting or flag. The error shows no part of a password.

    >>> check_redis("redis://:secret@127.0.0.1:6379/0", "LIVELIFT_REDIS")
    'redis://:secret@127.0.0.1:6379/0'
    >>> check_redis("redis://:se/cret@127.0.0.1:6379/0", "LIVELIFT_REDIS")
    Traceback (most recent call last):
    livelift.errors.SettingsError: LIVELIFT_REDIS is no URL of a Redis: its port is no number from 1 to 65535
      fix: use redis://HOST:PORT/0, or redis://:PASSWORD@HOST:PORT/0 (in a password write / @ : # ? % [ ] as %2F %40 %3A %23 %3F %25 %5B %5D)

    Raises
    ------
    SettingsError
        If it is something else.
    """
    wrong = _wrong_in_redis_url(url)
    if wrong:
        raise SettingsError(
            f"{name} is no URL of a Redis: {wrong}",
            "use redis://HOST:PORT/0, or redis://:PASSWORD@HOST:PORT/0 "
            "(in a password write / @ : # ? % [ ] as %2F %40 %3A %23 %3F %25 %5B %5D)",
        )
    return url


def _wrong_in_redis_url(url: str) -> str | None:
    """What is wrong, in words that hold nothing of the URL but its scheme."""
    scheme, found, _ = url.partition("://")
    if not found:
        return "it does not begin with redis://"
    if scheme not in REDIS_SCHEMES:
        return (
            f"it begins with {scheme}://, not with redis://" if scheme.isalpha() else "it does not begin with redis://"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return "its host is not readable" if "IPv6" in str(error) else f"its port is no number from 1 to {MAX_PORT}"
    if port == 0:
        return f"its port is no number from 1 to {MAX_PORT}"
    if scheme == "unix":
        return None if parts.path else "it names no socket"
    if parts.fragment or parts.netloc.count("@") > 1:
        return "its password holds a character that has to be escaped"
    return (
        None if re.fullmatch(r"(/\d*)?", parts.path, re.ASCII) else "what follows the port is no number of a database"
    )


def shown_redis(url: str) -> str:
    """A checked URL for messages and logs: without user, password and options.

    >>> shown_redis("redis://user:secret@127.0.0.1:6379/0?db=1")
    'redis://127.0.0.1:6379/0'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _without_login(text: str) -> str:
    return text.rpartition("@")[2]
