"""Without a listening log a generated one is replayed, and this is said; with one, or with the downloaded archive,
never.
"""

from pathlib import Path

import pytest

from livelift.errors import InputError, SettingsError
from livelift.study import load_study
from producer.report import Interrupted
from producer.sample_data import EVENTS, find_or_generate
from producer.settings import from_environment

STUDY = load_study("lastfm")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.mark.parametrize("there", [True, False], ids=["an empty folder", "no folder"])
def test_without_data_a_log_is_generated_once_and_said_so(tmp_path: Path, said: list[str], there: bool) -> None:
    raw = tmp_path / "raw"
    if there:
        raw.mkdir()
        (raw / "README.md").write_text("put it here")
    path = find_or_generate(raw, STUDY, tmp_path / "generated", said.append, events=2_000)
    assert path.read_bytes().count(b"\n") >= 2_000
    assert "generating 2,000 calibrated events" in said[0]
    assert "generated data, with a planted lift of +15%" in said[1]
    made = path.stat().st_mtime_ns
    assert find_or_generate(raw, STUDY, tmp_path / "generated", said.append, events=2_000) == path
    assert path.stat().st_mtime_ns == made
    assert "generated data" in said[2]


@pytest.mark.parametrize("name", ["userid-x.tsv", "userid-x.tsv.gz", "lastfm-dataset-1K.tar.gz"])
def test_what_is_there_is_replayed(tmp_path: Path, said: list[str], name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert find_or_generate(tmp_path, STUDY, tmp_path / "generated", said.append) == tmp_path / name
    assert said == [f"replaying {tmp_path / name}"]
    assert not (tmp_path / "generated").exists()


def test_two_logs_are_no_reason_to_generate_a_third(tmp_path: Path, said: list[str]) -> None:
    for name in ("userid-a.tsv", "userid-b.tsv"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match="2 data files"):
        find_or_generate(tmp_path, STUDY, tmp_path / "generated", said.append)


def test_a_stop_while_generating_leaves_no_file(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(Interrupted):
        find_or_generate(tmp_path / "raw", STUDY, tmp_path / "generated", said.append, 2_000, lambda: True)
    assert [path.name for path in (tmp_path / "generated").iterdir()] == []


def test_the_producer_generates_only_where_it_was_told_to(tmp_path: Path) -> None:
    run = {"LIVELIFT_RUN": "r", "LIVELIFT_FOLDER": str(tmp_path)}
    assert from_environment(run).generated is None
    told = from_environment(run | {"LIVELIFT_GENERATE": "5000"})
    assert (told.generated, told.generate_events) == (tmp_path / "generated", 5_000)
    assert EVENTS == 1_800_000
    for wrong in ("yes", "0", "-1", "1e6", "10000000000"):
        with pytest.raises(SettingsError, match="LIVELIFT_GENERATE"):
            from_environment(run | {"LIVELIFT_GENERATE": wrong})
