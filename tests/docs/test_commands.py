"""Every command that the README and the docs show is run, by a shell, in a new folder, as a reader would.

What would take minutes is run smaller: `SMALLER` says how; what starts servers is slow. Those of docs/05-docker.md have
their own test, in tests/compose/test_page.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from livelift.study import load_study
from studies.push import generator as push
from tests.docs.shown import PAGES, ROOT, shown_commands
from tests.studies.viewings import make as viewings
from tests.support.command_line import wait_until
from tests.support.tools import tool

VIEWINGS = ROOT / "tests/studies/viewings"
REAL_LOG = "data/raw/userid-timestamp-artid-artname-traid-traname.tsv"

SMALLER = {
    "--events 1800000": "--events 60000",
    "--experiments 2000": "--experiments 4",
    "--experiments 200": "--experiments 20",
    "--salts 1000": "--salts 3",
    "make simulate": "make simulate ARGS='--experiments 1 --jobs 2' 2>&1 | grep pass",  # one experiment may miss a bar
    "make bench BASE=45a59aa": "make bench BASE=HEAD ARGS='--events 20000 --runs 1 --only producer --out {out}'",
    "make bench FULL=1": "make bench JAVA_PEERS= FULL= ARGS='--events 20000 --runs 1 --only livelift:end_to_end --out {out}'",
    "make bench": "make bench JAVA_PEERS= ARGS='--events 20000 --runs 1 --only livelift:end_to_end --out {out}'",
    "make latency": "make latency ARGS='--events 60000 --rate 5000 --seconds 6 --out {out}'",
    "make test": "make test ARGS='tests/docs/test_docs.py'",
    "livelift:processor --runs 3": "livelift:processor --runs 1 --events 20000",
    "bench.million_users": "bench.million_users --events 600000 --users 100 2000 --runs 1 --out {out}",
    "bench.two_workers": "bench.two_workers --events 60000 --runs 1 --out {out}",
    "bench.nexmark_q11": "bench.nexmark_q11 --events 60000 --runs 1 --out {out}",
    "python -m bench.tables": "make .venv-peers/.installed && python -m bench.tables --events 20000 --runs 1 --out {out}",
    "pytest tests/grafana": "pytest tests/grafana/test_provisioning.py",
}
"""Part of a command → what is run in its place; {out} is a file of the test's."""

