"""Which file is chosen as the listening log; unknown files are named, and generated data never replaces data silently."""

import os
import subprocess
from pathlib import Path

import pytest

from batch.oracle import Oracle
from livelift.errors import InputError, MissingInputError
from livelift.study import load_study
from producer.prepare import prepare
from producer.sample_data import find_or_generate
from producer.sources.finding import find
from tests.support.command_line import LIVELIFT

STUDY = load_study("lastfm")
ROW = "u0\t2009-03-02T08:00:00Z\t\ta\t\tb\n"


def put(path: Path, text: str = ROW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "place", ["userid-x.tsv", "lastfm-dataset-1K/userid-x.tsv", "unpacked/dataset/userid-x.tsv.gz", "a/b/c/userid-x.tsv.zst",
              "download/lastfm-dataset-1K.tar.gz"],
)  # fmt: skip
def test_data_further_down_is_found(place: str, tmp_path: Path) -> None:
    put(tmp_path / "README.md")
    put(tmp_path / "lastfm-dataset-1K" / "userid-profile.tsv")
    put(tmp_path / "__MACOSX" / "userid-x.tsv")
    put(tmp_path / ".trash" / "userid-x.tsv")
    wanted = put(tmp_path / place)
    assert find(tmp_path, STUDY) == wanted


def test_the_nearest_one_counts(tmp_path: Path) -> None:
    near = put(tmp_path / "userid-x.tsv")
    put(tmp_path / "older" / "userid-x.tsv")
    assert find(tmp_path, STUDY) == near


def test_two_further_down_are_refused_with_their_folders(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        put(tmp_path / folder / "userid-x.tsv")
    with pytest.raises(InputError, match=r"2 data files.*one/userid-x\.tsv, two/userid-x\.tsv"):
        find(tmp_path, STUDY)


@pytest.mark.parametrize("name", ["scrobbles.csv", "userid-profile.tsv", "dataset/listens.tsv", "a/b/c/d/userid-x.tsv"])
def test_an_unknown_input_is_named_and_not_replaced_by_generated(name: str, tmp_path: Path) -> None:
    put(tmp_path / "raw" / "README.md")
    put(tmp_path / "raw" / name)
    with pytest.raises(InputError, match=rf"holds {Path(name).parts[0]}, and nothing that matches") as refused:
        find_or_generate(tmp_path / "raw", STUDY, tmp_path / "generated", print)
    assert not isinstance(refused.value, MissingInputError)
    assert "--data" in refused.value.fix
    assert not (tmp_path / "generated").exists()


def test_a_folder_with_many_files_names_a_few(tmp_path: Path) -> None:
    for number in range(9):
        put(tmp_path / f"part{number}.csv")
    with pytest.raises(InputError, match=r"part0\.csv, .* and 4 more"):
        find(tmp_path, STUDY)


def test_names_that_a_terminal_would_obey_are_made_harmless(tmp_path: Path) -> None:
    put(tmp_path / "a\x1b[2Jb\n.csv")
    with pytest.raises(InputError, match=r"a\\x1b\[2Jb\\n\.csv"):
        find(tmp_path, STUDY)


@pytest.mark.parametrize("command", ["batch", "replay", "demo"])
def test_a_pipe_is_refused_at_once(command: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # whoever opens it waits for ever
    said = subprocess.run([LIVELIFT, command, "--data", pipe], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said.returncode == 3
    assert "a pipe or a device" in " ".join(said.stderr.split())
    assert "write it to a file" in " ".join(said.stderr.split())


def test_a_pipe_and_a_link_to_nothing_that_match_are_refused(tmp_path: Path) -> None:
    """In the folder where data are looked for."""
    os.mkfifo(tmp_path / "userid-x.tsv")
    with pytest.raises(InputError, match="a pipe or a device"):
        find(tmp_path, STUDY)
    (tmp_path / "userid-x.tsv").unlink()
    (tmp_path / "userid-x.tsv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="a link to a file that is not there"):
        find(tmp_path, STUDY)


def test_producer_and_oracle_refuse_a_row_that_is_too_long(tmp_path: Path) -> None:
    """Whether it is in the middle of a block or not."""
    row = "u0\t2009-03-02T08:00:00Z\t\t{}\t\tb\n"
    file = put(tmp_path / "log.tsv", row.format("a") + row.format("a" * 3_000_000) + row.format("b"))
    with pytest.raises(InputError, match="longer than 2 MiB"):
        prepare(STUDY, file, tmp_path / "cache")
    with Oracle(file, STUDY) as oracle, pytest.raises(InputError, match="longer than 2 MiB"):
        oracle.counts()


def test_producer_and_oracle_refuse_a_pipe_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a pipe or a device"):
        prepare(STUDY, tmp_path / "pipe", tmp_path / "cache")
    with Oracle(tmp_path / "pipe", STUDY) as oracle, pytest.raises(InputError, match="a pipe or a device"):
        oracle.counts()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("u0\t02/03/2009 08:00\t\ta\t\tb\n", ["Line 1", "'02/03/2009 08:00'", "2009-03-02T08:00:00Z"]),
        ("u0\tnow\x1b[2J\t\ta\t\tb\n", [r"'now\x1b[2J'"]),
        (
            "user,time,artist\nu0,2009-03-02T08:00:00Z,a\n",
            ["Line 1", "1 column, wanted are 6", "track_id", "'user,time,"],
        ),
        ("u0\t2009-03-02T08:00:00Z\ta\tb\n", ["4 columns, wanted are 6 with tabs between"]),
        ("\t2009-03-02T08:00:00Z\t\ta\t\tb\n", ["names no user"]),
        ("u0\t1999-03-02T08:00:00Z\t\ta\t\tb\n", ["outside the dates", "1999"]),
        ("x\n" * 3 + "u0\tnever\t\ta\t\tb\n", ["Line 1", "1 column"]),
        ("x\n" + "u0\tnever\t\ta\t\tb\n" * 3, ["Line 2", "'never'"]),
        ("\ufeff", ["holds no row"]),
    ],
)
def test_a_file_without_an_acceptable_row_is_refused_showing_one(rows: str, words: list[str], tmp_path: Path) -> None:
    """The message shows one of its rows."""
    file = put(tmp_path / "log.tsv", rows)
    with pytest.raises(InputError) as refused:
        prepare(STUDY, file, tmp_path / "cache")
    assert [word for word in words if word not in refused.value.what] == []
    with Oracle(file, STUDY) as oracle, pytest.raises(InputError, match="no acceptable row") as refused:
        oracle.final()
    assert "\x1b" not in str(refused.value)
    assert ascii(rows.partition("\n")[0].removeprefix("\ufeff"))[1:-1][:40] in refused.value.what
