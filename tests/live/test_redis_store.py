"""The Redis edge on a real Redis: one atomic commit, refusals, and what a person may query."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from livelift.errors import SettingsError, StateError, UnreachableError, VersionError
from livelift.names import RunNames
from livelift.output_log import Output
from livelift.sessions import session_measures
from local.ports import HOST, free_port, is_free
from local.processes import ChildProcess
from local.redis_server import RedisServer, find_redis
from local.servers import LocalServers
from processor.windows import new_partition
from stats.edges.redis_commit import CommitConflict
from stats.edges.redis_connection import connect
from stats.edges.redis_store import RedisStore
from stats.sums.run_state import RunState
from tests.support.small_study import START, small_study
from tests.support.streams import Listen, partition_records

STUDY = small_study()
MEASURES = session_measures(STUDY)


@pytest.fixture
def client(servers: LocalServers) -> Iterator[Any]:
    client = connect(servers.redis.url)
    yield client
    for key in client.scan_iter("livelift:lastfm:store*"):
        client.delete(key)


def outputs() -> list[Output]:
    """Five users with four sessions of two plays on each of two days."""
    plays = [
        Listen(START + day * 86_400_000 + session * 7_200_000 + play * 60_000, user, str(play))
        for day in range(2)
        for session in range(4)
        for play in range(2)
        for user in "abcde"
    ]
    return new_partition(STUDY, MEASURES).apply(partition_records(plays)[0]).outputs


def advance(state: RunState, some: list[Output], first: int = 0) -> None:
    state.offer(0, list(enumerate(some, first)))
    while state.step() is not None:
        pass


def facts(state: RunState) -> tuple[Any, ...]:
    a = state.aggregate
    logs = [(log.cursor, log.position, log.counts, log.open_in_period) for log in state.logs]
    a.flush()
    sums = (a.rows.tolist(), a.totals, a.ratios, a.exposed_sums, a.classic, a.exposed, a.included, a.sessions, a.events)
    return logs, sums, (a.sessions_all, a.sessions_in_period, a.sessions_one_event, a.sessions_too_long), state.tick


def test_what_was_committed_is_loaded_again_whole(client: Any) -> None:
    store = RedisStore(client, RunNames("lastfm", "store-1"), STUDY, MEASURES.names)
    state, _ = store.load(1)
    everything = outputs()
    half = len(everything) // 2
    advance(state, everything[:half])
    store.commit(state, b"engine\x00\xff", [])
    again, engine = RedisStore(client, RunNames("lastfm", "store-1"), STUDY, MEASURES.names).load(1)
    assert facts(again) == facts(state)
    assert engine == b"engine\x00\xff"
    assert state.aggregate.included != [0, 0]
    assert state.logs[0].position == half


def test_a_commit_over_other_cursors_is_refused_whole(client: Any) -> None:
    names = RunNames("lastfm", "store-2")
    first, second = (RedisStore(client, names, STUDY, MEASURES.names) for _ in range(2))
    mine, _ = first.load(1)
    theirs, _ = second.load(1)
    everything = outputs()
    advance(mine, everything)
    advance(theirs, everything[:3])
    first.commit(mine, None, [])
    before = client.dump(names.key("state"))
    with pytest.raises(CommitConflict):
        second.commit(theirs, None, [["SET", names.key("verdict"), "wrong"]])
    assert client.dump(names.key("state")) == before
    assert client.get(names.key("verdict")) is None


def test_an_unknown_schema_or_a_changed_study_is_refused(client: Any) -> None:
    """The message says what was found and what to do."""
    names = RunNames("lastfm", "store-3")
    store = RedisStore(client, names, STUDY, MEASURES.names)
    state, _ = store.load(1)
    advance(state, outputs())
    store.commit(state, None, [])
    with pytest.raises(StateError, match="another study file or partition count"):
        RedisStore(client, names, STUDY, MEASURES.names).load(2)
    client.hset(names.key("state"), "schema", "99")
    with pytest.raises(VersionError, match="schema 99"):
        RedisStore(client, names, STUDY, MEASURES.names).load(1)


def test_moments_and_users_can_be_queried(client: Any) -> None:
    names = RunNames("lastfm", "store-4")
    store = RedisStore(client, names, STUDY, MEASURES.names)
    state, _ = store.load(1)
    advance(state, outputs())
    store.commit(state, None, [])
    moments = {
        k: v
        for v in (0, 1)
        for k, v in client.hgetall(names.key(f"moments:session_duration:{('control', 'treatment')[v]}")).items()
    }
    assert set(moments) == {b"n", b"mean", b"m2"}
    assert float(moments[b"mean"]) == 1.0
    row = json.loads(client.hget(names.key("users"), "a"))
    assert row["sessions"] == 8
    assert row["plays"] == 16


def test_only_a_later_run_takes_the_public_keys(client: Any) -> None:
    """An earlier one leaves them as they are."""
    later = RedisStore(client, RunNames("lastfm", "store-9"), STUDY, MEASURES.names)
    earlier = RedisStore(client, RunNames("lastfm", "store-8"), STUDY, MEASURES.names)
    client.delete("livelift:lastfm:run")
    later.make_current()
    earlier.make_current()
    assert later.is_current()
    assert not earlier.is_current()
    client.delete("livelift:lastfm:run")


def test_a_wrong_password_is_named(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis", password="right") as server:
        connect(server.url).ping()
        with pytest.raises(UnreachableError, match="password") as refused:
            connect(server.url.replace("right", "wrong"))
        assert "LIVELIFT_REDIS" in refused.value.fix


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis in cluster mode that serves no slot yet."""
    port = free_port()
    # The nodes' own port is 10,000 higher: it has to be free as well, and none that outgoing connections are given.
    while port >= 22_768 or not is_free(port + 10_000):
        port = free_port()
    command = [find_redis().path, "--port", str(port), "--bind", HOST, "--save", "", "--cluster-enabled", "yes"]
    with ChildProcess("Redis", command, tmp_path / "redis.log", cwd=tmp_path) as server:
        deadline = time.monotonic() + 20
        while is_free(port):
            assert server.poll() is None, server.tail()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"{HOST}:{port}"


