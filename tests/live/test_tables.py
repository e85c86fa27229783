"""Tables of a study on real servers: exact after kill -9, shown by `livelift tables` when everything has stopped."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batch.oracle import Oracle
from livelift.errors import StateError, VersionError
from livelift.names import RunNames
from livelift.sessions import session_measures
from livelift.study import load_study
from livelift.table_plan import table_plans
from local.demo import DemoPlan
from local.servers import LocalServers
from local.verdict_reader import read_tables
from processor.windows import new_partition
from stats.edges.integrity import Damaged
from stats.edges.redis_connection import connect
from stats.edges.redis_store import RedisStore
from stats.edges.redis_tables import read_kept_tables
from studies.push import generator as push
from tests.studies.test_studies import FOLDER
from tests.studies.viewings import make
from tests.support.command_line import LIVELIFT
from tests.support.live_run import LiveRun, assert_equals_batch, live_run
from tests.support.pure_pipeline import run_state
from tests.support.small_study import START, TABLED
from tests.support.streams import Listen, partition_records

pytestmark = pytest.mark.slow  # runs of stations: 70 s; the laws of tables are in tests/laws/test_tables.py

VIEWINGS = FOLDER / "viewings"


def livelift(folder: Path, *arguments: object) -> str:
    return subprocess.run(
        [LIVELIFT, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=True, timeout=180
    ).stdout  # fmt: skip


def make_push(data: Path) -> None:
    push.generate(data, users=90, lift=0.3, study=load_study("push"))


@pytest.mark.parametrize(("name", "made"), [(str(VIEWINGS), make.main), ("push", make_push)])
def test_tables_survive_kill_9_and_equal_the_batch(
    name: str, made: Callable[[Path], None], servers: LocalServers, folder: Path, tmp_path: Path
) -> None:
    """The processor dies twice, stats once; every row is the batch's. Each event is a session, or sessions have gaps."""
    study = load_study(name)
    data = tmp_path / "input"
    made(data)

    def faults(run: LiveRun) -> None:
        run.accepted(1_000)
        run.kill("processor")
        run.accepted(3_000)
        run.kill("stats")
        run.accepted(5_000)
        run.kill("processor")

    settings = {"LIVELIFT_FETCH_RECORDS": "100", "LIVELIFT_SESSION_TIMEOUT": "6", "LIVELIFT_CHECKPOINT_SECONDS": "0.5"}
    plan = DemoPlan(study, data, 3, speed="500000x", settings=settings)
    document = live_run(servers, folder, plan, faults)
    assert_equals_batch(document, data, study, servers)
    if study.churn.days:
        learner = run_state(data, tmp_path / "cache", study, partitions=3).tables.churn
        assert learner is not None
        assert read_tables(connect(servers.redis.url), study, [], document.run).churn == learner.model


