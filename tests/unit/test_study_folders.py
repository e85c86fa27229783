"""A study is found by its name or its folder; whatever is wrong with it ends in one sentence that says how to mend it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from livelift.errors import LiveliftError, SettingsError, StudyError
from livelift.sessions import session_measures
from livelift.settings import STUDIES, STUDY
from livelift.study import load_study
from livelift.study_folders import reference_to, study_flag, study_names
from local.replaying import run_for_replay
from local.run_folder import RunFolder
from local.stations import Stations
from producer.sample_data import generator_of
from producer.sources import Selection

LASTFM = Path("studies/lastfm").absolute()


def copy_of_lastfm(place: Path, name: str = "mine") -> Path:
    """lastfm under another name, in `place`."""
    folder = place / name
    shutil.copytree(LASTFM, folder, ignore=shutil.ignore_patterns("__pycache__"))
    replace(folder / "study.toml", 'name = "lastfm"', f'name = "{name}"')
    return folder


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def with_hand_written_measures(folder: Path) -> Path:
    """The study's measures in its `study.py` instead."""
    file = folder / "study.toml"
    text = file.read_text()
    file.write_text(text[: text.index("[fields]")] + text[text.index("[experiment]") :])
    shutil.copy(Path("tests/support/lastfm_by_hand.py").absolute(), folder / "study.py")
    return folder


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return copy_of_lastfm(tmp_path)


def test_a_study_is_found_by_its_folder(mine: Path) -> None:
    study = load_study(str(mine))
    assert (study.name, study.folder) == ("mine", str(mine))
    assert session_measures(study).names == session_measures(load_study("lastfm")).names
    assert study.source == load_study("lastfm").source


def test_a_study_generates_by_its_own_generator(mine: Path, tmp_path: Path) -> None:
    generate = generator_of(load_study(str(mine)))
    assert generate is not None
    generate(tmp_path / "log.tsv", events=2_000, users=5, lift=0.0, seed=1, study=load_study(str(mine)))
    assert (tmp_path / "log.tsv").read_bytes().count(b"\n") >= 2_000
    shutil.rmtree(mine / "generator")
    assert generator_of(load_study(str(mine))) is None
    (mine / "generator.py").write_text("import nothing_of_that_name")
    with pytest.raises(StudyError, match=r"generator.py cannot be loaded: ModuleNotFoundError.*line 1"):
        generator_of(load_study(str(mine)))


def test_a_generator_without_its_function_is_refused(mine: Path) -> None:
    shutil.rmtree(mine / "generator")
    (mine / "generator.py").write_text("generate = 1")
    with pytest.raises(StudyError, match="no function `generate`"):
        generator_of(load_study(str(mine)))


