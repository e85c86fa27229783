"""Parsing the published file: every irregularity of it, and what is rejected."""

import gzip
import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.dead_letters import MOST_KEPT_BYTES
from livelift.errors import InputError
from livelift.event_time import from_date, from_iso
from livelift.events import MOST_USER_BYTES
from livelift.study import load_study
from producer.sources import JudgedBlock, Selection
from producer.sources.finding import find
from producer.sources.input_file import MAX_LINE_BYTES, open_input, whole_lines
from producer.sources.plain_tsv import columns_of, judge, read
from producer.sources.utc_text import parse_utc

STUDY = load_study("lastfm")
LIMITS = (from_date(STUDY.source.not_before), from_date(STUDY.source.before))
GOOD = b"user_000001\t2009-05-04T23:08:57Z\tf1b1cf71\tDeep Dish\t\tFuck Me Im Famous"
PUBLISHED = "userid-timestamp-artid-artname-traid-traname.tsv"


def judged(content: bytes, selection: Selection = Selection()) -> JudgedBlock:  # noqa: B008
    return judge(content, 1, columns_of(STUDY), LIMITS, selection)


def verdict(line: bytes, selection: Selection = Selection()) -> str:  # noqa: B008
    """The reason a single row is rejected for, or "accepted"."""
    block = judged(line + b"\n", selection)
    assert block.rows == 1
    return next(iter(block.reasons), "accepted")


def row(user: bytes = b"u", time: bytes = b"2009-05-04T23:08:57Z", rest: bytes = b"\ta\t\tt") -> bytes:
    return user + b"\t" + time + b"\t" + rest


def texts(content: bytes) -> list[str]:
    return list(judged(content).accepted["text"].to_pylist())