@pytest.mark.parametrize("slots", [0, 16_384])
@pytest.mark.parametrize("options", ["", "?protocol=3"])
def test_a_redis_in_cluster_mode_is_refused_at_connect(cluster: str, slots: int, options: str) -> None:
    host, _, port = cluster.partition(":")
    if slots:  # a cluster of one node, which serves every key: a commit would fail in its middle
        redis.Redis(host=host, port=int(port)).execute_command("CLUSTER ADDSLOTS", *range(slots))
    with pytest.raises(SettingsError, match=f"{cluster}.* is in cluster mode") as refusal:
        connect(f"redis://{cluster}/0{options}")
    assert "cluster-enabled no" in refusal.value.fix


def test_a_user_with_few_rights_is_no_cluster(servers: LocalServers) -> None:
    admin = redis.Redis.from_url(servers.redis.admin_url)
    admin.execute_command("ACL", "SETUSER", "few", "on", ">pass", "~livelift*", "-@all", "+exists")
    try:
        assert connect(f"redis://few:pass@{servers.redis.address}/0").exists("livelift") == 0
    finally:
        admin.execute_command("ACL", "DELUSER", "few")


def test_a_missing_or_wrong_password_is_said_and_not_shown(tmp_path: Path) -> None:
    with RedisServer(tmp_path, password="geheim") as server:
        for login in ("", ":falsch@"):
            with pytest.raises(UnreachableError, match="refuses the password") as refusal:
                connect(f"redis://{login}{server.address}/0")
            assert "falsch" not in str(refusal.value)


@pytest.mark.parametrize(
    "option", ["decode_responses=true", "decode_responses=false", "encoding=utf-16", "encoding_errors=ignore"]
)
def test_an_option_that_changes_answers_is_refused(option: str, servers: LocalServers) -> None:
    with pytest.raises(SettingsError, match=f"the option {option.partition('=')[0]} ") as refusal:
        connect(f"{servers.redis.url}?socket_timeout=5&{option}")
    assert servers.redis.password not in str(refusal.value)
    assert connect(f"{servers.redis.url}?socket_timeout=5&protocol=3").exists("livelift") == 0
