"""How the batch oracle reads a file: row ends, compression, error messages."""

import gzip
import tarfile
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch import lines
from batch.lines import raw_lines
from batch.oracle import Oracle
from livelift.errors import InputError, StudyError
from livelift.event_time import from_iso
from livelift.events import MOST_USER_BYTES
from livelift.study import load_study
from livelift.tick_sums import InputCounts

STUDY = load_study("lastfm")
GLOB = STUDY.source
ROW = b"user_000001\t2009-03-02T10:00:00Z\ta\tA\t\tt\n"
PUBLISHED_NAME = "lastfm-dataset-1K/userid-timestamp-artid-artname-traid-traname.tsv"


def rows_of(file: Path) -> list[tuple[int, bytes]]:
    """(row number, line) of the whole file."""
    return [pair for batch in raw_lines(file, GLOB) for pair in zip(*batch.to_pydict().values(), strict=True)]


def archive(file: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return file


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    data=st.lists(st.sampled_from([b"\n", b"\r", b"a", b"bc", b"\xff", b"\x00", b"\t", b"\x0b\x0c\x85"])).map(b"".join),
    block=st.integers(1, 9),
)
def test_rows_end_at_lf_and_lose_one_cr_however_blocks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, block: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "lines.tsv"
    file.write_bytes(data)
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        found = rows_of(file)
    assert found == list(enumerate((line.removesuffix(b"\r") for line in expected), start=1))


def test_a_row_longer_than_a_block_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", 64)
    file = tmp_path / "long.tsv"
    file.write_bytes(ROW.replace(b"\tA\t", b"\t" + b"A" * 1000 + b"\t") + ROW)
    with Oracle(file, STUDY) as oracle:
        assert oracle.counts() == InputCounts(rows=2, accepted=2)


def test_a_plain_a_gzip_and_a_tar_file_give_the_same_answer(tmp_path: Path) -> None:
    data = b"".join(ROW.replace(b"03-02", b"03-%02d" % day) for day in range(2, 20))
    plain, packed = tmp_path / "userid-x.tsv", tmp_path / "userid-x.tsv.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data))
    tar = archive(tmp_path / "x.tar.gz", {"lastfm-dataset-1K/README.txt": b"about", PUBLISHED_NAME: data})
    answers = []
    for file in (plain, packed, tar):
        with Oracle(file, STUDY) as oracle:
            answers.append((oracle.counts(), list(oracle.sessions())))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0].accepted == 18


def test_archived_profiles_are_not_taken_for_events(tmp_path: Path) -> None:
    """They lie beside the log in the published archive."""
    profiles = b"#id\tgender\tage\tcountry\tregistered\t\n"
    tar = archive(tmp_path / "x.tgz", {"lastfm-dataset-1K/userid-profile.tsv": profiles, PUBLISHED_NAME: ROW})
    with Oracle(tar, STUDY) as oracle:
        assert oracle.counts() == InputCounts(rows=1, accepted=1)


def test_an_archive_without_the_file_is_refused_naming_the_file(tmp_path: Path) -> None:
    tar = archive(tmp_path / "x.tar.gz", {"other.tsv": ROW})
    with Oracle(tar, STUDY) as oracle, pytest.raises(InputError, match=r"holds no file userid-\*\.tsv"):
        oracle.counts()


@pytest.mark.parametrize("name", ["cut.tsv.gz", "cut.tar.gz"])
def test_a_truncated_compressed_file_is_refused_every_time(tmp_path: Path, name: str) -> None:
    """Nothing half-read is kept for the second time."""
    file = tmp_path / name
    file.write_bytes(gzip.compress(ROW * 1000)[:-20])
    with Oracle(file, STUDY) as oracle:
        for _ in range(2):
            with pytest.raises(InputError, match="cannot be read"):
                oracle.counts()


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with Oracle(tmp_path / "nowhere.tsv", STUDY) as oracle, pytest.raises(InputError, match=r"nowhere\.tsv"):
        oracle.final()


def test_one_bad_byte_rejects_its_own_row_among_many(tmp_path: Path) -> None:
    rows = [ROW.replace(b"\tt\n", b"\tt%d\n" % number) for number in range(5000)]
    rows[1234] = ROW.replace(b"\tt\n", b"\t\xe9\n")
    file = tmp_path / "x.tsv"
    file.write_bytes(b"".join(rows))
    with Oracle(file, STUDY) as oracle:
        assert oracle.counts() == InputCounts(rows=5000, accepted=4999, rejected={"encoding": 1})


def test_every_reason_is_counted_and_the_rows_add_up(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_bytes(
        ROW * 3 + b"\xff\n" + b"\n" + b"\t\t\t\t\t\n" + b"u\t\t\t\t\t\n"
        + ROW.replace(b"2009", b"2013") + ROW.replace(b"03-02", b"03-01") + ROW.replace(b"03-02", b"03-03")
    )  # fmt: skip
    with Oracle(file, STUDY, select_from=from_iso("2009-03-02"), select_to=from_iso("2009-03-03")) as oracle:
        assert oracle.counts() == InputCounts(
            rows=10,
            accepted=1,
            rejected={"columns": 1, "date": 1, "encoding": 1, "not_selected": 2, "out_of_range": 1, "user": 1},
            duplicates=2,
        )


def test_a_user_id_has_the_processors_longest_length(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    longest = "ü".encode() * (MOST_USER_BYTES // 2)
    file.write_bytes(longest + ROW[ROW.index(b"\t") :] + longest + b"x" + ROW[ROW.index(b"\t") :])
    with Oracle(file, STUDY) as oracle:
        assert oracle.counts() == InputCounts(rows=2, accepted=1, rejected={"user": 1})


def test_progress_tells_the_rows_read_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", 3 * len(ROW))
    file = tmp_path / "x.tsv"
    file.write_bytes(ROW * 8)
    told: list[int] = []
    with Oracle(file, STUDY, progress=told.append) as oracle:
        oracle.counts()
    assert told == [3, 6, 8]


def test_sessions_can_be_read_while_other_answers_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_bytes(b"".join(ROW.replace(b"03-02", b"03-%02d" % day) for day in range(2, 20)))
    with Oracle(file, STUDY) as oracle:
        sessions = oracle.sessions()
        first = next(sessions)
        assert oracle.final().sessions_all == 18
        assert len([first, *sessions]) == 18


def test_a_closed_oracle_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = tmp_path / "x.tsv"
    file.write_bytes(ROW)
    with Oracle(file, STUDY) as oracle:
        assert oracle.counts().accepted == 1
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [file]


def test_a_measure_unknown_to_the_oracle_is_refused_by_metric(tmp_path: Path) -> None:
    metric = msgspec.structs.replace(STUDY.metrics["skip_rate"], numerator="stalls")
    study = msgspec.structs.replace(STUDY, metrics={**STUDY.metrics, "skip_rate": metric})
    with pytest.raises(StudyError, match=r"'skip_rate'.*'stalls'"):
        Oracle(tmp_path / "x.tsv", study)
