"""An input of several files: which ones, in which order, and where a rejected row stands."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.oracle import Oracle
from cli.study import check
from livelift.errors import InputError, MissingInputError, StudyError
from livelift.measures import Measure
from livelift.source import Field, Source
from livelift.study import Study, load_study, parse_study
from local.input import find_input, require_room
from local.run_folder import RunFolder
from producer.draft import write_draft
from producer.prepare import prepare
from producer.replay import dead_letters
from producer.report import Report
from producer.sample import take_sample
from producer.sources import plain_tsv
from producer.sources.finding import files_of, find
from tests.support.judged_rows import by_oracle, by_producer

LASTFM = load_study("lastfm")
replace = msgspec.structs.replace

HEAD = "who,at,a\n"


def study(format_: Any = "csv", **source: Any) -> Study:
    """Events of a text `a` in all files that are called `log*`."""
    given = {"several": True} | source
    declared = Source(
        format=format_,
        file_glob="log*",
        user="who",
        time="at",
        not_before=date(2009, 1, 1),
        before=date(2010, 1, 1),
        **given,
    )
    measures = {"seconds": LASTFM.measures["seconds"], "texts": Measure(distinct="a")}
    metrics = {"session_duration": LASTFM.metrics["session_duration"]}
    return replace(LASTFM, source=declared, fields={"a": Field("text")}, measures=measures, metrics=metrics, folder="")


def row(text: str, second: int = 0) -> str:
    return f"u,2009-03-01T12:00:{second:02}Z,{text}\n"


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def values(of: Study, folder: Path) -> dict[int, Any]:
    """Row → its reason or the value of `a`; both sides alike."""
    rows, equal = by_producer(of, folder)
    assert by_oracle(of, folder) == (rows, equal)
    return {number: found[0] or found[3][0] for number, found in sorted(rows.items())}


def test_rows_are_numbered_on_in_the_order_of_names(tmp_path: Path) -> None:
    put(tmp_path, log2=HEAD + row("c") + row("d"), log1=HEAD + row("a") + row("b"), log10=HEAD + row("x"))
    assert values(study(), tmp_path) == {2: "a", 3: "b", 5: "x", 7: "c", 8: "d"}


def test_each_file_has_its_own_header(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a"), log2="more,a,at,who\n1,b,2009-03-01T12:00:00Z,u\n")
    assert values(study(), tmp_path) == {2: "a", 4: "b"}
    (tmp_path / "log3").write_text("who,at\n")
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match=r"log3 has .*'a'"):
            read(study(), tmp_path)


def test_a_file_of_a_header_alone_takes_no_number(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD, log2=HEAD + row("a"), log3=HEAD + row("b"))
    assert values(study(), tmp_path) == {2: "a", 4: "b"}


def test_a_row_of_several_lines_at_the_end_counts_by_its_first(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row('"a\nb\nc"'), log2=HEAD + row("d"))
    assert values(study(), tmp_path) == {2: "a\nb\nc", 4: "d"}


def test_each_file_may_be_packed_in_its_own_way(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a"))
    (tmp_path / "log-2.gz").write_bytes(gzip.compress((HEAD + row("b")).encode()))
    (tmp_path / "log0").write_bytes(gzip.compress((HEAD + row("c")).encode()))
    assert [file.name for file in files_of(tmp_path, study().source)] == ["log-2.gz", "log0", "log1"]
    assert values(study(), tmp_path) == {2: "b", 4: "c", 6: "a"}


def test_packing_a_file_does_not_change_the_order(tmp_path: Path) -> None:
    put(tmp_path, **{"log.gz": "", "log.a": ""})
    assert [file.name for file in files_of(tmp_path, study().source)] == ["log.gz", "log.a"]


def test_plain_text_in_blocks_is_numbered_on_too(tmp_path: Path) -> None:
    of = study("tsv", columns=["who", "at", "a"])
    assert plain_tsv.reads(of)
    put(tmp_path, log1="u\t2009-03-01T12:00:00Z\ta\nshort\n", log2="u\t2009-03-01T12:00:00Z\tb\n")
    assert values(of, tmp_path) == {1: "a", 2: "columns", 3: "b"}
    manifest = prepare(of, tmp_path, tmp_path / "cache").manifest
    with Oracle(tmp_path, of) as oracle:
        counts = oracle.counts()
    assert (manifest.rows, manifest.accepted, manifest.rejected) == (3, 2, {"columns": 1})
    assert (counts.rows, counts.accepted, counts.rejected) == (3, 2, {"columns": 1})


def test_parquet_files_are_numbered_on_whatever_they_are_called(tmp_path: Path) -> None:
    """DuckDB would take such a name for a pattern, and read the other file too."""
    for name, text in (("log*", "a"), ("log1", "b")):
        columns = {"who": ["u", "u"], "at": ["2009-03-01T12:00:00Z", "never"], "a": [text, text]}
        pq.write_table(pa.table(columns), tmp_path / name)
    assert values(study("parquet"), tmp_path) == {1: "a", 2: "date", 3: "b", 4: "date"}


def test_rows_equal_to_one_of_another_file_are_duplicates(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a"), log2=HEAD + row("a") + row("b"))
    assert prepare(study(), tmp_path, tmp_path / "cache").manifest.duplicates == 1
    with Oracle(tmp_path, study()) as oracle:
        assert oracle.counts().duplicates == 1


@pytest.mark.parametrize("format_", ["jsonl", "csv", "tsv", "parquet"])
def test_an_empty_file_among_them_is_refused(format_: str, tmp_path: Path) -> None:
    put(tmp_path, log2="")
    pq.write_table(pa.table({"who": ["u"], "at": ["2009-03-01T12:00:00Z"], "a": ["x"]}), tmp_path / "log1")
    if format_ != "parquet":
        line = '{"who": "u", "at": "2009-03-01T12:00:00Z"}\n'
        put(
            tmp_path,
            log1=line if format_ == "jsonl" else (HEAD + row("a")).replace(",", "\t" if format_ == "tsv" else ","),
        )
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match=r"log2 (is empty|cannot be read)"):
            read(study(format_), tmp_path)


def test_files_without_a_row_change_nothing(tmp_path: Path) -> None:
    put(tmp_path, log2='{"who": "u", "at": "2009-03-01T12:00:00Z"}')
    (tmp_path / "log1.gz").write_bytes(gzip.compress(b""))
    assert values(study("jsonl"), tmp_path) == {1: ""}


# Which files.


def test_what_has_another_name_is_not_read(tmp_path: Path) -> None:
    put(tmp_path, **{"log1": HEAD + row("a"), "log-not": "", ".log": "", "users.csv": ""})
    (tmp_path / "log-folder").mkdir()
    assert values(study(exclude=["log-not"]), tmp_path) == {2: "a"}


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    put(tmp_path, **{"log1": HEAD + row("a"), "log1.gz": ""})
    with pytest.raises(InputError, match=r"log1 twice: log1 and log1\.gz"):
        find(tmp_path, study())
    with pytest.raises(InputError, match=r"both log1 and log1\.gz"):
        by_oracle(study(), tmp_path)


def test_the_nearest_folder_with_files_is_the_input(tmp_path: Path) -> None:
    wanted = put(tmp_path / "a" / "b", log1="", log2="")
    put(tmp_path / "a" / "b" / "older", log0="")
    put(tmp_path / ".hidden", log0="")
    assert find(tmp_path, study()) == wanted


def test_files_in_two_folders_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "a", log1="")
    put(tmp_path / "b", log2="")
    with pytest.raises(InputError, match=r"2 folders in .* hold data files: a, b"):
        find(tmp_path, study())


def test_without_several_two_files_are_refused_as_before(tmp_path: Path) -> None:
    put(tmp_path, log1="", log2="")
    with pytest.raises(InputError, match=r"2 data files in .*: log1, log2") as refused:
        find(tmp_path, study(several=False))
    assert "keep one" in refused.value.fix
    assert "several = true" in refused.value.fix
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match="is a folder"):
            read(study(several=False), tmp_path)


def test_one_file_may_be_named_of_several(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a"), log2=HEAD + row("b"))
    assert find(tmp_path / "log2", study()) == tmp_path / "log2"
    assert values(study(), tmp_path / "log2") == {2: "b"}


def test_a_folder_can_be_named_only_for_several(tmp_path: Path) -> None:
    put(tmp_path / "in", log1=HEAD)
    folder = RunFolder(tmp_path / "run")
    assert find_input(tmp_path / "in", study(), folder, print) == tmp_path / "in"
    require_room(tmp_path / "in", study().source, tmp_path)
    with pytest.raises(InputError, match="is a directory"):
        find_input(tmp_path / "in", study(several=False), folder, print)


def test_a_folder_without_such_a_file_says_what_there_is(tmp_path: Path) -> None:
    put(tmp_path, **{"events.csv": ""})
    with pytest.raises(InputError, match=r"holds events\.csv, and nothing that matches log\*"):
        find(tmp_path, study())
    with pytest.raises(MissingInputError):
        find(put(tmp_path / "empty"), study())
    with pytest.raises(InputError, match=r"no file log\*"):
        by_oracle(study(), tmp_path)


def test_several_archives_are_no_input() -> None:
    text = Path("studies/lastfm/study.toml").read_text()
    assert "archive_glob" in text
    with pytest.raises(StudyError, match=r"source\.archive_glob"):
        parse_study(text.replace("[source]", "[source]\nseveral = true", 1).encode(), "mine.toml")


# A rejected row is told with its file.


def test_a_dead_letter_says_file_and_line(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a") + row("b"), log2=HEAD + row("c") + "u,never,x\n")
    records = list(dead_letters(prepare(study(), tmp_path, tmp_path / "cache")))
    assert [(key, json.loads(letter)) for key, letter in records] == [
        (b"line:6", {"v": 1, "reason": "date", "row": 6, "file": "log2", "file_line": 3, "line": '["u","never","x"]'.replace('"', "").strip("[]")}),
    ]  # fmt: skip


def test_a_dead_letter_of_one_file_is_as_ever(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a") + "u,never,x\n")
    ((_, letter),) = dead_letters(prepare(study(several=False), tmp_path / "log1", tmp_path / "cache"))
    assert json.loads(letter) == {"v": 1, "reason": "date", "row": 3, "line": "u,never,x"}


def test_files_without_an_acceptable_row_name_an_example(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD, log2=HEAD + "u,never,x\n")
    with pytest.raises(InputError, match="Line 2 of log2: its column 'at' has no time"):
        prepare(study(), tmp_path, tmp_path / "cache")
    with (
        Oracle(tmp_path, study()) as oracle,
        pytest.raises(InputError, match="row 2 of log2 is the first with 'date': 'u,never,x'"),
    ):
        oracle.final()


def test_a_sample_begins_with_the_first_file(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a") + row("b"), log2=HEAD + "u,never,x\n")
    sample = take_sample(study(), tmp_path)
    assert (sample.rows, len(sample.events), sample.complete) == (3, 2, True)
    assert (sample.examples["date"].line, sample.examples["date"].file) == (2, "log2")
    assert take_sample(study(), tmp_path, 1).rows == 2


def test_the_check_of_a_study_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, log1=HEAD + row("a") + row("b"), log2=HEAD + row("c"))
    write_draft("mine", tmp_path / "log1", tmp_path / "mine")
    declaration = tmp_path / "mine" / "study.toml"
    declaration.write_text(declaration.read_text().replace('file_glob = "log1"', 'file_glob = "log*"\nseveral = true'))
    (tmp_path / "log2").write_text(HEAD + "u,never,x\n")
    check(str(tmp_path / "mine"), tmp_path, 100)
    assert "1 date, the first in line 2 of log2" in capsys.readouterr().out


# The files are the input's identity.


@pytest.mark.parametrize("change", ["add", "remove", "write", "rename"])
def test_any_change_of_the_files_is_another_input(change: str, tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a"), log2=HEAD + row("b"))
    before = prepare(study(), tmp_path, tmp_path / "cache")
    assert prepare(study(), tmp_path, tmp_path / "cache").folder == before.folder
    match change:
        case "add":
            put(tmp_path, log3=HEAD + row("c"))
        case "remove":
            (tmp_path / "log1").unlink()
        case "write":
            put(tmp_path, log1=HEAD + row("z"))
        case "rename":
            (tmp_path / "log1").rename(tmp_path / "log3")
    after = prepare(study(), tmp_path, tmp_path / "cache")
    assert after.folder != before.folder
    assert not before.folder.exists()
    texts = [json.loads(value)["a"] for value in pq.read_table(after.events)["value"].to_pylist()]
    assert texts == {"add": ["a", "b", "c"], "remove": ["b"], "write": ["z", "b"], "rename": ["b", "a"]}[change]


def test_a_file_that_comes_while_they_are_read_is_noticed(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a"))

    def add(_: Report) -> None:
        put(tmp_path, log2=HEAD + row("b"))

    with pytest.raises(InputError, match="changed while it was read"):
        prepare(study(), tmp_path, tmp_path / "cache", report=add)


def test_progress_counts_the_bytes_of_all_files(tmp_path: Path) -> None:
    put(tmp_path, log1=HEAD + row("a"), log2=HEAD + row("b") + row("c"))
    said: list[Report] = []
    prepare(study(), tmp_path, tmp_path / "cache", report=said.append)
    reading = [(report.done, report.total) for report in said if report.phase == "reading"]
    size = sum((tmp_path / name).stat().st_size for name in ("log1", "log2"))
    assert reading[-1] == (size, size)
    assert reading[0][0] < size