def test_the_demo_of_a_study_with_tables_and_what_it_leaves(tmp_path: Path) -> None:
    """The demo compares them with the batch; later they are listed, shown, and given as JSON and CSV."""
    data = tmp_path / "input"
    make.main(data)
    subprocess.run(
        [LIVELIFT, "demo", "--study", VIEWINGS, "--data", data, "--exit"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    with Oracle(data, load_study(str(VIEWINGS))) as oracle:
        expected = oracle.tables()
    listed = json.loads(livelift(tmp_path, "tables", "--study", VIEWINGS, "--json"))
    people = expected.pop("users")
    assert {line["table"]: line["rows"] for line in listed} == {name: len(rows) for name, rows in expected.items()}
    shown = json.loads(livelift(tmp_path, "users", "--study", VIEWINGS, "--json"))
    assert all(0 <= row.pop("churn") <= 1 for row in shown)
    assert shown == people
    (header, *lines) = livelift(tmp_path, "users", people[3]["user"], "--study", VIEWINGS, "--csv").splitlines()
    assert header.startswith("user,views,first_view")
    assert header.endswith(",churn")
    told = json.loads(livelift(tmp_path, "churn", "--study", VIEWINGS, "--json"))
    assert told["learned"] == sum(one["number"] for one in told["calibration"]) > 2_000
    assert "churn: no event within 7 days" in livelift(tmp_path, "churn", "--study", VIEWINGS)
    assert len(lines) == 1
    rows = json.loads(livelift(tmp_path, "tables", "daily", "--study", VIEWINGS, "--json"))
    assert rows == expected["daily"]
    text = livelift(tmp_path, "tables", "top", "--study", VIEWINGS, "--csv")
    assert [dict(row) for row in csv.DictReader(text.splitlines())] == [
        {name: str(value) for name, value in row.items()} for row in expected["top"]
    ]
    shown = livelift(tmp_path, "tables", "hour_of_day", "--study", VIEWINGS)
    assert f"{expected['hour_of_day'][13]['views']:,}" in shown
    assert "daily" in livelift(tmp_path, "tables", "--study", VIEWINGS)


@pytest.fixture
def kept(servers: LocalServers, folder: Path, tmp_path: Path) -> Any:
    """A finished run's client, names and expected tables."""
    study = load_study(str(VIEWINGS))
    data = tmp_path / "input"
    make.main(data)
    document = live_run(servers, folder, DemoPlan(study, data, 2))
    with Oracle(data, study) as oracle:
        return (
            connect(servers.redis.url),
            RunNames(study.name, document.run),
            oracle.tables(),
            table_plans(study.tables),
        )


def test_tables_in_another_form_are_not_read(kept: Any) -> None:
    """Sums under other columns would be shown as numbers."""
    client, names, _, _ = kept
    client.hset(names.key("state"), "schema", "6")
    with pytest.raises(VersionError, match="has schema 6"):
        read_kept_tables(client, names, ["weekday"])


def test_redis_holds_a_hash_a_table(kept: Any) -> None:
    """Under the keys that docs/14-tables.md names."""
    client, names, expected, plans = kept
    assert client.hlen(f"livelift:viewings:{names.run}:table:weekday") == len(expected["weekday"])
    kept_now = read_kept_tables(client, names, ["weekday"])
    assert plans["weekday"].rows(kept_now.groups["weekday"]) == expected["weekday"]
    views, users, _ = json.loads(client.hget(f"livelift:viewings:{names.run}:table:all", "[0]"))
    assert {"views": views, "users": users}.items() <= expected["all"][0].items()


def test_lost_rows_of_a_table_are_noticed_at_the_next_commit(admin: Any) -> None:
    """And read again: nothing is written over what is short."""
    study = TABLED["gap"]
    measures = session_measures(study)
    (records,) = partition_records([Listen(START + hour * 3_600_000, "ab"[hour % 2], "x") for hour in range(80)])
    log = new_partition(study, measures).apply(records).outputs
    names = RunNames(study.name, "lost-rows")
    store = RedisStore(admin, names, study, measures.names)
    state, _ = store.load(1)
    state.offer(0, list(enumerate(log[: len(log) // 2])))
    while state.step() is not None:
        pass
    store.commit(state, None, [])
    assert admin.hlen(names.key("table:daily")) >= 1
    again, _ = RedisStore(admin, names, study, measures.names).load(1)
    assert again.tables.groups == state.tables.groups
    admin.hdel(names.key("table:daily"), admin.hkeys(names.key("table:daily"))[0])
    state.offer(0, list(enumerate(log))[len(log) // 2 :])
    while state.step() is not None:
        pass
    with pytest.raises(Damaged):
        store.commit(state, None, [])
    with pytest.raises(Damaged, match="table 'daily'"):
        RedisStore(admin, names, study, measures.names).load(1)


def test_a_changed_study_file_shows_no_numbers_of_another(kept: Any, servers: LocalServers) -> None:
    client, names, _, _ = kept
    study = load_study(str(VIEWINGS))
    other = msgspec.structs.replace(study, fingerprint="0" * 16)
    with pytest.raises(StateError, match="another study file"):
        read_tables(client, other, ["daily"])
    assert read_tables(client, study, ["daily"], names.run).as_of.startswith("2024-06")