def test_a_relative_folder_becomes_an_absolute_one(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    assert load_study("./mine").folder == load_study("mine/").folder == str(mine)
    monkeypatch.chdir(mine)
    assert load_study(".").folder == str(mine)


def test_a_study_is_found_by_name_in_the_folders_that_are_set(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STUDIES, f"{mine.parent.parent}{os.pathsep}{mine.parent}")
    assert load_study("mine").folder == str(mine)
    assert load_study("lastfm").folder == str(LASTFM)
    assert study_names() == ["lastfm", "mine", "push", "shows"]


def test_another_process_gets_the_name_if_it_leads_to_the_folder(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reference_to("lastfm", str(LASTFM)) == reference_to("lastfm", "") == "lastfm"
    assert reference_to("mine", str(mine)) == str(mine)
    assert reference_to("lastfm", str(mine.parent / "lastfm")) == str(mine.parent / "lastfm")
    monkeypatch.setenv(STUDIES, str(mine.parent))
    assert reference_to("mine", str(mine), os.environ) == "mine"
    assert reference_to("mine", str(mine)) == str(mine)  # the other process may have no such place


def test_what_a_person_adds_to_a_command_is_what_the_study_needs(mine: Path) -> None:
    places = {STUDIES: str(mine.parent)}
    assert study_flag("lastfm", str(LASTFM), {}) == ""
    assert study_flag("mine", str(mine), {}) == f" --study {mine}"
    assert study_flag("mine", str(mine), places) == " --study mine"
    assert study_flag("mine", str(mine), places | {STUDY: "mine"}) == ""
    assert study_flag("lastfm", str(LASTFM), places | {STUDY: "mine"}) == " --study lastfm"


def test_a_replay_s_stations_get_the_folder(mine: Path, tmp_path: Path) -> None:
    data = tmp_path / "log.tsv"
    data.write_text("user_000001\t2009-03-02T10:00:00Z\tid\tname\tid\tname\n")
    for text, reference in (("lastfm", "lastfm"), (str(mine), str(mine))):
        run, _ = run_for_replay(RunFolder(tmp_path / "runs"), load_study(text), data, 1, Selection(), fresh=True)
        stations = Stations(RunFolder(tmp_path / "runs"), run, "127.0.0.1:1", "redis://127.0.0.1:1/0")
        assert stations.environment[STUDY] == reference


def test_two_studies_have_modules_of_their_own(tmp_path: Path) -> None:
    one, two = (with_hand_written_measures(copy_of_lastfm(tmp_path, name)) for name in ("one", "two"))
    replace(two / "study.py", '"artists")', '"artists", "more")')
    assert len(session_measures(load_study(str(one))).names) == 4
    assert len(session_measures(load_study(str(two))).names) == 5


def test_a_changed_module_is_another_study(mine: Path) -> None:
    with_hand_written_measures(mine)
    before = load_study(str(mine)).fingerprint
    with (mine / "study.py").open("a") as file:
        file.write("\n# changed\n")
    assert load_study(str(mine)).fingerprint != before


Damage = Callable[[Path], object]


def in_declaration(old: str, new: str) -> Damage:
    return lambda folder: replace(folder / "study.toml", old, new)


def with_module(text: str) -> Damage:
    return lambda folder: (with_hand_written_measures(folder) / "study.py").write_text(text)


def in_module(old: str, new: str) -> Damage:
    return lambda folder: replace(with_hand_written_measures(folder) / "study.py", old, new)


def with_both(folder: Path) -> None:
    (folder / "study.py").write_text("def measures(study):\n    return None\n")


def declaration_is_a_folder(folder: Path) -> None:
    (folder / "study.toml").unlink()
    (folder / "study.toml").mkdir()


@pytest.mark.parametrize(
    ("damage", "words", "fix"),
    [
        (in_declaration('name = "mine"', 'name = "lastfm"'), "'name' is 'lastfm'.*'mine'", 'name = "mine"'),
        (in_declaration('format = "tsv"', 'format = "xls"'), "'source.format'.*'xls'", "tsv, csv, jsonl, json, parquet"),
        (in_declaration('"every_day"', '"each_day"'), "'metrics.d1_retention.retention.anchor'.*'each_day'", "every_day"),
        (in_declaration('numerator = "skips"', 'numerator = "stalls"'), "'metrics.skip_rate.numerator'.*'stalls'", "plays, skips"),
        (in_declaration('denominator = "plays"', 'denominator = "events"'), "'metrics.skip_rate.denominator'.*'events'", "plays, skips"),
        (in_declaration('denominator = "plays"', "denominator = 1"), "'metrics.skip_rate.denominator'.*int", "compare"),
        (in_declaration('denominator = "plays"', 'by = "plays"'), "'metrics.skip_rate'.*`by`", "compare"),
        (in_declaration("[metrics.skip_rate]", "[metric.skip_rate]"), "unknown field `metric`", "compare"),
        (in_declaration('{type = "text"}', '{type = "date"}'), "'fields.artist_id.type'.*'date'", "text, integer"),
        (in_declaration('time = "time"', 'time = "user"'), "'source.time'", "another column"),
        (in_declaration('user = "user"', 'user = "listener"'), "'source.user'", "user, time, artist_id"),
        (in_declaration('file_glob = "userid-*.tsv"', 'file_glob = "a/b"'), "'source.file_glob'", "a pattern"),
        (in_declaration('file_glob = "userid-*.tsv"', 'file_glob = "**"'), "'source.file_glob'", "a pattern"),
        (in_declaration('time = "time"', 'time = "time"\ntime_zone = "Europe/Berln"'), "'source.time_zone'", "IANA"),
        (in_declaration('time = "time"', 'time = "time"\ntime_zone = "Europe"'), "'source.time_zone'", "IANA"),
        (in_declaration('time = "time"', 'time = "time"\ntime_format = "%d.%m.%y"'), "'source.time_format'", "the date whole"),
        (in_declaration('time = "time"', 'time = "time"\ntime_format = "%Y-%m-%d "'), "'source.time_format'", "the space"),
        (in_declaration('time = "time"', 'time = "time"\ntime_format = "%Y-%m-%d %M"'), "'source.time_format'", "hours before"),
        (in_declaration('time = "time"', 'time = "time"\ndelimiter = ";"'), "'source.delimiter'", "leave it out"),
        (in_declaration('time = "time"', 'time = "time"\ntime_unit = "days"'), "'source.time_unit'", "seconds, milliseconds"),
        (in_declaration('artist = {type = "text"}', 'artist = {type = "text", minimum = 1}'), "'fields.artist.minimum'", "integer"),
        (in_declaration('artist = {type = "text"}', 'artist = {type = "text", default = 1}'), "'fields.artist.default'", "a text"),
        (in_declaration('artist = {type = "text"}', 'artist = {type = "text", values = ["a"], default = "b"}'), "artist.default", "own rules"),
        (in_declaration('track = {type = "text"}', 'track = {type = "integer", minimum = 3, default = 2}'), "track.default", "own rules"),
        (in_declaration('track = {type = "text"}', 'track = {type = "integer", maximum = 3, values = [4]}'), "track.values", "within"),
        (in_declaration('track = {type = "text"}', 'track = {type = "integer", decimals = 7}'), "track.decimals", "0 to 6"),
        (in_declaration('period_end = 2009-05-01', 'period_end = 2009-07-02'), "period_end", "the period ends later"),
        (in_declaration('numerator = "artists"', 'numerator = "artists"\nresolution = 2000000'), "resolution", "1,000,000"),
        (in_declaration('unit = "sessions"', 'unit = "sessions"\nresolution = 10'), "resolution", "whole"),
        (in_declaration("artist = {", "album = {"), "'fields.album'", "user, time, artist_id, artist"),
        (in_declaration('artist = {type = "text"}', 'artist = {type = "integer"}'), "'measures.artists.distinct'", "text"),
        (in_declaration('["artist_id", "artist"]', '"album"'), "'measures.artists.distinct'", "artist_id, artist"),
        (in_declaration('{distinct = ["artist_id", "artist"]}', '{sum = "artist"}'), "'measures.artists.sum'", "text"),
        (in_declaration('{count = "event"}', "{}"), "'measures.plays'", "length, count, sum"),
        (in_declaration('{count = "event"}', '{count = "event", sum = "artist"}'), "'measures.plays'", "length, count, sum"),
        (in_declaration('{count = "event"}', '{count = "plays"}'), "'measures.plays.count'.*'plays'", "event"),
        (in_declaration('{count = "event"}', '{count = "event", where = {album = "x"}}'), "where.album", "artist"),
        (in_declaration('{count = "event"}', '{count = "event", where = {artist = 1}}'), "where.artist", "text"),
        (in_declaration("follows_within = 30", "follows_within = 0"), "'measures.skips.follows_within'", "1 or more"),
        (in_declaration("follows_within = 30", "follow = 30"), "'measures.skips'.*`follow`", "compare"),
        (in_declaration('seconds = {length = "session"}\n', ""), "'measures'", "length"),
        (in_declaration("skips = {", "sessions = {"), "'measures.sessions'", "otherwise"),
        (in_declaration("[names]", "[names"), "study.toml: not valid TOML", "mend"),
        (lambda folder: (folder / "study.toml").write_bytes(b"\xff"), "study.toml: not valid TOML", "mend"),
        (declaration_is_a_folder, "study.toml cannot be read", "a file"),
        (lambda folder: (folder / "study.toml").unlink(), "has no study.toml", "lastfm"),
        (lambda folder: (with_hand_written_measures(folder) / "study.py").unlink(), "study.py is not there", "[measures]"),
        (with_both, "has .measures. and .*study.py has some too", "leave one"),
        (with_module("import pandas_that_is_not_here"), "study.py cannot be loaded: ModuleNotFoundError.*line 1", "mend"),
        (with_module("\n\ndef measures(:"), "study.py cannot be loaded: SyntaxError.*line 3", "mend"),
        (with_module("1 / 0"), "study.py cannot be loaded: ZeroDivisionError.*line 1", "mend"),
        (in_module('"skips"', '"sessions"'), "a measure is called 'sessions'", "otherwise"),
        (with_module(""), "study.py no function `measures`", "[measures]"),
        (with_module("measures = 1"), "study.py no function `measures`", "[measures]"),
        (with_module("def measures(study):\n    return study.no"), "`measures` failed: AttributeError.*line 2", "mend"),
        (with_module("def measures(study):\n    return 1"), "has no names, decode", "SessionMeasures"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_study_is_said_with_its_fix(mine: Path, damage: Damage, words: str, fix: str) -> None:
    damage(mine)
    with pytest.raises(StudyError, match=f"(?s){words}") as refused:
        load_study(str(mine))
    assert fix in refused.value.fix
    assert "mine" in refused.value.what


@pytest.mark.parametrize(
    ("text", "words", "fix"),
    [
        ("nope", "there is no study 'nope'", "use one of: lastfm"),
        ("", "there is no study ''", "use one of: lastfm"),
        ("tests", "there is no study 'tests'", "write ./tests"),
        ("./nope", "there is no folder .*nope", "lastfm"),
        ("./tests", "tests has no study.toml", "lastfm"),
        ("./pytest.ini", "pytest.ini is a file", "name its folder"),
        ("studies/lastfm/study.toml", "study.toml is a file", "studies/lastfm"),
    ],
)
def test_a_study_that_is_not_there_is_said_with_what_there_is(text: str, words: str, fix: str) -> None:
    with pytest.raises(StudyError, match=words) as refused:
        load_study(text)
    assert fix in refused.value.fix


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STUDIES, f"{tmp_path}/nowhere")
    with pytest.raises(SettingsError, match=r"LIVELIFT_STUDIES lists .*nowhere"):
        load_study("lastfm")


def test_every_refusal_is_one_of_ours(tmp_path: Path) -> None:
    """No text at all makes `load_study` fail with an error of Python's own."""
    for text in ("\0", "a/\0", "~nobody/x", "~", "/", "..", "lastfm/../lastfm", "x" * 5_000, "/" + "x" * 5_000, "é"):
        with pytest.raises(LiveliftError):
            load_study(text)