def test_a_published_row_is_accepted_with_its_time_and_line() -> None:
    """The line is its line number in the file."""
    block = judge(GOOD + b"\n", 7, columns_of(STUDY), LIMITS, Selection())
    assert block.accepted.to_pylist() == [{"time": 1241478537000, "line": 7, "text": GOOD.decode()}]
    assert block.reasons == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(), "accepted"),
        (row(rest=b"\t\t\t"), "accepted"),
        (row(rest=b'\t"un"quoted\'\t\t"""'), "accepted"),
        (row(user=b" "), "accepted"),
        (b"", "columns"),
        (b"u", "columns"),
        (row(rest=b"\ta\t"), "columns"),
        (row(rest=b"\ta\t\tt\t"), "columns"),
        (row(user=b"\xff"), "encoding"),
        (row(rest=b"\t\xc3(\t\tt"), "encoding"),
        (row(rest=b"\t\xed\xa0\x80\t\tt"), "encoding"),
        (row(rest=b"\t\xc0\x80\t\tt"), "encoding"),
        (row(rest=b"\t\xf4\x90\x80\x80\t\tt"), "encoding"),
        (b"\xff", "encoding"),
        (row(user=b""), "user"),
        (row(user=b"", time=b"never"), "user"),
        (row(user="ü".encode() * (MOST_USER_BYTES // 2)), "accepted"),
        (row(user="ü".encode() * (MOST_USER_BYTES // 2) + b"x"), "user"),
        (row(user=b"x" * (1 << 20), time=b"never"), "user"),
        (row(time=b""), "date"),
        (row(time=b"2009-05-04 23:08:57Z"), "accepted"),
        (row(time=b"2009-05-04T23:08:57"), "accepted"),
        (row(time=b"2009-05-04T23:08:57z"), "accepted"),
        (row(time=b"2009-05-04T23:08:57+00:00"), "accepted"),
        (row(time=b" 2009-05-04T23:08:57Z"), "date"),
        (row(time=b"2009-05-04T23:08:57.0Z"), "accepted"),
        (row(time=b"2009-5-4T23:08:57Z"), "date"),
        (row(time="２009-05-04T23:08:5Z".encode()), "date"),
        (row(time=b"-009-05-04T23:08:57Z"), "date"),
        (row(time=b"2009-00-04T23:08:57Z"), "date"),
        (row(time=b"2009-13-04T23:08:57Z"), "date"),
        (row(time=b"2009-05-00T23:08:57Z"), "date"),
        (row(time=b"2009-04-31T23:08:57Z"), "date"),
        (row(time=b"2009-02-29T23:08:57Z"), "date"),
        (row(time=b"2009-05-04T24:00:00Z"), "date"),
        (row(time=b"2009-05-04T23:60:57Z"), "date"),
        (row(time=b"2009-05-04T23:08:60Z"), "date"),
        (row(time=b"0000-01-01T00:00:00Z"), "date"),
        (row(time=b"2008-02-29T23:08:57Z"), "accepted"),
        (row(time=b"1900-02-29T00:00:00Z"), "date"),
        (row(time=b"2000-02-29T00:00:00Z"), "out_of_range"),
        (row(time=b"2004-12-31T23:59:59Z"), "out_of_range"),
        (row(time=b"2005-01-01T00:00:00Z"), "accepted"),
        (row(time=b"2009-06-30T23:59:59Z"), "accepted"),
        (row(time=b"2009-07-01T00:00:00Z"), "out_of_range"),
        (row(time=b"2013-09-24T04:12:00Z"), "out_of_range"),
        (row(time=b"9999-12-31T23:59:59Z"), "out_of_range"),
    ],
)
def test_a_row_is_judged_by_the_first_reason_that_holds(line: bytes, reason: str) -> None:
    assert verdict(line) == reason


def test_a_selection_holds_its_start_and_not_its_end() -> None:
    selection = Selection(from_iso("2009-03-01"), from_iso("2009-05-01"))
    assert verdict(row(time=b"2009-02-28T23:59:59Z"), selection) == "not_selected"
    assert verdict(row(time=b"2009-03-01T00:00:00Z"), selection) == "accepted"
    assert verdict(row(time=b"2009-04-30T23:59:59Z"), selection) == "accepted"
    assert verdict(row(time=b"2009-05-01T00:00:00Z"), selection) == "not_selected"
    assert verdict(row(time=b"2010-01-01T00:00:00Z"), selection) == "out_of_range"
    assert verdict(row(time=b"2009-05-01T00:00:00Z"), Selection(start=0)) == "accepted"
    assert verdict(row(time=b"2009-05-01T00:00:00Z"), Selection(end=0)) == "not_selected"


def test_nothing_but_lf_ends_a_row() -> None:
    odd = "u\t2009-05-04T23:08:57Z\t\ta\x0b\x0c\x1c\x1d\x85\u2028\u2029b\x00\rc\t\tt"
    assert texts(odd.encode() + b"\n") == [odd]


def test_only_one_carriage_return_is_stripped_from_the_end() -> None:
    assert texts(row() + b"\r\n" + row() + b"\r\r\n" + row() + b"\r") == [
        row().decode(),
        row().decode() + "\r",
        row().decode(),
    ]


def test_the_last_row_needs_no_lf_and_an_lf_at_the_end_is_no_row() -> None:
    assert judged(row() + b"\n" + row()).rows == 2
    assert judged(row() + b"\n" + row() + b"\n").rows == 2


def test_an_empty_row_in_the_middle_has_too_few_columns() -> None:
    block = judged(row() + b"\n\n" + row() + b"\n\r\n")
    assert (block.rows, block.reasons, block.accepted["line"].to_pylist()) == (4, {"columns": 2}, [1, 3])
    assert block.rejected["text"].to_pylist() == [b"", b""]


def test_a_rejected_row_keeps_number_reason_and_first_bytes() -> None:
    block = judge(row() + b"\nbad\xff\n" + b"x" * 20_000 + b"\n", 5, columns_of(STUDY), LIMITS, Selection())
    assert block.rejected.to_pylist() == [
        {"line": 6, "reason": "encoding", "text": b"bad\xff"},
        {"line": 7, "reason": "columns", "text": b"x" * MOST_KEPT_BYTES},
    ]


def test_rows_that_are_not_selected_are_counted_and_not_kept() -> None:
    block = judged(row() + b"\n", Selection(end=0))
    assert (block.reasons, block.rejected.num_rows, block.accepted.num_rows) == ({"not_selected": 1}, 0, 0)


def test_one_bad_byte_does_not_condemn_its_neighbours() -> None:
    assert texts(row(b"a") + b"\n" + row(b"\xff") + b"\n" + row(b"\xc3\xa4") + b"\n") == [
        row(b"a").decode(),
        row(b"\xc3\xa4").decode(),
    ]


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), min_size=1, max_size=30))
def test_every_row_is_either_accepted_or_rejected_with_a_reason(lines: list[bytes]) -> None:
    mixed = b"".join(line + b"\n" + row(line.replace(b"\t", b"")) + b"\n" for line in lines)
    block = judged(mixed)
    assert block.rows == 2 * len(lines) == block.accepted.num_rows + sum(block.reasons.values())
    block.accepted.validate(full=True)


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)))
def test_every_moment_is_read_as_python_reads_it(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    text = moment.isoformat().replace("+00:00", "Z").encode()
    time, valid = parse_utc(np.frombuffer(text, np.uint8)[None, :])
    assert valid.tolist() == [True]
    assert time.tolist() == [int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1000]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_blocks_are_cut_between_rows_and_lose_nothing(content: bytes, size: int) -> None:
    blocks = list(whole_lines(io.BytesIO(content), size))
    assert b"".join(blocks) == content
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    assert all(blocks)


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="longer than"):
        list(whole_lines(io.BytesIO(b"x" * (2 * MAX_LINE_BYTES)), 1 << 20))
    with pytest.raises(InputError, match="longer than"):
        judged(row(rest=b"\t" + b"x" * MAX_LINE_BYTES + b"\t\tt") + b"\n")


