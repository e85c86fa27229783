"""The rights that docs/08-redis.md says are enough: they are, and whatever is missing is named before anything is written."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from batch.document import batch_document
from livelift import settings
from livelift.document import Document, HistoryEntry, decode_document, history_entry
from livelift.errors import DeniedError
from livelift.names import RunNames, changes_channel, headline_key, preview_key, verdict_key
from livelift.sessions import session_measures
from livelift.study import load_study
from livelift.tables import Table, TableValue
from local.demo import DemoPlan
from local.equality import differences
from local.runs import known_runs, show_run
from local.servers import LocalServers
from local.verdict_reader import read_history, read_newest, read_tables, read_verdict
from producer.topics import create_topics
from stats.app import StatsStation
from stats.edges.prometheus_edge import StatsMetrics
from stats.edges.redis_connection import connect, eviction
from stats.edges.redis_store import RedisStore, read_preview, read_ticks
from stats.settings import StatsSettings
from studies.lastfm import generator as lastfm_generator
from tests.live.test_redis_store import advance, outputs
from tests.support.command_line import LIVELIFT
from tests.support.documents import sample_document
from tests.support.live_run import LiveRun, live_run

STUDY = replace(load_study("lastfm"), tables={"artists": Table({"plays": TableValue(count="event")}, by=["artist"])})
MEASURES = session_measures(STUDY).names
NAMES = RunNames("lastfm", "rights-1")
PAGE = Path(__file__).parents[2] / "docs" / "08-redis.md"
PASSWORD = "geheim"

LINES = {line.split()[2]: line.split()[3:] for line in PAGE.read_text().splitlines() if line.startswith("ACL SETUSER ")}
COMMANDS = {user: [word[1:] for word in words if word.startswith("+")] for user, words in LINES.items()}
"""User → the commands that its line on the page gives."""


@pytest.fixture
def admin(admin: Any) -> Iterator[Any]:
    """A client of everything; users are removed after the test, as the data are."""
    admin.script_flush()
    yield admin
    for user in LINES:
        admin.acl_deluser(user)


def as_user(servers: LocalServers, admin: Any, user: str, *changes: str) -> str:
    """The URL of a user with the rights of its line on the page, changed by more words of an ACL."""
    words = [f">{PASSWORD}" if word == ">PASSWORD" else word for word in LINES[user]]
    admin.execute_command("ACL", "SETUSER", user, "reset", *words, *changes)
    return f"redis://{user}:{PASSWORD}@{servers.redis.address}/0"


def document(ended: bool = True) -> Document:
    made = sample_document(run=NAMES.run, summary="words")
    return replace(made, progress=replace(made.progress, ended=ended))


def entry() -> HistoryEntry:
    return history_entry(document())


def work_of_stats(url: str) -> None:
    """All that the station and its page of history do."""
    client = connect(url)
    eviction(client)
    store = RedisStore(client, NAMES, STUDY, MEASURES)
    store.require_rights()
    store.make_current()
    state, _ = store.load(1)
    everything = outputs()
    advance(state, everything)
    store.close_at(1, ended=False)
    shown = [*store.verdict_commands(document(), entry()), *store.preview_commands(document())]
    store.commit(state, b"engine", [*shown, store.close_made("enough", 1, ended=False), store.close_refused()])
    assert not store.moved()
    assert RedisStore(client, NAMES, STUDY, MEASURES).load(1)[1] == b"engine"
    assert list(read_ticks(client, NAMES))
    assert read_preview(client, NAMES) is not None
    store.start_over()


def work_of_a_reader(url: str) -> None:
    client = connect(url)
    assert read_verdict(client, "lastfm", run=NAMES.run) is not None
    assert read_newest(client, "lastfm") is not None
    assert len(read_history(client, "lastfm")) == len(read_history(client, "lastfm", NAMES.run)) == 1
    assert [run.run for run in known_runs(client)] == [NAMES.run]
    assert read_tables(client, STUDY, ["artists"]).rows == {"artists": []}


def work_of_the_stack(url: str) -> None:
    client = connect(url)
    read_verdict(client, "lastfm", preview=True)
    show_run(client, "lastfm", known_runs(client)[0].run)


def work_of_a_person(url: str) -> None:
    client = redis.Redis.from_url(url)
    client.get(verdict_key("lastfm"))
    client.hget(headline_key("lastfm"), "decision")
    client.hgetall(NAMES.key("moments:session_duration:control"))
    client.hscan(NAMES.key("table:artists"))
    client.xrange(NAMES.key("ticks"))
    with client.pubsub() as listener:
        listener.subscribe(changes_channel("lastfm"))
        assert listener.get_message(timeout=5) is not None


def work_of_closing(url: str) -> None:
    """What `livelift close` does where no station works, with stand-ins for the statistics."""
    client = connect(url)
    read_verdict(client, "lastfm")
    read_verdict(client, "lastfm", run=NAMES.run)
    store = RedisStore(client, NAMES, STUDY, MEASURES)
    state, _ = store.load(store.partitions())
    store.request_close("enough", 1)
    store.commit(state, b"closed", [*store.verdict_commands(document(), entry()), store.close_made("", 1, True)])


WORK: dict[str, Callable[[str], None]] = {
    "livelift-stats": work_of_stats,
    "livelift-reader": work_of_a_reader,
    "livelift-closer": work_of_closing,
    "livelift-stack": work_of_the_stack,
    "livelift-person": work_of_a_person,
}


def filled(servers: LocalServers) -> None:
    """A run of one tick, written by somebody who may do everything."""
    store = RedisStore(connect(servers.redis.admin_url), NAMES, STUDY, MEASURES)
    store.make_current()
    state, _ = store.load(1)
    advance(state, outputs())
    store.commit(state, b"engine", store.verdict_commands(document(), entry()))


def everything(admin: Any) -> dict[bytes, Any]:
    """What all keys hold."""
    read = {b"string": admin.get, b"hash": admin.hgetall, b"stream": admin.xrange}
    return {key: read[admin.type(key)](key) for key in admin.keys("livelift:*")}


@pytest.mark.parametrize("user", LINES)
def test_each_role_does_its_work_with_the_documented_rights(user: str, servers: LocalServers, admin: Any) -> None:
    if user != "livelift-stats":
        filled(servers)
    WORK[user](as_user(servers, admin, user))


@pytest.mark.parametrize("user", LINES)
def test_the_rights_may_be_those_of_one_study(user: str, servers: LocalServers, admin: Any) -> None:
    if user != "livelift-stats":
        filled(servers)
    channels = [] if "&livelift:*" not in LINES[user] else ["resetchannels", "&livelift:lastfm:*"]
    WORK[user](as_user(servers, admin, user, "resetkeys", "~livelift:lastfm:*", *channels))
    if user in ("livelift-reader", "livelift-person") and admin.info("server")["redis_version"] >= "7":
        WORK[user](as_user(servers, admin, user, "resetkeys", "%R~livelift:lastfm:*", *channels))


def test_every_documented_role_is_tried() -> None:
    assert set(LINES) == set(WORK)


@pytest.mark.parametrize("command", [command for command in COMMANDS["livelift-stats"] if command != "info"])
def test_a_right_that_is_missing_is_named_and_nothing_is_written(
    command: str, servers: LocalServers, admin: Any
) -> None:
    """As the station meets it: at its start, or when the right is taken away between its start and its commit."""
    if command == "exists":  # asked for where there is no state
        admin.set("livelift:lastfm:run", NAMES.run)
    else:
        filled(servers)
    if command == "script|load":
        admin.script_flush()
    url = as_user(servers, admin, "livelift-stats", f"-{command.partition('|')[0]}")
    before = everything(admin)
    with pytest.raises(DeniedError) as error:
        work_of_stats(url)
    assert f"denies its user 'livelift-stats' the command {command.upper().replace('|', ' ')}" in error.value.what
    assert f"ACL SETUSER livelift-stats +{command}  " in error.value.fix
    if command != "xrange":  # the history page's alone
        assert everything(admin) == before


@pytest.mark.parametrize("command", ["hset", "set", "del", "xadd", "publish", "hget", "hlen", "xlen"])
def test_a_right_that_goes_before_a_commit_refuses_it_as_a_whole(
    command: str, servers: LocalServers, admin: Any
) -> None:
    store = RedisStore(connect(as_user(servers, admin, "livelift-stats")), NAMES, STUDY, MEASURES)
    store.require_rights()
    store.make_current()
    state, _ = store.load(1)
    some = outputs()
    advance(state, some[: len(some) // 2])
    store.commit(state, b"engine", store.verdict_commands(document(), entry()))
    advance(state, some[len(some) // 2 :], len(some) // 2)
    commands = store.verdict_commands(document(), entry())
    admin.execute_command("ACL", "SETUSER", "livelift-stats", f"-{command}")
    before = everything(admin)
    with pytest.raises(DeniedError, match=f"'livelift-stats' the command {command.upper()}"):
        store.commit(state, b"engine", commands)
    assert everything(admin) == before
    admin.execute_command("ACL", "SETUSER", "livelift-stats", f"+{command}")
    store.commit(state, b"engine", commands)
    assert read_history(admin, "lastfm") == [entry()] * 2


KEYS = ("state", "sums", "ticks", "users", "verdict", "close", "moments:skip_rate:control")


@pytest.mark.parametrize("denied", KEYS)
def test_keys_and_channel_that_are_denied_are_named(denied: str, servers: LocalServers, admin: Any) -> None:
    allowed = [
        f"~{NAMES.key(key)}*" for key in ("state", "sums", "ticks", "users", "verdict", "close", "moments", "probe")
    ]
    allowed = [pattern for pattern in allowed if not denied.startswith(pattern.split(":")[-1].rstrip("*"))]
    public = [f"~livelift:lastfm:{key}" for key in ("run", "verdict", "preview", "headline")]
    moments = [f"~{NAMES.key('moments:[^s]*')}"] if denied.startswith("moments") else []
    url = as_user(servers, admin, "livelift-stats", "resetkeys", *allowed, *public, *moments)
    with pytest.raises(DeniedError) as error:
        work_of_stats(url)
    assert NAMES.key(denied) in error.value.what and "(command EVALSHA)" in error.value.what
    for other in KEYS:
        assert (NAMES.key(other) in error.value.what) == (other == denied)
    assert error.value.fix.startswith("ACL SETUSER livelift-stats ~livelift:*")
    assert everything(admin) == {}

    url = as_user(servers, admin, "livelift-stats", "resetchannels", "&another:*")
    store = RedisStore(connect(url), NAMES, STUDY, MEASURES)
    store.make_current()
    state, _ = store.load(1)
    advance(state, outputs())
    before = everything(admin)
    with pytest.raises(DeniedError, match="the channel livelift:lastfm:changes") as refusal:
        store.commit(state, b"", store.verdict_commands(document(), entry()))
    assert "&livelift:*" in refusal.value.fix
    assert everything(admin) == before


@pytest.mark.parametrize(
    ("user", "command"),
    [
        (user, command)
        for user in ("livelift-reader", "livelift-closer", "livelift-stack")
        for command in COMMANDS[user]
    ],
)
def test_what_a_reader_lacks_is_named(user: str, command: str, servers: LocalServers, admin: Any) -> None:
    filled(servers)
    if command == "script|load":
        admin.script_flush()
    url = as_user(servers, admin, user, f"-{command.partition('|')[0]}")
    with pytest.raises(DeniedError, match=f"denies its user '{user}' the command {command.upper().replace('|', ' ')}"):
        WORK[user](url)
    url = as_user(servers, admin, user, "resetkeys", "~livelift:another:*")
    with pytest.raises(DeniedError, match=f"'{user}' the key"):
        WORK[user](url)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("user", "command", "lacks"),
    [
        ("livelift-reader", ("verdict",), "mget"),
        ("livelift-reader", ("history", "--csv"), "xrange"),
        ("livelift-reader", ("runs",), "scan"),
        ("livelift-closer", ("close", "--reason", "enough"), "get"),
    ],
)
def test_a_command_says_what_its_user_lacks_in_two_lines(
    user: str, command: tuple[str, ...], lacks: str, servers: LocalServers, admin: Any, tmp_path: Path
) -> None:
    filled(servers)
    url = as_user(servers, admin, user, f"-{lacks}")
    ended = subprocess.run(
        [LIVELIFT, *command],
        cwd=tmp_path,
        env=os.environ | {settings.REDIS: url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == DeniedError.exit_code
    what, fix = ended.stderr.strip().splitlines()
    assert what == f"error: Redis denies its user '{user}' the command {lacks.upper()}"
    assert fix.startswith(f"  fix: ACL SETUSER {user} +{lacks} ")
    assert PASSWORD not in ended.stderr


def test_a_right_to_see_the_eviction_policy_is_no_must(servers: LocalServers, admin: Any) -> None:
    for rights, seen in (((), True), (("-info", "+config|get"), True), (("-info",), False)):
        found = eviction(connect(as_user(servers, admin, "livelift-stats", *rights)))
        assert (found is not None and found.policy == "noeviction") == seen
    work_of_stats(as_user(servers, admin, "livelift-stats", "-info"))


def test_a_station_that_lacks_a_right_from_the_start_names_it(servers: LocalServers, admin: Any) -> None:
    """The station ends with the missing right in its message."""
    url = as_user(servers, admin, "livelift-stats", "-xadd")
    config = StatsSettings(servers.kafka.address, url, "lastfm", "rights-start")
    create_topics(config.kafka, config.names, 1)
    with pytest.raises(DeniedError, match="the command XADD"):
        StatsStation(config, STUDY, StatsMetrics(STUDY)).run(lambda: False, until_end=True)
    assert everything(admin) == {}


@pytest.mark.slow
def test_a_run_whose_rights_come_and_go_equals_the_batch(
    servers: LocalServers, folder: Path, tmp_path: Path, admin: Any
) -> None:
    """Every right of the station is taken away in turn and given back when its log names it; so are memory and replicas."""
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=60_000, users=160, lift=0.2, seed=4, study=STUDY)
    url = as_user(servers, admin, "livelift-stats")
    rights = {
        **{f"the command {name.upper()}": (f"-{name}", f"+{name}")
           for name in ("hset", "xadd", "set", "del", "publish", "evalsha", "hlen", "xlen")},
        "the key": ("resetkeys", "~livelift:*"),
        "the channel": ("resetchannels", "&livelift:*"),
    }  # fmt: skip
    changes = {
        f"denies its user 'livelift-stats' {named}": [("ACL", "SETUSER", "livelift-stats", word) for word in words]
        for named, words in rights.items()
    }
    changes["used memory > 'maxmemory'"] = [("CONFIG", "SET", "maxmemory", limit) for limit in ("100kb", "0")]
    changes["NOREPLICAS"] = [("CONFIG", "SET", "min-replicas-to-write", number) for number in ("1", "0")]

    def come_and_go(live: LiveRun) -> None:
        log = live.stations._stations.log("stats")
        for n, (named, (take, give)) in enumerate(changes.items(), 1):
            live.accepted(4_000 * n)
            said = log.read_text().count(named)
            admin.execute_command(*take)
            until = time.monotonic() + 30
            while log.read_text().count(named) == said:
                assert time.monotonic() < until, (named, log.read_text()[-2_000:])
                time.sleep(0.05)
            admin.execute_command(*give)

    plan = DemoPlan(STUDY, data, speed="1200000x", settings={settings.REDIS: url})
    shown = live_run(servers, folder, plan, come_and_go)
    oracle, looks = batch_document(data, STUDY)
    assert list(differences(shown, oracle)) == []
    live = {tick.as_of: tick for tick in read_history(admin, "lastfm", shown.run)}
    for look in looks:
        assert list(differences(live[look.as_of], look)) == []
    headline = {name.decode(): value.decode() for name, value in admin.hgetall(headline_key("lastfm")).items()}
    assert headline["reason"] == shown.summary
    assert decode_document(admin.get(verdict_key("lastfm"))) == shown
    assert not admin.exists(preview_key("lastfm"))
    logs = "".join(file.read_text() for file in (folder / "runs").glob("*/logs/stats.log"))
    assert "fix: ACL SETUSER livelift-stats ~livelift:*" in logs
