"""Nobody else on the machine reads or changes a local stack: passwords, rights of files, addresses, closed commands."""

import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from livelift.study import load_study
from local.redis_server import RedisServer
from local.run_folder import RunFolder
from local.secrets import kept_secret
from studies.lastfm import generator as lastfm_generator
from tests.support.command_line import LIVELIFT

NEVER = Retry(NoBackoff(), 0)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which `livelift up` and a replay have worked; what they said is in said.txt. The stack is still up."""
    folder = tmp_path_factory.mktemp("used")
    data = folder / "log.tsv"
    lastfm_generator.generate(data, events=20_000, users=100, lift=0.0, seed=2, study=load_study("lastfm"))
    with (folder / "said.txt").open("ab") as said:
        up = subprocess.Popen([LIVELIFT, "up"], cwd=folder, stdout=said, stderr=said)
        try:
            stack = RunFolder(folder / ".livelift")
            deadline = time.monotonic() + 60
            while stack.stack() is None:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            subprocess.run([LIVELIFT, "replay", "--data", "log.tsv"], cwd=folder, stdout=said, stderr=said, check=True)
            addresses = stack.stack()
            assert addresses is not None
            client = redis.Redis.from_url(addresses["redis"])
            while not client.exists("livelift:lastfm:verdict"):
                assert time.monotonic() < deadline, (folder / "said.txt").read_text()
                time.sleep(0.2)
            yield folder
        finally:
            up.terminate()
            assert up.wait(40) == 143


@pytest.mark.slow
def test_every_file_of_the_folder_is_its_users_alone(used: Path) -> None:
    root = used / ".livelift"
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    files = [path for path in root.rglob("*") if not path.is_symlink()]
    assert len(files) > 30
    assert {str(path.relative_to(root)) for path in files if path.exists() and path.stat().st_mode & 0o077} == set()


@pytest.mark.slow
def test_no_log_and_no_line_holds_a_part_of_a_password(used: Path) -> None:
    root = used / ".livelift"
    passwords = [(root / "redis" / name).read_text() for name in ("password", "admin-password")]
    assert len(set(passwords)) == 2
    assert all(len(password) >= 32 for password in passwords)
    for password in passwords:
        parts = re.compile("|".join(re.escape(password[i : i + 8]) for i in range(len(password) - 7)).encode())
        holders = {
            path.relative_to(used).as_posix()
            for path in used.rglob("*")
            if path.is_file() and parts.search(path.read_bytes())
        }
        assert holders <= {".livelift/redis/password", ".livelift/redis/admin-password", ".livelift/stack.json"}
    for line in (json.loads(text) for text in _log_lines(root)):
        assert "redis://:" not in str(line)


def _log_lines(root: Path) -> list[str]:
    return [line for log in root.glob("runs/*/logs/*.log") for line in log.read_text().splitlines() if line[:1] == "{"]


@pytest.mark.slow
def test_the_servers_listen_on_loopback_only(used: Path) -> None:
    stack = RunFolder(used / ".livelift").stack()
    assert stack is not None
    listening = {
        connection.laddr.ip
        for process in psutil.Process(stack["pid"]).children(recursive=True)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.mark.slow
def test_redis_asks_everybody_for_the_password(used: Path) -> None:
    stack = RunFolder(used / ".livelift").stack()
    assert stack is not None
    port = int(stack["redis"].rpartition(":")[2].partition("/")[0])
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port, retry=NEVER).get("livelift:lastfm:verdict")


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG SET dir /tmp", "CONFIG REWRITE", "FLUSHALL", "FLUSHDB", "DEBUG SLEEP 0", "MODULE LOAD /tmp/x.so", "SHUTDOWN",
        "REPLICAOF 127.0.0.1 1", "SLAVEOF 127.0.0.1 1", "ACL SETUSER x on nopass +@all", "ACL LIST", "MONITOR", "SAVE",
        "MIGRATE 127.0.0.1 1 key 0 1", "RESTORE key 0 x", "SWAPDB 0 1", "CLUSTER RESET", "CLIENT KILL ID 1",
        "CLIENT PAUSE 1", "BGREWRITEAOF",
    ],
)  # fmt: skip
def test_what_reaches_beyond_keys_is_closed(servers_redis: RedisServer, command: str) -> None:
    client = redis.Redis.from_url(servers_redis.url, retry=NEVER, socket_timeout=5)
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())
    with pytest.raises(redis.ResponseError):  # nor by a script
        client.eval("return redis.call(unpack(ARGV))", 0, *command.split())


@pytest.fixture(scope="module")
def servers_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


def test_the_admin_may_what_is_closed_to_others(servers_redis: RedisServer) -> None:
    admin = redis.Redis.from_url(servers_redis.admin_url)
    assert admin.config_set("maxmemory", "0")
    assert redis.Redis.from_url(servers_redis.url, decode_responses=True).config_get("maxmemory") == {"maxmemory": "0"}


def test_a_password_is_made_once_and_an_empty_file_is_none(tmp_path: Path) -> None:
    file = tmp_path / "new" / "password"
    first = kept_secret(file)
    assert kept_secret(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("")
    assert kept_secret(file) not in ("", first)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_older_folder_is_closed_and_others_keep_their_rights(tmp_path: Path) -> None:
    """A folder of an earlier version is made private; one of another name, which people may share, stays as it is."""
    for name, expected in ((".livelift", 0o700), ("shared", 0o755)):
        (tmp_path / name).mkdir(mode=0o755)
        environment = os.environ | {"LIVELIFT_FOLDER": name}
        subprocess.run([LIVELIFT, "stop"], cwd=tmp_path, env=environment, check=True, capture_output=True)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == expected


def test_two_commands_that_read_at_once_wait_for_each_other(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / ".livelift")
    with RedisServer(folder.redis) as server:
        redis.Redis.from_url(server.url).hset("livelift:lastfm:r1:state", "tick", "1")
    readers = [
        subprocess.Popen([LIVELIFT, "runs", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outs = [reader.communicate(timeout=60)[0] for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0, 0]
    assert all(json.loads(out)["run"] == "r1" for out in outs)