def packed(kind: str, folder: Path, content: bytes) -> Path:
    """`content` as a file of a kind; the name never tells it."""
    path = folder / "input.tsv"
    if kind in ("tar", "tar.gz"):
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as archive:
            for name, text in (
                ("lastfm-dataset-1K/README.txt", b"read me"),
                ("lastfm-dataset-1K/userid-profile.tsv", b"#id\tgender\n"),
                (f"lastfm-dataset-1K/{PUBLISHED}", content),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    else:
        path.write_bytes(gzip.compress(content) if kind == "gz" else content)
    return path


@pytest.mark.parametrize("kind", ["plain", "gz", "tar", "tar.gz"])
def test_packing_is_known_by_content(kind: str, tmp_path: Path) -> None:
    path = packed(kind, tmp_path, GOOD + b"\n" + row() + b"\n")
    blocks = list(read(STUDY, path, Selection()))
    accepted = pa.Table.from_batches([block.accepted for block in blocks])
    assert accepted["text"].to_pylist() == [GOOD.decode(), row().decode()]
    assert accepted["line"].to_pylist() == [1, 2]
    assert blocks[-1].total == path.stat().st_size


def test_a_file_cut_short_is_named_as_damaged(tmp_path: Path) -> None:
    path = packed("gz", tmp_path, GOOD * 1000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="damaged or cut short"):
        list(read(STUDY, path, Selection()))


def test_an_archive_without_the_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("userid-profile.tsv"), io.BytesIO())
    with pytest.raises(InputError, match="holds no data file"):
        list(read(STUDY, path, Selection()))


def test_an_empty_file_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.tsv").touch()
    for name, message in (("empty.tsv", "is empty"), ("missing.tsv", "there is no file"), ("", "is a folder")):
        with pytest.raises(InputError, match=message), open_input(tmp_path / name, lambda _: True):
            pass


def test_without_a_data_file_it_says_where_to_get_one(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match=r"No data files of the study") as refused:
            find(place, STUDY)
        assert "Òscar Celma" in refused.value.fix
        assert "data/raw/" in refused.value.fix


def test_the_data_sets_other_file_is_not_taken_for_the_data(tmp_path: Path) -> None:
    for name in ("userid-profile.tsv", PUBLISHED):
        (tmp_path / name).touch()
    assert find(tmp_path, STUDY).name == PUBLISHED


@pytest.mark.parametrize("name", [PUBLISHED, f"{PUBLISHED}.gz", "lastfm-dataset-1K.tar.gz"])
def test_the_data_is_found_in_the_forms_it_is_kept_in(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert find(tmp_path, STUDY) == tmp_path / name


def test_two_data_files_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("userid-a.tsv", "userid-b.tsv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"userid-a\.tsv, userid-b\.tsv"):
        find(tmp_path, STUDY)