WITHOUT_SERVERS = [  # what needs no server
    "livelift generate --out log.tsv --events 600000 --lift 0.10 --seed 7",
    "livelift batch --data log.tsv --json",
    "livelift simulate --experiments 200 --regime bursty",
    "livelift simulate --experiments 2000 --regime bursty --lift 0.10 --json",
    f"livelift simulate --data {REAL_LOG} --salts 1000",
    "livelift generate --out log.tsv --events 1800000 --lift 0 --seed 7",
    "livelift simulate --data log.tsv --salts 1000",
    "livelift study new my_study --from log.tsv",
    "livelift study check ./my_study --data log.tsv",
    "livelift schema > document.schema.json",
    "livelift schema --history > entry.schema.json",
]
DEMO = "make demo"
ONE_RUN = "livelift demo --data log.tsv --exit --json > verdict.json"
AFTER_A_RUN = [
    "livelift verdict",
    "livelift verdict --why",
    "livelift verdict --as-of 2009-04-01",
    "livelift runs",
    "livelift scenario --population 10000000",
    "livelift history --openmetrics > history.txt",
    "promtool tsdb create-blocks-from openmetrics history.txt blocks",
]
CLOSE = 'livelift close --reason "the launch was cancelled"'
SLOW_DEMO = "livelift demo --speed 86400x"
WATCH = "livelift verdict --watch"
UP = "livelift up"
STATIONS = ["livelift process", "livelift stats"]
REPLAY, REJECTS, STOP = "livelift replay", "livelift rejects", "livelift stop"
ANOTHER_REPLAY = "livelift replay --study ./my_study --data log.tsv"
ANOTHER_VERDICT = "livelift verdict --study ./my_study"
ANOTHER_RESET = "livelift reset --study my_study --yes"
SHOWS = [
    "livelift demo --study shows",
    "livelift tables --study shows",
    "livelift tables state --study shows",
    "livelift tables daily --study shows --json",
    "livelift tables engagement --study shows",
    "livelift users --study shows",
    "livelift churn --study shows",
]
PUSH = [
    "livelift demo --study push",
    "livelift verdict --study push",
    "livelift tables retention --study push",
    "livelift tables diversity --study push",
    "livelift scenario --study push --population 10000000",
    "livelift scenario --study push --table diversity --to 4+ --move 0.5",
    "livelift scenario --study push --population 10000000 --value 0.004 --cost 120000",
]
TABLES = [
    "livelift demo --study ./my_study --data viewings.json --exit",
    "livelift tables --study ./my_study",
    "livelift tables daily --study ./my_study",
    "livelift tables daily --study ./my_study --json",
    "livelift users --study ./my_study",
    "livelift users --study ./my_study 1017",
    "livelift tables cohorts --study ./my_study",
    "livelift churn --study ./my_study",
]
PASSWORD = "export REDISCLI_AUTH=$(cat .livelift/redis/password)"
REDIS = [
    "redis-cli HGET livelift:lastfm:headline decision",
    "redis-cli HGET livelift:lastfm:headline reason",
    "redis-cli GET livelift:lastfm:run",
    "redis-cli HGETALL livelift:lastfm:20261125-025059-4eda:moments:session_duration:control",
]
FROM_THE_CHECKOUT = [
    "python -m bench.markdown",
    "python -m grafana.generate",
    "python -m livelift.document.page",
    "pytest tests/grafana",
]
MEASURING = [
    "make test",
    "make simulate",
    "make bench",
    "make bench FULL=1",
    "make bench BASE=45a59aa",
    "python -m bench --only livelift:processor --runs 3",
    "make latency",
    "python -m bench.million_users",
    "python -m bench.two_workers",
    "python -m bench.nexmark_q11",
    "python -m bench.tables",
]


def smaller(command: str, out: Path) -> str:
    """The command as it is run here."""
    for part, other in SMALLER.items():
        if part in command:
            return command.replace(part, other.replace("{out}", str(out)))
    return command


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LIVELIFT_FOLDER": str(folder / ".livelift"),
    }


def run(command: str, folder: Path, cwd: Path | None = None, limit: float = 120, both: bool = True) -> str:
    """What the command shows, with what it tells a person on standard error if `both`. It has to end well."""
    ended = subprocess.run(
        ["sh", "-c", smaller(command, folder / "out.json")],
        cwd=cwd or folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=limit,
    )
    assert ended.returncode == 0, f"{command}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}"
    return ended.stdout + ended.stderr * both


