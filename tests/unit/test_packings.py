"""Producer and batch oracle read the same rows whatever the packing, byte order mark or line ends."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import cramjam
import pytest

from batch.oracle import Oracle
from livelift.errors import InputError
from livelift.event_time import from_iso, to_iso
from livelift.study import load_study
from livelift.tick_sums import InputCounts
from producer.prepare import prepare

STUDY = load_study("lastfm")
NAME = "userid-timestamp-artid-artname-traid-traname.tsv"
PROFILES = b"#id\tgender\tage\tcountry\tregistered\t\n"
ROWS = [
    f"u{n % 7}\t{to_iso(from_iso('2009-03-02') + n * 90_000)}\t\tSigur Rós {n}\t\tt\n".encode() for n in range(3_000)
]
TEXT = b"".join(ROWS) + b"bad\n"
COUNTS = InputCounts(3_001, 3_000, {"columns": 1})


def gz(content: bytes) -> bytes:
    return gzip.compress(content)


def zst(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


def skippable_zst(content: bytes) -> bytes:
    return b"\x50\x2a\x4d\x18\x04\x00\x00\x00size" + zst(content)


def tar(content: bytes, name: str = NAME, form: int = tarfile.PAX_FORMAT) -> bytes:
    """The published archive, with `content` as its data file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for member, text in (("README.txt", b"read me"), ("userid-profile.tsv", PROFILES), (name, content)):
            info = tarfile.TarInfo(f"lastfm-dataset-1K/{member}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return packed.getvalue()


def old_tar(content: bytes) -> bytes:
    """A tar of before 1988: without the word `ustar`."""
    packed = bytearray(tar(content, form=tarfile.USTAR_FORMAT))
    at = 0
    while packed[at]:
        size = int(packed[at + 124 : at + 135], 8)
        packed[at + 257 : at + 265] = bytes(8)
        packed[at + 148 : at + 156] = b" " * 8
        packed[at + 148 : at + 156] = b"%06o\x00 " % sum(packed[at : at + 512])
        at += 512 + -(-size // 512) * 512
    return bytes(packed)


Pack = Callable[[bytes], bytes]

PACKINGS: dict[str, Pack] = {
    "plain": bytes,
    "gzip": gz,
    "gzip in two members": lambda text: gz(text[:50_000]) + gz(text[50_000:]),
    "gzip padded with zeros": lambda text: gz(text) + bytes(512),
    "zstd": zst,
    "zstd in two frames": lambda text: zst(text[:50_000]) + zst(text[50_000:]),
    "zstd with a frame to skip": skippable_zst,
    "tar": tar,
    "old tar": old_tar,
    "GNU tar": lambda text: tar(text, form=tarfile.GNU_FORMAT),
    "tar.gz": lambda text: gz(tar(text)),
    "tar.zst": lambda text: zst(tar(text)),
    "gzip in a tar": lambda text: tar(gz(text), f"{NAME}.gz"),
    "zstd in a tar.gz": lambda text: gz(tar(zst(text), f"{NAME}.zst")),
    "gzip twice": lambda text: gz(gz(text)),
}
TEXTS: dict[str, Pack] = {
    "LF": bytes,
    "CR LF": lambda text: text.replace(b"\n", b"\r\n"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "byte order mark, CR LF, no last LF": lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")[:-2],
}
NAMES = ("log.tsv", "log.gz", "log.tar.gz", "log")


def both(file: Path, folder: Path) -> tuple[InputCounts, InputCounts]:
    """What producer and oracle make of the rows of a file."""
    manifest = prepare(STUDY, file, folder / "cache").manifest
    with Oracle(file, STUDY) as oracle:
        return InputCounts(manifest.rows, manifest.accepted, manifest.rejected, manifest.duplicates), oracle.counts()


def refused_by_both(file: Path, folder: Path, match: str) -> None:
    with pytest.raises(InputError, match=match) as refused:
        prepare(STUDY, file, folder / "cache")
    assert refused.value.fix
    with Oracle(file, STUDY) as oracle, pytest.raises(InputError, match=match) as refused:
        oracle.counts()
    assert refused.value.fix


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packed_file_is_read_by_its_content(packing: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / NAMES[len(packing) % len(NAMES)]  # any name does
    file.write_bytes(PACKINGS[packing](TEXTS[text](TEXT)))
    assert both(file, tmp_path) == (COUNTS, COUNTS)


@pytest.mark.parametrize("packing", ["gzip", "zstd", "tar", "tar.gz", "tar.zst"])
def test_a_file_cut_short_is_refused(packing: str, tmp_path: Path) -> None:
    whole = PACKINGS[packing](TEXT)
    for length in (len(whole) * 2 // 3, len(whole) // 2, len(whole) // 3):
        (tmp_path / "log").write_bytes(whole[:length])
        refused_by_both(tmp_path / "log", tmp_path, "damaged or cut short|cannot be read")


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_damaged_file_is_refused(packing: str, tmp_path: Path) -> None:
    whole = bytearray(PACKINGS[packing](TEXT))
    whole[len(whole) // 2 : len(whole) // 2 + 9] = bytes(9)
    (tmp_path / "log").write_bytes(whole)
    refused_by_both(tmp_path / "log", tmp_path, "damaged or cut short|cannot be read")


def zipped(text: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(NAME, text)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (zipped(TEXT), "a zip archive"),
        (lzma.compress(TEXT), "xz"),
        (bz2.compress(TEXT), "bzip2"),
        (TEXT.decode().encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + TEXT.decode().encode("utf-16-be"), "UTF-16"),
        (gz(TEXT.decode().encode("utf-16")), "UTF-16"),
        (b"PAR1\x15\x04", "Parquet"),
        (gz(gz(gz(gz(gz(TEXT))))), "packed more than"),
        (TEXT.replace(b"\n", b"\r"), "end in CR alone"),
        (b"\xef\xbb\xbf" + TEXT[:200].replace(b"\n", b"\r"), "end in CR alone"),
        (gz(TEXT.replace(b"\n", b"\r") * 20), "end in CR alone"),
        (tar(TEXT, "other.tsv"), "holds no"),
        (b"x" * (20 << 20), "longer than 2 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_read_is_refused_by_what_it_is(content: bytes, match: str, tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_bytes(content)
    refused_by_both(tmp_path / "log.tsv", tmp_path, match)


def test_an_archive_with_two_data_files_is_refused_not_half_read(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "log.tar.gz", "w:gz") as archive:
        for name in (NAME, "userid-more.tsv"):
            info = tarfile.TarInfo(name)
            info.size = len(TEXT)
            archive.addfile(info, io.BytesIO(TEXT))
    refused_by_both(tmp_path / "log.tar.gz", tmp_path, "a second data file|more than one file")


def test_a_user_that_begins_like_a_packing_is_a_user(tmp_path: Path) -> None:
    rows = [b"BZh9", b"PAR1", b"PK", b"ustar", b"7z", b"%PDF"]
    for user in rows:
        (tmp_path / "log").write_bytes(ROWS[0].replace(b"u0", user) + b"".join(ROWS))
        counts, of_oracle = both(tmp_path / "log", tmp_path)
        assert (counts.accepted, of_oracle.accepted) == (3_001, 3_001)


def test_a_mark_within_the_text_stays(tmp_path: Path) -> None:
    """Only the first one is a mark of byte order: a second is a character of the first user's name."""
    (tmp_path / "log").write_bytes(b"\xef\xbb\xbf" * 2 + b"".join(ROWS[:8]))
    counts, of_oracle = both(tmp_path / "log", tmp_path)
    assert (counts.accepted, of_oracle.accepted) == (8, 8)
    with Oracle(tmp_path / "log", STUDY) as oracle:
        users = {session.user for session in oracle.sessions()}
    assert "\ufeffu0" in users
