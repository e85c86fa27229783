"""Lost or changed keys in Redis are noticed, and the run is rebuilt from the output log."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from redis._parsers.base import BaseParser

from livelift.names import RunNames
from livelift.sessions import session_measures
from livelift.study import load_study
from local.demo import DemoPlan
from local.servers import LocalServers
from stats.app import LOST, passes
from stats.edges.integrity import Damaged
from stats.edges.redis_connection import connect
from stats.edges.redis_store import RedisStore
from studies.lastfm import generator as lastfm_generator
from tests.live.test_redis_store import advance, outputs
from tests.support.live_run import LiveRun, assert_equals_batch, live_run

STUDY = load_study("lastfm")
MEASURES = session_measures(STUDY).names
NAMES = RunNames("lastfm", "damaged-1")


@pytest.fixture
def client(admin: Any) -> Any:
    return admin


def committed(client: Any) -> RedisStore:
    """A store that has committed a run with two entries of history."""
    store = RedisStore(client, NAMES, STUDY, MEASURES)
    state, _ = store.load(1)
    advance(state, outputs())
    entry = {"as_of": "2009-03-02"}
    for _ in range(2):
        store.commit(state, b"engine", [["XADD", NAMES.key("ticks"), "*", "json", str(entry)]])
    return store


def _change(key: str, field: str, new: str) -> Callable[[Any], object]:
    return lambda client: client.hset(NAMES.key(key), field, new)


def _one_byte(client: Any) -> None:
    field, value = next(iter(client.hgetall(NAMES.key("sums")).items()))
    client.hset(NAMES.key("sums"), field, bytes([value[0] ^ 1]) + value[1:])


DAMAGES: dict[str, Callable[[Any], object]] = {
    "no state": lambda client: client.delete(NAMES.key("state")),
    "no sums": lambda client: client.delete(NAMES.key("sums")),
    "one row of the sums": lambda client: client.hdel(NAMES.key("sums"), next(iter(client.hkeys(NAMES.key("sums"))))),
    "one byte of the sums": _one_byte,
    "no moments": lambda client: client.delete(NAMES.key("moments:skip_rate:control")),
    "other moments": _change("moments:skip_rate:control", "mean", "0.5"),
    "no users": lambda client: client.delete(NAMES.key("users")),
    "no history": lambda client: client.delete(NAMES.key("ticks")),
    "half of the history": lambda client: client.xtrim(NAMES.key("ticks"), maxlen=1, approximate=False),
    "one more tick": lambda client: client.xadd(NAMES.key("ticks"), {"json": "{}"}),
    "another tick time": _change("state", "tick", "1"),
    "another engine": _change("state", "engine", "other"),
    "no engine": lambda client: client.hdel(NAMES.key("state"), "engine"),
    "other counters": _change("state", "counters", "{}"),
    "no schema": lambda client: client.hdel(NAMES.key("state"), "schema"),
    "no number as schema": _change("state", "schema", "x"),
    "another study": _change("state", "study", "0123456789abcdef"),
    "a cut row of the sums": lambda client: client.hset(
        NAMES.key("sums"), next(iter(client.hkeys(NAMES.key("sums")))), b"\x00" * 7
    ),
    "a foreign field of the sums": _change("sums", "what", "ever"),
    "a bucket that is none": _change("sums", "0:99999", "\x00" * 240),
    "no number as mean": _change("moments:skip_rate:control", "mean", "x"),
    "no mean": lambda client: client.hdel(NAMES.key("moments:skip_rate:control"), "mean"),
    "sums of another type": lambda client: (client.delete(NAMES.key("sums")), client.set(NAMES.key("sums"), "x")),
    "state of another type": lambda client: (client.delete(NAMES.key("state")), client.set(NAMES.key("state"), "x")),
    "history of another type": lambda client: (client.delete(NAMES.key("ticks")), client.set(NAMES.key("ticks"), "x")),
    "users of another type": lambda client: (client.delete(NAMES.key("users")), client.set(NAMES.key("users"), "x")),
    "no checksum": lambda client: client.hdel(NAMES.key("state"), "checksum"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_every_damage_is_noticed_at_load_and_the_run_begins_anew(damage: Callable[[Any], object], client: Any) -> None:
    committed(client)
    damage(client)
    store = RedisStore(client, NAMES, STUDY, MEASURES)
    with pytest.raises(Damaged):
        store.load(1)
    store.start_over()
    state, engine = store.load(1)
    assert (state.logs[0].position, engine, state.aggregate.sessions_all) == (0, None, 0)
    assert not client.exists(*(NAMES.key(key) for key in ("state", "sums", "ticks", "users")))


@pytest.mark.parametrize("lost", ["no sums", "one row of the sums", "no history", "half of the history", "no users"])
def test_lost_keys_are_noticed_by_the_next_commit(lost: str, client: Any) -> None:
    """The commit that finds keys missing writes nothing."""
    store = committed(client)
    state, _ = store.load(1)
    DAMAGES[lost](client)
    before = client.hgetall(NAMES.key("state"))
    with pytest.raises(Damaged):
        store.commit(state, b"later", [])
    assert client.hgetall(NAMES.key("state")) == before


def test_what_another_station_commits_meanwhile_is_no_damage(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RedisStore(client, NAMES, STUDY, MEASURES)
    state, _ = writer.load(1)
    everything = outputs()
    advance(state, everything[: len(everything) // 2])
    writer.commit(state, b"engine", [])
    reader = RedisStore(connect(client_url(client)), NAMES, STUDY, MEASURES)
    moments = reader._load_aggregate

    def meanwhile(*given: Any) -> None:
        moments(*given)
        if state.logs[0].position < len(everything):  # once, between two reads of the loading station
            advance(state, everything[len(everything) // 2 :], len(everything) // 2)
            writer.commit(state, b"engine", [["XADD", NAMES.key("ticks"), "*", "json", "{}"]])

    monkeypatch.setattr(reader, "_load_aggregate", meanwhile)
    loaded, _ = reader.load(1)
    assert loaded.logs[0].position == state.logs[0].position == len(everything)


def client_url(client: Any) -> str:
    given = client.connection_pool.connection_kwargs
    return f"redis://{given.get('username') or ''}:{given.get('password') or ''}@{given['host']}:{given['port']}/0"


def test_a_station_that_judged_an_older_state_removes_nothing(client: Any) -> None:
    writer = committed(client)
    late = RedisStore(client, NAMES, STUDY, MEASURES)
    late.load(1)
    state, _ = writer.load(1)
    writer.commit(state, b"newer", [])
    late.start_over()
    assert writer.load(1)[1] == b"newer"


def test_a_close_is_made_at_its_own_tick_also_when_read_again(client: Any) -> None:
    """A run that is read again from its start makes it at the same tick."""
    store = committed(client)
    state, _ = store.load(1)
    store.request_close("enough", after=1_000)
    assert store.close_at(1_000, ended=False) is None  # ticks that are read again are not meant
    assert store.close_at(2_000, ended=False) == store.close_at(1_500, ended=True) == "enough"
    store.commit(state, b"closed", [store.close_made("enough", 2_000, ended=False)])
    store.start_over()
    assert [store.close_at(time, ended=False) for time in (1_000, 2_000, 3_000)] == [None, "enough", None]


def test_what_is_whole_loads_again(client: Any) -> None:
    committed(client)
    state, engine = RedisStore(client, NAMES, STUDY, MEASURES).load(1)
    assert engine == b"engine" and state.aggregate.sessions_all > 0


@pytest.mark.slow
def test_a_run_with_a_redis_damaged_repeatedly_equals_the_batch(
    servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    """Sums lost under a working station; a moment changed while it is down; everything emptied after the stream's end."""
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=60_000, users=160, lift=0.2, seed=4, study=STUDY)
    admin = redis.Redis.from_url(servers.redis.admin_url)

    def key(live: LiveRun, name: str) -> str:
        return RunNames("lastfm", live.stations.run.run).key(name)

    def damage(live: LiveRun) -> None:
        live.accepted(15_000)
        admin.delete(key(live, "sums"))
        live.accepted(30_000)
        live.kill("stats")
        admin.hset(key(live, "moments:session_duration:control"), "mean", "1.0")
        live.end()
        admin.flushall()  # quiet: no commit would notice

    document = live_run(servers, folder, DemoPlan(STUDY, data, speed="1200000x"), damage)
    assert_equals_batch(document, data, STUDY, servers)


@pytest.mark.parametrize(
    "refusal",
    [
        "READONLY You can't write against a read only replica.",
        "MASTERDOWN Link with MASTER is down",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "BUSY Redis is busy running a script.",
        "NOREPLICAS Not enough good replicas to write.",
        "LOADING Redis is loading the dataset in memory",
    ],
)
def test_what_passes_by_itself_is_waited_out(refusal: str) -> None:
    """As redis-py's own parser makes an error of it: the station loads again instead of ending."""
    error = BaseParser.parse_error(refusal)
    assert isinstance(error, LOST) or (isinstance(error, redis.ResponseError) and passes(error))
    assert not passes(redis.ResponseError("WRONGTYPE Operation against a key"))