@contextmanager
def running(command: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command in the background with its output in a file; ended by Ctrl-C, which is no failure."""
    with (folder / "said.txt").open("ab") as said:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=folder, env=environment(folder), stdout=said, stderr=said
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(40)
        assert code in (0, 130, 143), (folder / "said.txt").read_text()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that is large enough for a decision: 200,000 events have too few users."""
    folder = tmp_path_factory.mktemp("log")
    run("livelift generate --out log.tsv --events 600000 --lift 0.10 --seed 7", folder)
    return folder / "log.tsv"


@pytest.fixture
def folder(tmp_path: Path, log: Path) -> Path:
    """A reader's folder: the log is where the README says."""
    (tmp_path / REAL_LOG).parent.mkdir(parents=True)
    (tmp_path / REAL_LOG).symlink_to(log)
    (tmp_path / "log.tsv").symlink_to(log)
    return tmp_path


def test_every_shown_command_is_one_that_is_run_here() -> None:
    shown = {command for page in PAGES if page.name != "05-docker.md" for command in shown_commands(page)}
    here = {DEMO, ONE_RUN, CLOSE, SLOW_DEMO, WATCH, UP, REPLAY, REJECTS, STOP, PASSWORD}
    here |= {ANOTHER_REPLAY, ANOTHER_VERDICT, ANOTHER_RESET}
    assert shown == here.union(
        WITHOUT_SERVERS, AFTER_A_RUN, STATIONS, TABLES, SHOWS, PUSH, REDIS, FROM_THE_CHECKOUT, MEASURING
    )


@pytest.mark.slow
def test_what_needs_no_server(folder: Path) -> None:
    (folder / "log.tsv").unlink()
    said = [run(command, folder, both="--json" not in command) for command in WITHOUT_SERVERS]
    assert json.loads(said[1])["progress"]["ended"] is True
    assert "keep_running" in said[2]
    assert json.loads(said[3])
    assert "ship" in said[4]
    assert "first sessions" in said[WITHOUT_SERVERS.index("livelift study check ./my_study --data log.tsv")]


@pytest.mark.slow
def test_one_run_and_what_can_be_asked_afterwards(folder: Path) -> None:
    tool("promtool")
    run(ONE_RUN, folder)
    document = json.loads((folder / "verdict.json").read_text())
    said = [run(command, folder) for command in AFTER_A_RUN]
    assert document["progress"]["ended"] is True
    assert "Average session duration" in said[0]
    assert "random splits of the users" in said[1]
    assert "2009-04-01" in said[2]
    assert document["run"] in said[3]
    assert "minutes" in said[4]
    assert list((folder / "blocks").iterdir())


@pytest.mark.slow
def test_a_study_whose_stream_ended_early_is_closed(folder: Path) -> None:
    run("livelift demo --data log.tsv --to 2009-03-20 --exit", folder)
    said = run(CLOSE, folder)
    assert "DON'T SHIP" in said and "closed early after 18 of 61 looks: the launch was cancelled" in said
    assert "closed early" in run("livelift verdict", folder)


@pytest.mark.slow
def test_make_demo_in_a_new_checkout(folder: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in {line.split("/")[0] for line in tracked.splitlines()} | {".venv"}:
        if name != "data":
            (folder / name).symlink_to(ROOT / name)
    said = run(f"{DEMO} ARGS=--exit", folder)
    assert "equal" in said


@pytest.mark.slow
def test_a_slow_demo_is_watched_from_another_terminal(folder: Path) -> None:
    (folder / "log.tsv").unlink()
    with running(SLOW_DEMO, folder):
        wait_until(lambda: (folder / ".livelift" / "stack.json").exists(), folder)
        before = (folder / "said.txt").stat().st_size
        with running(WATCH, folder):
            wait_until(lambda: (folder / "said.txt").stat().st_size > before + 200, folder)


@pytest.mark.slow
def test_the_stations_one_by_one_and_redis(folder: Path) -> None:
    with running(UP, folder) as up:
        wait_until(lambda: (folder / ".livelift" / "stack.json").exists(), folder)
        run(REPLAY, folder)
        with running(STATIONS[0], folder), running(STATIONS[1], folder):
            time.sleep(4)
        run(REJECTS, folder)
        url = json.loads((folder / ".livelift" / "stack.json").read_text())["redis"]
        port = url.rpartition(":")[2].partition("/")[0]

        def ask(command: str) -> str:
            here = command.replace("redis-cli", f"redis-cli -p {port}")
            return run(f"{PASSWORD}; {here}", folder, both=False).strip()

        decisions = {"keep_running", "ship", "dont_ship", "unhealthy"}
        wait_until(lambda: ask(REDIS[0]).strip('"') in decisions, folder)
        assert len(ask(REDIS[1])) > 20
        current = ask(REDIS[2]).strip('"')
        shown = REDIS[3].split(":")[2]
        fields = ask(REDIS[3].replace(shown, current)).split()
        assert {"n", "mean", "m2"} <= set(fields)
        run(STOP, folder)
        up.wait(30)
    run("livelift reset --yes", folder)


@pytest.mark.slow
def test_another_study_in_the_same_folder(folder: Path) -> None:
    (folder / "log.tsv").unlink()
    run("livelift generate --out log.tsv --events 60000 --users 200 --seed 2", folder)
    run("livelift study new my_study --from log.tsv", folder)

    def is_judged() -> bool:
        asked = subprocess.run(["sh", "-c", ANOTHER_VERDICT], cwd=folder, env=environment(folder), capture_output=True)
        return asked.returncode == 0

    with running(UP, folder) as up:
        wait_until(lambda: (folder / ".livelift" / "stack.json").exists(), folder)
        run(f"{REPLAY} --data log.tsv", folder)
        run(ANOTHER_REPLAY, folder)
        wait_until(is_judged, folder)
        run(STOP, folder)
        up.wait(30)
    assert {"lastfm", "my_study"} <= set(run("livelift runs", folder, both=False).split())
    run(ANOTHER_RESET, folder)
    assert "my_study" not in run("livelift runs", folder, both=False)


@pytest.mark.slow
def test_the_study_of_shows(tmp_path: Path) -> None:
    run(f"{SHOWS[0]} --exit", tmp_path, limit=240)
    said = [run(command, tmp_path, both="--json" not in command) for command in SHOWS[1:]]
    assert "hour_of_day" in said[0]
    assert "CA" in said[1]
    assert sum(row["views"] for row in json.loads(said[2])) == 200_000
    assert "Heavy" in said[3]
    assert "unique_genres" in said[4]
    assert "log loss" in said[5]


@pytest.mark.slow
def test_the_study_of_push(tmp_path: Path) -> None:
    """Of 500 users' files where the page says that they lie."""
    (tmp_path / "data" / "raw").mkdir(parents=True)
    push.generate(tmp_path / "data" / "raw" / "events.csv", users=500, lift=push.LIFT, study=load_study("push"))
    said = [run(command + " --exit" * (command == PUSH[0]), tmp_path, limit=240) for command in PUSH]
    assert "equal to the DuckDB oracle, every number, tables too" in said[0]
    assert "Sessions of the first 7 days" in said[1]
    assert "retained" in said[2]
    assert "1-2" in said[3]
    assert "sessions over each user's first 7 days" in said[4]
    assert "u000499" in run("livelift users --study push --csv", tmp_path)
    assert "An association" in said[5]
    assert "× the cost" in said[6]


@pytest.mark.slow
def test_a_study_with_tables(folder: Path) -> None:
    shutil.copytree(VIEWINGS, folder / "my_study")
    declaration = folder / "my_study" / "study.toml"
    declaration.write_text(declaration.read_text().replace('name = "viewings"', 'name = "my_study"'))
    viewings.main(folder / "viewings.json")
    said = [run(command, folder, both="--json" not in command) for command in TABLES]
    assert "equal to the DuckDB oracle, every number, tables too" in said[0]
    assert "views_per_user" in said[1]
    assert "2024-06-10" in said[2]
    assert json.loads(said[3])[0]["day"] == "2024-04-20"
    assert "40 of " in said[4]
    assert "1017" in said[5]
    assert "2024-04-15" in said[6]
    assert "predicted_from" in said[7]


@pytest.mark.parametrize("command", FROM_THE_CHECKOUT)
def test_what_is_run_from_the_checkout(command: str, tmp_path: Path) -> None:
    run(command, tmp_path, cwd=ROOT)


@pytest.mark.slow
@pytest.mark.parametrize("command", MEASURING)
def test_what_measures(command: str, tmp_path: Path) -> None:
    run(command, tmp_path, cwd=ROOT, limit=280)
