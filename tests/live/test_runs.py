"""An aborted or failed run leaves the last complete run current."""

import json
import signal
import subprocess
import time
from pathlib import Path

import msgspec
import pytest
import redis
from msgspec.structs import replace

from livelift.document import Document, encode, history_entry
from livelift.errors import StateError, VersionError
from livelift.names import RunNames, current_run_key, headline_key, preview_key, verdict_key
from local.redis_server import RedisServer
from local.run_folder import Run, RunFolder
from local.runs import all_runs, go_back_to_complete, known_runs, require_run, show_run
from local.verdict_reader import read_history, read_verdict
from tests.support.command_line import LIVELIFT, write_small_log
from tests.support.documents import sample_document

OLD, NEW, NEWEST = "20260101-000000-aaaa", "20260102-000000-bbbb", "20260103-000000-cccc"


def livelift(folder: Path, *arguments: str, code: int = 0) -> str:
    ended = subprocess.run([LIVELIFT, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert ended.returncode == code, ended.stderr
    return ended.stdout


def begun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [LIVELIFT, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for_ticks(folder: Path, beyond: str) -> None:
    """Until the public verdict is that of a later run than `beyond`."""
    deadline = time.monotonic() + 60
    while True:
        stack = RunFolder(folder / ".livelift").stack()
        if stack is not None and "run" in stack:
            text = redis.Redis.from_url(stack["redis"]).get(verdict_key("lastfm"))
            if text and json.loads(text)["run"] > beyond:  # type: ignore[arg-type]
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_an_unfinished_demo_leaves_the_complete_run_in_place(tmp_path: Path) -> None:
    """Whether it was aborted, killed or failed."""
    data = tmp_path / "log.tsv"
    write_small_log(data)
    demo = ("demo", "--data", "log.tsv", "--no-check")
    first = livelift(tmp_path, *demo, "--exit", "--json")
    run = json.loads(first)["run"]
    history = livelift(tmp_path, "history", "--csv")
    folder = RunFolder(tmp_path / ".livelift")
    broker = (folder.kafka / "data" / "meta.properties").stat()
    assert not folder.demo_kafka.exists()

    for number in (signal.SIGINT, signal.SIGKILL):
        aborted = begun(tmp_path, *demo, "--speed", "2000000x")
        wait_for_ticks(tmp_path, run)
        aborted.send_signal(number)
        aborted.communicate(timeout=40)
        assert livelift(tmp_path, "verdict", "--json") == first
        assert livelift(tmp_path, "history", "--csv") == history
    (tmp_path / "bad.tsv").write_text("no columns\n")
    livelift(tmp_path, "demo", "--data", "bad.tsv", code=3)
    assert livelift(tmp_path, "verdict", "--json") == first

    runs = [json.loads(line) for line in livelift(tmp_path, "runs", "--json").splitlines()]
    assert [(entry["complete"], entry["current"]) for entry in runs] == [(True, True), *[(False, False)] * 3]
    assert runs[0]["run"] == run
    assert [bool(entry["as_of"] and entry["decision"]) for entry in runs] == [True, True, True, False]
    current = folder.current_run("lastfm")
    assert current is not None
    assert current.run == run  # what `livelift up` goes on with, on the broker's data of then
    assert (folder.kafka / "data" / "meta.properties").stat() == broker

    second = livelift(tmp_path, *demo, "--exit", "--json")
    assert livelift(tmp_path, "verdict", "--json") == second != first
    assert not folder.demo_kafka.exists()
    assert (folder.kafka / "data" / "meta.properties").stat() != broker


def document(run: str, ended: bool) -> Document:
    made = sample_document(run=run, study="s", summary=f"of {run}")
    return replace(made, progress=replace(made.progress, ended=ended))


def keep(client: redis.Redis, run: str, ended: bool | None) -> None:
    """What a run leaves in Redis; None: it was stopped before its first tick."""
    names = RunNames("s", run)
    client.hset(names.key("state"), "tick", "1")
    client.set(current_run_key("s"), run)
    if ended is not None:
        found = document(run, ended)
        text = encode(found)
        client.set(names.key("verdict"), text)
        client.set(verdict_key("s"), text)
        client.xadd(names.key("ticks"), {"json": encode(history_entry(found))})


@pytest.mark.parametrize("ended", [None, False])
def test_the_public_keys_go_back_to_the_last_complete_run(tmp_path: Path, ended: bool | None) -> None:
    with RedisServer(tmp_path) as server:
        client = redis.Redis.from_url(server.url)
        keep(client, OLD, True)
        keep(client, NEW, True)
        keep(client, NEWEST, ended)
        client.set(preview_key("s"), encode(document(NEWEST, False)))
        go_back_to_complete(client)
        assert client.get(current_run_key("s")) == NEW.encode()
        shown = read_verdict(client, "s", preview=True)
        assert shown is not None
        assert shown.run == NEW
        assert client.hget(headline_key("s"), "reason") == f"of {NEW}".encode()
        assert [run.current for run in known_runs(client)] == [False, True, False]
        show_run(client, "s", OLD)
        go_back_to_complete(client)  # a complete one that was chosen stays
        assert client.get(current_run_key("s")) == OLD.encode()


def test_a_redis_that_takes_no_writes_can_still_be_read(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        client = redis.Redis.from_url(server.url)
        keep(client, OLD, True)
        keep(client, NEW, False)
        redis.Redis.from_url(server.admin_url).config_set("min-replicas-to-write", 1)  # refused as on a full disk
        assert not go_back_to_complete(client)
        shown = read_verdict(client, "s")
        assert shown is not None
        assert shown.run == NEW
        redis.Redis.from_url(server.admin_url).config_set("min-replicas-to-write", 0)
        assert go_back_to_complete(client)
        assert client.get(current_run_key("s")) == OLD.encode()


def test_runs_that_left_nothing_in_redis_are_listed_too(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / ".livelift")
    failed = Run("20260104-000000-dddd", "s", "f", "log.tsv", 4)
    folder.note_run(failed)
    folder.note_run(Run(OLD, "s", "f", "log.tsv", 4))
    with RedisServer(tmp_path / "redis") as server:
        client = redis.Redis.from_url(server.url)
        keep(client, OLD, True)
        assert [(run.run, run.begun, run.complete) for run in all_runs(client, folder, "s")] == [
            (OLD, "2026-01-01T00:00:00Z", True),
            (failed.run, "2026-01-04T00:00:00Z", False),
        ]
        assert all_runs(client, folder, "another") == []


def test_without_a_complete_run_the_stopped_one_stays(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        client = redis.Redis.from_url(server.url)
        go_back_to_complete(client)
        keep(client, OLD, False)
        go_back_to_complete(client)
        shown = read_verdict(client, "s")
        assert shown is not None
        assert shown.run == OLD


def test_each_run_is_read_by_its_id_and_an_unknown_id_is_refused(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        client = redis.Redis.from_url(server.url)
        keep(client, OLD, False)
        keep(client, NEW, True)
        shown = read_verdict(client, "s", run=OLD)
        assert shown is not None
        assert shown.run == OLD
        assert [entry.summary for entry in read_history(client, "s", OLD)] == [f"of {OLD}"]
        assert [entry.summary for entry in read_history(client, "s")] == [f"of {NEW}"]
        with pytest.raises(StateError, match="no run 'nope' of study 's'") as refusal:
            require_run(client, "s", "nope")
        assert NEW in refusal.value.fix
        with pytest.raises(StateError, match="no run"):
            read_history(client, "s", "nope")


def test_a_complete_demo_killed_at_its_end_is_kept(tmp_path: Path) -> None:
    """The next start finds it complete and keeps it."""
    folder = RunFolder(tmp_path / ".livelift")
    older, newer = (Run.new(study="s", fingerprint="f", data=data, partitions=1) for data in ("a", "b"))
    folder.save_run(older)
    (folder.kafka / "data").mkdir(parents=True)
    folder.note_run(newer)
    (folder.demo_kafka / "newer").mkdir(parents=True)
    folder.mark_complete(newer)
    assert folder.current_run("s") == older
    folder.keep_or_drop_demo()
    assert folder.current_run("s") == newer
    assert [file.name for file in folder.kafka.iterdir()] == ["newer"]
    assert not folder.demo_kafka.exists()
    folder.keep_or_drop_demo()
    assert folder.current_run("s") == newer


def test_a_mark_of_completion_that_was_left_behind_goes(tmp_path: Path) -> None:
    """By a kill -9 in its last moment, or by an earlier version; the broker's data beside it stay."""
    folder = RunFolder(tmp_path / ".livelift")
    (folder.kafka / "data").mkdir(parents=True)
    (folder.kafka / "complete.json").write_text('{"run": "x"}')
    folder.keep_or_drop_demo()
    assert [file.name for file in folder.kafka.iterdir()] == ["data"]
    assert folder.current_run("s") is None


def kept_undecided(folder: RunFolder, *runs: tuple[str, bool]) -> None:
    """Runs of the study lastfm without a decision in the folder's own Redis, and whether each has ended."""
    with RedisServer(folder.redis) as server:
        client = redis.Redis.from_url(server.url)
        for run, ended in runs:
            names = RunNames("lastfm", run)
            text = encode(replace(document(run, ended), study="lastfm", decided=None))
            client.hset(names.key("state"), "tick", "1")
            client.set(names.key("verdict"), text)
            client.set(verdict_key("lastfm"), text)
            client.set(current_run_key("lastfm"), run)


def closing(folder: Path, *arguments: str) -> str:
    """What `livelift close` says when it refuses."""
    command = [LIVELIFT, "close", "--reason", "enough", *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 8, ended.stderr
    return ended.stderr


def test_close_asks_which_run_is_meant_after_a_later_one_stopped(tmp_path: Path) -> None:
    kept_undecided(RunFolder(tmp_path / ".livelift"), (OLD, True), (NEW, False))
    said = closing(tmp_path)
    assert f"run '{OLD}' is the last complete one" in said and f"run '{NEW}' was begun after it" in said
    assert f"livelift close --run {OLD}" in said
    assert "nothing goes on with it" in closing(tmp_path, "--run", NEW)
    assert "no run 'nope' of study 'lastfm'" in closing(tmp_path, "--run", "nope")
    with RedisServer(tmp_path / ".livelift" / "redis") as server:  # nothing was asked of either
        keys = redis.Redis.from_url(server.url).keys("*:close")
    assert keys == []


def test_a_close_of_a_run_that_up_goes_on_with_is_noted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / ".livelift")
    kept_undecided(folder, (OLD, True), (NEW, False))
    folder.save_run(Run(NEW, "lastfm", "f", "log.tsv", 4))
    command = [LIVELIFT, "close", "--reason", "enough", "--run", NEW]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert f"closing run {NEW}" in ended.stderr
    assert "once the stack is up: livelift up" in ended.stderr
    with RedisServer(folder.redis) as server:
        asked = redis.Redis.from_url(server.url).keys("*:close")
    assert asked == [RunNames("lastfm", NEW).key("close").encode()]


@pytest.mark.slow
def test_close_ends_the_complete_run_that_is_named(tmp_path: Path) -> None:
    write_small_log(tmp_path / "log.tsv")
    demo = ("demo", "--data", "log.tsv", "--no-check")
    first = json.loads(livelift(tmp_path, *demo, "--to", "2009-03-20", "--exit", "--json"))
    assert (first["decided"], first["progress"]["ended"]) == (None, True)
    aborted = begun(tmp_path, *demo, "--speed", "2000000x")
    wait_for_ticks(tmp_path, first["run"])
    aborted.send_signal(signal.SIGINT)
    aborted.communicate(timeout=40)
    assert "was begun after it" in closing(tmp_path)
    livelift(tmp_path, "close", "--run", first["run"], "--reason", "enough")
    for arguments in ((), ("--run", first["run"])):
        shown = json.loads(livelift(tmp_path, "verdict", "--json", *arguments))
        assert (shown["run"], shown["decision"]) == (first["run"], "dont_ship")
        assert shown["deviations"][-1].endswith("enough")
    assert "has ended already" in closing(tmp_path, "--run", first["run"])


def test_a_run_of_another_version_is_listed_but_not_its_verdict(tmp_path: Path) -> None:
    """Its verdict is refused with a message."""
    with RedisServer(tmp_path) as server:
        client = redis.Redis.from_url(server.url)
        keep(client, OLD, True)
        names = RunNames("s", OLD)
        older = msgspec.to_builtins(document(OLD, True)) | {"schema": 1}
        del older["guarantee"], older["health"]
        client.set(names.key("verdict"), json.dumps(older))
        keep(client, NEW, False)
        go_back_to_complete(client)
        assert [(run.run, run.decision, run.complete, run.current) for run in known_runs(client)] == [
            (OLD, "keep_running", True, True),
            (NEW, "keep_running", False, False),
        ]
        assert client.get(verdict_key("s")) == json.dumps(older).encode()
        assert client.hgetall(headline_key("s")) == {}
        with pytest.raises(VersionError, match="the verdict in Redis has schema 1, this program reads"):
            read_verdict(client, "s")
