"""Every wrong flag and every bad input is one clear message with cause and fix, a non-zero exit, no traceback."""

import gzip
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from local.run_folder import Run, RunFolder

GOOD = "user_000001\t2009-03-02T10:00:00Z\tid\tname\tid\tname\n"


def livelift(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`, with nothing of this machine's stack in its environment."""
    return subprocess.run(
        [Path(sys.executable).with_name("livelift"), *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "400", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode not in (0, 1), result.stderr
    assert "Traceback" not in result.stderr
    assert "error:" in result.stderr
    assert "fix:" in result.stderr
    for word in words:
        assert word in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["demo", "--partitions", "0"], "--partitions 0"),
        (["demo", "--speed", "-3x"], "--speed -3x"),
        (["demo", "--speed", "0x"], "--speed 0x"),
        (["demo", "--speed", "fast"], "--speed fast"),
        (["demo", "--from", "yesterday"], "--from yesterday"),
        (["demo", "--from", "2009-03-02", "--to", "2009-03-01"], "--from 2009-03-02"),
        (["demo", "--study", "nope"], "no study 'nope'"),
        (["batch", "--study", "nope"], "no study 'nope'"),
        (["verdict", "--study", "nope"], "no study 'nope'"),
        (["history", "--study", "./nope"], "nope"),
        (["runs", "--study", "./nope"], "nope"),
        (["rejects", "--study", "nope"], "no study 'nope'"),
        (["process", "--study", "nope", "--run", "r1"], "no study 'nope'"),
        (["generate", "--out", "x.tsv", "--events", "0"], "nothing to generate"),
        (["generate", "--out", "x.tsv", "--lift", "-2"], "--lift -2"),
        (["verdict"], "there is no verdict yet"),
        (["process"], "there is no run of study 'lastfm' yet"),
        (["history"], "there is no verdict yet"),
        (["verdict", "--as-of", "soon"], "--as-of soon"),
        (["scenario", "--population", "1000"], "there is no verdict yet"),
        (["scenario", "--population", "1000", "--metric", "revenue"], "no metric 'revenue'"),
        (["scenario"], "without --population"),
        (["scenario", "--population", "-1"], "--population -1"),
        (["scenario", "--population", "5", "--value", "2"], "needs --value and --cost"),
        (["scenario", "--population", "5", "--value", "2", "--cost", "0"], "--cost 0"),
        (["scenario", "--table", "diversity"], "has no table 'diversity'"),
        (["scenario", "--population", "5", "--value", "nan", "--cost", "2"], "--value nan"),
        (["scenario", "--population", "5", "--to", "4+"], "--to and --move are of a table"),
        (["scenario", "--study", "push", "--table", "cohorts", "--metric", "d9"], "use one of: --metric d1, d7, d30"),
        (["scenario", "--study", "push", "--table", "diversity", "--value", "1", "--cost", "2"], "of so many users"),
        (["scenario", "--study", "push", "--table", "retention"], "use one of: diversity, cohorts"),
        (["scenario", "--study", "push", "--table", "diversity", "--move", "50"], "--move 50"),
        (["scenario", "--study", "push", "--table", "diversity", "--to", "4+"], "there is no verdict yet"),
        (["users"], "keeps nothing of each user"),
        (["churn", "--study", "push"], "declares no churn"),
        (["churn", "--study", "shows"], "there is no verdict yet"),
        (["users", "--study", "push"], "there is no verdict yet"),
        (["tables", "daily"], "declares no tables"),
        (["tables", "weekly", "--study", "push"], "has no table 'weekly'"),
        (["simulate", "--experiments", "0"], "--experiments 0"),
        (["simulate", "--regime", "calm"], "no regime 'calm'"),
        (["simulate", "--data", "x.tsv", "--salts", "0"], "--salts 0"),
        (["simulate", "--data", "not-there.tsv"], "not-there.tsv"),
        (["simulate", "--bars", "--data", "x.tsv"], "--bars and --data"),
        (["simulate", "--lift", "-1"], "-100 %"),
        (["simulate", "--users", "1"], "--users 1"),
        (["simulate", "--metric-lift", "skip_rate=-1"], "-100 %"),
        (["simulate", "--metric-lift", "skip_rate"], "gives no number"),
        (["simulate", "--metric-lift", "revenue=0.1"], "no metric 'revenue'"),
        (["simulate", "--metric-lift", "session_duration=0.1"], "is the primary"),
        (["simulate", "--metric-lift", "skip_rate=1", "--metric-lift", "skip_rate=2"], "has a lift already"),
        (["simulate", "--leaving", "0.1", "--data", "x.tsv"], "--leaving and --data"),
        (["simulate", "--bars", "--lift", "0.1"], "--bars has regimes, effects"),
        (["simulate", "--regime", "entry", "--data", "x.tsv"], "--regime and --data"),
    ],
)
def test_an_impossible_call_is_refused(tmp_path: Path, arguments: list[str], word: str) -> None:
    refused(livelift(tmp_path, *arguments), word)
    assert not list(tmp_path.glob("*.tsv*"))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"no columns at all\n", "acceptable"),
        (bytes(range(256)) * 40, "acceptable"),
        (b"\xff\xfe\t2009\ta\tb\tc\td\n", "acceptable"),
        (gzip.compress(b"no columns at all\n"), "acceptable"),
        (gzip.compress(GOOD.encode())[:-9], "log.tsv"),
    ],
    ids=["empty", "one column", "random bytes", "invalid UTF-8", "gzip of nothing", "truncated gzip"],
)
def test_a_bad_input_file_is_refused_before_anything_starts(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "log.tsv").write_bytes(content)
    refused(livelift(tmp_path, "replay", "--data", "log.tsv", "--kafka", "127.0.0.1:1"), word)
    assert not list((tmp_path / ".livelift" / "cache").glob("*.building"))


@pytest.mark.parametrize(
    ("content", "word"), [(b"no columns at all\n", "acceptable"), (GOOD.encode(), "Kafka does not answer")]
)
def test_a_replay_that_is_refused_leaves_the_current_run(tmp_path: Path, content: bytes, word: str) -> None:
    folder = RunFolder(tmp_path / ".livelift")
    works = Run.new(study="lastfm", fingerprint="f", data="other.tsv", partitions=4)
    folder.save_run(works)
    (tmp_path / "log.tsv").write_bytes(content)
    refused(livelift(tmp_path, "replay", "--data", "log.tsv", "--kafka", "127.0.0.1:1"), word)
    assert folder.current_run("lastfm") == works
    assert [run.name for run in (folder.root / "runs").iterdir()] == [works.run]


@pytest.mark.parametrize("command", ["process", "stats", "rejects"])
def test_without_a_run_of_the_study_those_of_others_are_named(tmp_path: Path, command: str) -> None:
    folder = RunFolder(tmp_path / ".livelift")
    folder.save_run(Run.new(study="mine", study_at="/srv/mine", fingerprint="f", data="other.tsv", partitions=4))
    refused(
        livelift(tmp_path, command, "--kafka", "127.0.0.1:1"),
        "there is no run of study 'lastfm' yet",
        "for the runs that are here give --study /srv/mine",
    )


@pytest.mark.parametrize("run", ["../../etc", "a b", "", "x" * 65])
def test_what_is_no_id_of_a_run_is_refused(tmp_path: Path, run: str) -> None:
    if run:
        refused(livelift(tmp_path, "process", "--run", run), f"--run is '{run}'")
        assert not (tmp_path / ".livelift").exists()
    else:
        refused(livelift(tmp_path, "process", "--run", run), "there is no run of study 'lastfm' yet")


def test_a_station_that_refuses_its_input_is_quoted_in_words(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("no columns at all\n")
    result = livelift(tmp_path, "demo", "--data", "log.tsv")
    refused(result, "producer ended", "acceptable")
    assert '{"' not in result.stderr


def test_replay_without_kafka_generates_nothing(tmp_path: Path) -> None:
    refused(livelift(tmp_path, "replay", "--kafka", "127.0.0.1:1"), "Kafka does not answer", "livelift up")
    assert not list(tmp_path.rglob("*.tsv"))


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    refused(livelift(tmp_path, "demo", "--data", "nowhere.tsv"), "nowhere.tsv", "data/raw/")
    refused(livelift(tmp_path, "demo", "--data", "."), "directory")


def test_an_unreachable_kafka_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text(GOOD)
    refused(
        livelift(tmp_path, "replay", "--data", "log.tsv", "--kafka", "127.0.0.1:1"), "127.0.0.1:1", "LIVELIFT_KAFKA"
    )


@pytest.mark.parametrize(
    "command", [["replay", "--data", "log.tsv"], ["rejects", "--run", "r1"], ["process"], ["stats"]]
)
def test_what_is_no_address_of_kafka_is_refused(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "log.tsv").write_text(GOOD)
    refused(livelift(tmp_path, *command, LIVELIFT_KAFKA="127.0.0.1:abc"), "LIVELIFT_KAFKA is '127.0.0.1:abc'")
    refused(livelift(tmp_path, *command, "--kafka", "http://h:1"), "--kafka is 'http://h:1'")
    assert not (tmp_path / ".livelift").exists()


@pytest.mark.parametrize(
    "command", [["demo", "--data", "log.tsv", "--exit"], ["up"], ["process", "--run", "r1"], ["stats", "--run", "r1"]]
)
@pytest.mark.parametrize(
    ("name", "value"),
    [("STANDSTILL_SECONDS", "abc"), ("CHECKPOINT_SECONDS", "0"), ("SESSION_TIMEOUT", "nan"), ("STORE", "disk")],
)
def test_a_wrong_setting_of_a_station_is_refused_first(
    tmp_path: Path, command: list[str], name: str, value: str
) -> None:
    (tmp_path / "log.tsv").write_text(GOOD)
    refused(livelift(tmp_path, *command, **{f"LIVELIFT_{name}": value}), f"LIVELIFT_{name} is '{value}'")
    assert not (tmp_path / ".livelift").exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("127.0.0.1:6379", "LIVELIFT_REDIS is no URL"),
        ("redis://:geh/eim@127.0.0.1:1/0", "LIVELIFT_REDIS is no URL"),
        ("redis://:geheim@127.0.0.1:1/0?geheim=1", "redis://127.0.0.1:1/0"),
        ("redis://:geheim@127.0.0.1:1/0?db=geheim", "redis://127.0.0.1:1/0"),
    ],
)
@pytest.mark.parametrize("command", [["verdict"], ["stats", "--run", "r1"]])
def test_an_invalid_redis_url_is_refused_without_its_password(
    tmp_path: Path, url: str, shown: str, command: list[str]
) -> None:
    result = livelift(tmp_path, *command, LIVELIFT_REDIS=url)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert shown in result.stderr
    assert not any(part in result.stdout + result.stderr for part in ("geh", "eim"))


def test_a_flag_that_is_no_url_of_a_redis_is_refused(tmp_path: Path) -> None:
    refused(livelift(tmp_path, "stats", "--run", "r1", "--redis", "127.0.0.1:6379"), "--redis is no URL")


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        (["--kafka-port", "24001", "--redis-port", "24001"], "both have port 24001"),
        (["--kafka-port", "80"], "port 80"),
        (["--redis-port", "1023"], "port 1023"),
        (["--redis-port", "70000"], "70000 is no port number"),
    ],
)
def test_impossible_ports_are_refused_before_a_server_starts(tmp_path: Path, ports: list[str], words: str) -> None:
    refused(livelift(tmp_path, "up", *ports), words)
    assert not list(tmp_path.rglob("*.log"))


@pytest.mark.parametrize("command", [["verdict"], ["up"]])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("")
    refused(livelift(tmp_path, *command, LIVELIFT_FOLDER="file"), "LIVELIFT_FOLDER is 'file'")
    refused(livelift(tmp_path, *command, LIVELIFT_FOLDER="file/below"), "file is no folder")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("")
    refused(livelift(tmp_path, "generate", "--out", "log.tsv/below", "--events", "1000"), "log.tsv")


def test_an_unreachable_redis_is_named_without_its_password(tmp_path: Path) -> None:
    result = livelift(tmp_path, "verdict", LIVELIFT_REDIS="redis://:secret@127.0.0.1:1/0")
    refused(result, "127.0.0.1:1", "LIVELIFT_REDIS")
    assert "secret" not in result.stderr


def test_version_and_help_say_what_there_is(tmp_path: Path) -> None:
    assert livelift(tmp_path, "--version").stdout.startswith("livelift ")
    shown = livelift(tmp_path, "--help").stdout
    for command in (
        "demo",
        "batch",
        "generate",
        "verdict",
        "up",
        "replay",
        "process",
        "stats",
        "stop",
        "reset",
        "rejects",
    ):
        assert f" {command} " in shown
    assert "Example" in livelift(tmp_path, "demo", "--help").stdout


def test_the_published_folder_works_with_its_profile_file(tmp_path: Path) -> None:
    """The folder is used as it is, with the users' profile beside the log."""
    raw = tmp_path / "data" / "raw"
    raw.mkdir(parents=True)
    (raw / "userid-timestamp-artid-artname-traid-traname.tsv").write_text(GOOD)
    (raw / "userid-profile.tsv").write_text(
        "#id\tgender\tage\tcountry\tregistered\nuser_000001\tm\t\tJapan\tAug 13, 2006\n"
    )
    result = livelift(tmp_path, "batch", "--json")
    assert result.returncode == 0, result.stderr
    assert '"accepted": 1' in result.stdout
    assert "replaying data/raw/userid-timestamp" in result.stderr


def test_simulate_prints_every_reading_and_decision_as_json(tmp_path: Path) -> None:
    result = livelift(tmp_path, "simulate", "--experiments", "2", "--regime", "entry", "--lift", "0.1", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["regime"], found["experiments"], found["looks"]) == ("entry", 2, 61)
    assert {"deciding", "always_valid", "classic_final", "classic_watched"} <= found["readings"].keys()
    assert all({"rejections", "coverage"} <= reading.keys() for reading in found["readings"].values())
    assert sum(found["decisions"].values()) == 2


@pytest.mark.slow
def test_simulate_judges_every_bar_and_goes_on_from_what_is_kept(tmp_path: Path) -> None:
    asked = ("simulate", "--bars", "--experiments", "1", "--keep", "kept", "--json")
    first = livelift(tmp_path, *asked)
    found = json.loads(first.stdout)
    assert len(found["cells"]) == 20 == len(list((tmp_path / "kept").iterdir()))
    assert {bar["regime"] for bar in found["bars"]} == {
        "stationary", "entry", "bursty", "heavy", "few", "extreme", "rare_skips", "long",
    }  # fmt: skip
    assert first.returncode == (0 if all(bar["passed"] for bar in found["bars"]) else 1)
    for path in (tmp_path / "kept").glob("*_+0.00_None_0.00.json"):  # a figure that no bar allows
        kept = json.loads(path.read_text())
        kept["outcome"]["readings"]["deciding_ship"]["rejections"] = 1
        kept["outcome"]["experiments"] = 1
        path.write_text(json.dumps(kept | {"outcome": kept["outcome"] | {"guardrails_failed": {"any": 1}}}))
    again = livelift(tmp_path, *asked[:-1])
    assert again.returncode == 1
    assert "FAIL" in again.stdout and "bars are met" in again.stdout


STUDIES = Path(__file__).parents[1] / "studies"


def test_simulate_speaks_the_words_of_any_study(tmp_path: Path) -> None:
    study = str(STUDIES / "purchases")
    result = livelift(
        tmp_path, "simulate", "--study", study, "--experiments", "2", "--lift", "0.5", "--metric-lift", "sessions_per_user=-0.5",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "A new checkout in the shop: Revenue per session, new checkout against old checkout" in result.stdout
    assert "Revenue per session +50% and Sessions per user -50% in new checkout" in result.stdout
    assert "guardrails failed: Sessions per user 2" in result.stdout
    assert "no simulation.py" in result.stdout and "Last.fm" not in result.stdout


def test_simulate_judges_the_error_rates_of_any_study(tmp_path: Path) -> None:
    result = livelift(
        tmp_path, "simulate", "--study", str(STUDIES / "purchases"), "--bars", "--experiments", "2", "--json"
    )
    found = json.loads(result.stdout)
    assert found["study"] == "purchases" and len(found["design"]) == 16
    assert {bar["regime"] for bar in found["bars"]} == {"stationary", "entry", "bursty", "heavy", "few"}
    assert all(bar["lift"] == 0 for bar in found["bars"])


def test_simulate_plants_an_effect_in_any_studys_log(tmp_path: Path) -> None:
    import_module("tests.studies.purchases.make").main(tmp_path / "orders.csv")
    result = livelift(
        tmp_path, "simulate", "--study", str(STUDIES / "purchases"), "--data", "orders.csv", "--salts", "2",
        "--lift", "0.5", "--users", "500", "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["regime"], found["users"], found["lift"]) == ("resampled", 500, 0.5)
    assert found["readings"]["deciding_ship"]["rejections"] == 2


def test_simulate_takes_a_listening_log_under_many_salts(tmp_path: Path) -> None:
    made = livelift(tmp_path, "generate", "--out", "log.tsv", "--events", "30000", "--lift", "0", "--seed", "3")
    assert made.returncode == 0, made.stderr
    result = livelift(tmp_path, "simulate", "--data", "log.tsv", "--salts", "3", "--jobs", "1", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["regime"], found["experiments"]) == ("resalted", 3)
    assert sum(found["decisions"].values()) == 3
