"""A commit is all or nothing, although Redis takes nothing of a script back: refused before the first write, or made good at load."""

import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from livelift.document import history_entry
from livelift.errors import DeniedError
from livelift.names import RunNames, headline_key
from local.ports import HOST, free_port
from local.processes import ChildProcess
from local.redis_server import RedisServer, find_redis
from local.servers import LocalServers
from stats.app import LOST, passes
from stats.edges.integrity import Damaged
from stats.edges.redis_commit import Command
from stats.edges.redis_connection import connect
from stats.edges.redis_store import RedisStore
from tests.live.test_redis_rights import MEASURES, STUDY, document, everything
from tests.live.test_redis_store import advance, outputs

NAMES = RunNames("lastfm", "atomic-1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


class Halves:
    """A run in two commits, with a verdict and a tick each."""

    def __init__(self, url: str) -> None:
        self.store = RedisStore(connect(url), NAMES, STUDY, MEASURES)
        self.outputs = outputs()
        self.half = len(self.outputs) // 2

    def first(self) -> None:
        self.store.make_current()
        self.state, _ = self.store.load(1)
        advance(self.state, self.outputs[: self.half])
        self.store.commit(self.state, b"first", self.shown("first"))

    def second(self) -> None:
        advance(self.state, self.outputs[self.state.logs[0].position :], self.state.logs[0].position)
        self.store.commit(self.state, b"second", self.shown("second"))

    def again(self) -> bytes | None:
        """As a station goes on after an error: load, from the beginning where it is damaged. Gives the engine that is held."""
        try:
            self.state, engine = self.store.load(1)
        except Damaged:
            self.store.start_over()
            self.state, engine = self.store.load(1)
        return engine

    def shown(self, summary: str) -> list[Command]:
        shown = replace(document(), summary=summary)
        return self.store.verdict_commands(shown, history_entry(shown))


def _no_memory(admin: Any) -> None:
    admin.config_set("maxmemory", "100kb")


def _no_replicas(admin: Any) -> None:
    admin.config_set("min-replicas-to-write", 1)


def _replica(admin: Any) -> None:
    admin.replicaof(HOST, free_port())


def _no_snapshots(admin: Any) -> None:
    """A folder is where the snapshot should go."""
    (Path(admin.config_get("dir")["dir"]) / "dump.rdb").mkdir()
    admin.config_set("save", "3600 1")
    admin.bgsave()
    deadline = time.monotonic() + 20
    while admin.info("persistence")["rdb_last_bgsave_status"] != "err":
        assert time.monotonic() < deadline
        time.sleep(0.05)


HEALED = {
    _no_memory: lambda admin: admin.config_set("maxmemory", 0),
    _no_replicas: lambda admin: admin.config_set("min-replicas-to-write", 0),
    _replica: lambda admin: admin.replicaof("NO", "ONE"),
    _no_snapshots: lambda admin: admin.config_set("save", ""),
}


@pytest.mark.parametrize("refuse", HEALED, ids=lambda refuse: refuse.__name__.strip("_"))
def test_a_redis_that_refuses_writes_refuses_the_whole_commit(refuse: Any, server: RedisServer) -> None:
    """And the station knows what passes by itself, also where Redis 6.2 says it inside a script; a disk that fails doesn't."""
    admin = redis.Redis.from_url(server.admin_url)
    run = Halves(server.url)
    run.first()
    commands = run.shown("second")
    advance(run.state, run.outputs[run.half :], run.half)
    before = everything(admin)
    refuse(admin)
    with pytest.raises((*LOST, redis.ResponseError)) as error:
        run.store.commit(run.state, b"second", commands)
    waits = isinstance(error.value, LOST) or passes(error.value)
    assert waits != str(error.value).startswith("MISCONF ")
    assert everything(admin) == before
    HEALED[refuse](admin)
    run.store.commit(run.state, b"second", commands)
    assert run.again() == b"second"


@pytest.mark.parametrize("key", ["users", "moments:skip_rate:control", "sums", "ticks"])
def test_a_key_of_another_type_refuses_the_whole_commit(key: str, servers: LocalServers, admin: Any) -> None:
    run = Halves(servers.redis.url)
    run.first()
    admin.delete(NAMES.key(key))
    admin.set(NAMES.key(key), "somebody's")
    before = everything(admin)
    with pytest.raises(Damaged):
        run.second()
    assert everything(admin) == before
    assert run.again() is None
    run.second()
    assert run.again() == b"second"


def test_a_headline_of_another_type_is_replaced(servers: LocalServers, admin: Any) -> None:
    run = Halves(servers.redis.url)
    run.first()
    admin.delete(headline_key("lastfm"))
    admin.set(headline_key("lastfm"), "somebody's")
    run.second()
    assert admin.hget(headline_key("lastfm"), "reason") == b"second"


def test_a_renamed_redis_command_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    port = free_port()
    command = [find_redis().path, "--port", str(port), "--bind", HOST, "--save", "", "--rename-command", "XADD", "''"]
    with ChildProcess("Redis", command, tmp_path / "redis.log", cwd=tmp_path):
        client = redis.Redis(HOST, port, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 50))
        client.ping()
        with pytest.raises(DeniedError, match="denies its user 'default' the command XADD"):
            Halves(f"redis://{HOST}:{port}/0").first()
        assert set(client.keys()) == {b"livelift:lastfm:run"}


WRITE = "redis.call(unpack(ARGV, c[1], c[2])) end\nend"
"""Where commit.lua writes."""


def broken(at: int) -> str:
    """commit.lua that fails before its write number `at`."""
    whole = (resources.files("stats.edges") / "commit.lua").read_text()
    assert whole.count(WRITE) == 1
    failing = f"n = n + 1 if n == {at} then redis.call('HGET') end {WRITE}"
    return whole.replace(
        "for _, c in ipairs(commands) do -- Redis 6.2", "local n = 0\nfor _, c in ipairs(commands) do -- Redis 6.2"
    ).replace(WRITE, failing)


def test_a_commit_that_breaks_at_any_write_is_made_good(servers: LocalServers, admin: Any) -> None:
    """At every write in turn: what is shown is one tick's, what is held is whole or damaged, and the end is the same."""
    run = Halves(servers.redis.url)
    run.first()
    run.second()
    whole = _without_times(everything(admin))
    engines = set()
    at, ended = 0, False
    while not ended:
        at += 1
        admin.flushall()
        run = Halves(servers.redis.url)
        run.first()
        mended = run.store._script._script
        run.store._script._script = connect(servers.redis.url).register_script(broken(at))
        try:
            run.second()
            ended = True  # there are fewer writes
        except redis.ResponseError:
            run.store._script._script = mended
            shown = admin.get("livelift:lastfm:verdict").decode()
            assert ('"first"' in shown) != ('"second"' in shown)
            engine = run.again()
            engines.add(engine)
            assert engine in (None, b"first")
            if engine is None:
                assert run.state.aggregate.sessions_all == 0
                _until_first(run)
            run.second()
        assert _without_times(everything(admin)) == whole, at
    assert at > 15
    assert engines == {None, b"first"}


def _until_first(run: Halves) -> None:
    advance(run.state, run.outputs[: run.half])
    run.store.commit(run.state, b"first", run.shown("first"))


def _without_times(keys: dict[bytes, Any]) -> dict[bytes, Any]:
    """Without the wall-clock ids of the history."""
    ticks = NAMES.key("ticks").encode()
    return keys | {ticks: [fields for _, fields in keys[ticks]]}
