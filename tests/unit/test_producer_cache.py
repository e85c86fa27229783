"""The producer's cache of the sorted input: order, values, counts, reuse and invalidation."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelift.errors import InputError, ResourceError
from livelift.event_time import from_iso, to_iso
from livelift.study import load_study
from producer import prepare as prepare_module
from producer.cache import Prepared
from producer.prepare import event_values, prepare
from producer.report import Interrupted, Report
from producer.sorting import DuplicateFilter, sorted_rows
from producer.sources import Selection
from producer.sources.plain_tsv import ACCEPTED, reader

STUDY = load_study("lastfm")
START = from_iso("2009-03-01")


def line(user: str, second: int, track: str = "t") -> str:
    return f"{user}\t{to_iso(START + second * 1000)}\ta-id\tArtist\t\t{track}"


def write(path: Path, lines: list[str]) -> Path:
    path.write_bytes("".join(f"{text}\n" for text in lines).encode())
    return path


def events(prepared: Prepared) -> list[dict[str, Any]]:
    return list(pq.read_table(prepared.events).to_pylist())


class Folder(NamedTuple):
    data: Path
    cache: Path

    def prepare(self, selection: Selection = Selection()) -> Prepared:  # noqa: B008
        return prepare(STUDY, self.data, self.cache, selection)


@pytest.fixture
def small(tmp_path: Path) -> Folder:
    return Folder(write(tmp_path / "log.tsv", [line("b", 2), line("a", 1)]), tmp_path / "cache")


def test_rows_sort_by_time_then_user_bytes_then_place_in_file(tmp_path: Path) -> None:
    lines = [
        line("é", 5, "1"),
        line("z", 5, "2"),
        line("B", 5, "3"),
        line("a", 5, "4"),
        line("a", 5, "0"),
        line("𝄞", 1),
    ]
    lines += [line("\uffff", 1), line("a\x00b", 5), line("ab", 5), line("a", 4)]
    values = [
        json.loads(event["value"]) for event in events(Folder(write(tmp_path / "l", lines), tmp_path / "c").prepare())
    ]
    expected = sorted(enumerate(lines), key=lambda x: (x[1].split("\t")[1], x[1].split("\t")[0].encode(), x[0]))
    assert [(v["user"], v["track"]) for v in values] == [
        (text.split("\t")[0], text.split("\t")[5]) for _, text in expected
    ]


def test_rows_of_one_moment_and_user_go_by_line_in_any_order(tmp_path: Path) -> None:
    """Rows of equal time and user keep the order of their lines, however the reader gets them."""
    numbers = [3, 1, 4, 2]
    batch = pa.record_batch([[7] * 4, numbers, [line("a", 1, f"{n}") for n in numbers]], schema=ACCEPTED)
    (rows,) = sorted_rows(iter([batch]), reader(STUDY), tmp_path, 1)
    assert [msgspec.json.decode(fields)["track"] for fields in rows["fields"].to_pylist()] == ["1", "2", "3", "4"]


def test_an_event_is_readable_json_schema_and_row_first(small: Folder) -> None:
    """The event's own fields follow them."""
    first, second = events(small.prepare())
    assert first["value"].decode() == (
        '{"v":1,"row":0,"user":"a","time":"2009-03-01T00:00:01Z","artist_id":"a-id","artist":"Artist",'
        '"track_id":"","track":"t"}'
    )
    assert (second["row"], second["time"], second["user"]) == (1, START + 2000, "b")


@given(st.lists(st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"])), min_size=1))
def test_any_name_arrives_as_it_was(names: list[str]) -> None:
    lines = [line("u" + name, second, name) for second, name in enumerate(names)]
    batch = pa.record_batch([range(len(names)), range(len(names)), lines], schema=ACCEPTED)
    with tempfile.TemporaryDirectory() as spill:
        (rows,) = sorted_rows(iter([batch]), reader(STUDY), Path(spill), 1)
    assert rows["user"].to_pylist() == ["u" + name for name in names]
    values = event_values(pa.array(range(len(names))), rows["fields"]).to_pylist()
    assert [msgspec.json.decode(value) for value in values] == [
        {"v": 1, "row": row, "user": "u" + name, "time": to_iso(START + row * 1000), "artist_id": "a-id",
         "artist": "Artist", "track_id": "", "track": name}
        for row, name in enumerate(names)
    ]  # fmt: skip


def test_of_equal_rows_the_first_stays_the_others_are_counted(tmp_path: Path) -> None:
    lines = [
        line("a", 1, "x"),
        line("a", 1, "y"),
        line("b", 1, "x"),
        line("a", 1, "x"),
        line("a", 1, "y"),
        line("a", 2, "x"),
    ]
    prepared = Folder(write(tmp_path / "l", lines), tmp_path / "c").prepare()
    assert [json.loads(event["value"])["track"] for event in events(prepared)] == ["x", "y", "x", "x"]
    assert [event["row"] for event in events(prepared)] == [0, 1, 2, 3]
    assert (prepared.manifest.rows, prepared.manifest.accepted, prepared.manifest.duplicates) == (6, 4, 2)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.sampled_from("xyz"))), st.integers(1, 4))
def test_duplicates_are_found_however_the_sorted_stream_is_cut(rows: list[tuple[int, str, str]], size: int) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    duplicates = DuplicateFilter()
    kept: list[tuple[int, str, str]] = []
    for start in range(0, len(rows), size):
        piece = rows[start : start + size]
        batch = pa.record_batch([pa.array(column) for column in zip(*piece, strict=True)], ["time", "user", "fields"])
        kept += [row for row, keep in zip(piece, duplicates.first_ones(batch), strict=True) if keep]
    assert kept == list(dict.fromkeys(rows))


def test_every_row_of_the_file_is_accounted_for(tmp_path: Path) -> None:
    chance = random.Random(3)
    lines = [line(chance.choice("abc"), chance.randrange(50), chance.choice("xy")) for _ in range(500)]
    lines += ["too few", line("", 1), line("a", 10**9), "u\tnever\t\t\t\t", "e\t\t\t"]
    chance.shuffle(lines)
    manifest = Folder(write(tmp_path / "l", lines), tmp_path / "c").prepare().manifest
    assert manifest.rejected == {"columns": 2, "user": 1, "out_of_range": 1, "date": 1}
    assert manifest.accepted == len({text for text in lines if text.startswith(("a", "b", "c"))} - {line("a", 10**9)})
    assert manifest.rows == 505 == manifest.accepted + sum(manifest.rejected.values()) + manifest.duplicates
    assert (manifest.first, manifest.last, manifest.until) == (START, START + 49_000, None)


def test_rejected_rows_are_kept_for_the_dead_letters(tmp_path: Path) -> None:
    prepared = Folder(write(tmp_path / "l", [line("a", 1), "too few"]), tmp_path / "c").prepare()
    assert pq.read_table(prepared.rejected).to_pylist() == [{"line": 2, "reason": "columns", "text": b"too few"}]


def test_a_file_that_does_not_fit_a_block_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.sources.input_file.whole_lines.__defaults__", (64,))
    lines = [line(f"u{i % 7}", 1000 - i) for i in range(1000)]
    prepared = Folder(write(tmp_path / "l", lines), tmp_path / "c").prepare()
    assert [event["time"] for event in events(prepared)] == [START + i * 1000 for i in range(1, 1001)]


def test_a_selection_ends_the_manifest_and_is_a_cache_of_its_own(small: Folder) -> None:
    whole, part = small.prepare(), small.prepare(Selection(start=START + 2000, end=START + 9000))
    assert whole.folder != part.folder
    assert part.manifest.until is None  # the file ends before the selection does
    assert small.prepare(Selection(end=START + 2000)).manifest.until == START + 2000
    assert (part.manifest.accepted, part.manifest.rejected) == (1, {"not_selected": 1})
    assert small.prepare().folder == whole.folder
    assert whole.folder.exists()


@pytest.mark.parametrize("content", [b"\x00" * 5000, random.Random(1).randbytes(5000), b"\n", b"a,b,c,d,e,f\n" * 50])
def test_an_unacceptable_file_is_refused_and_leaves_nothing(content: bytes, tmp_path: Path) -> None:
    """A file without an acceptable row leaves nothing in the cache folder."""
    (tmp_path / "l").write_bytes(content)
    with pytest.raises(InputError, match=r"not one of its .* rows is acceptable"):
        prepare(STUDY, tmp_path / "l", tmp_path / "c")
    assert os.listdir(tmp_path / "c") == ["lock"]


def test_a_selection_without_an_event_is_refused_with_its_bounds(small: Folder) -> None:
    with pytest.raises(InputError, match=r"no event of .* lies in the selected time \[2009-03-02T00:00:00Z, …\)"):
        small.prepare(Selection(start=START + 86_400_000))


# When a cache is used again.


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one whenever a cache is made."""
    made: list[str] = []
    run = prepare_module._Build.run

    def counted(self: Any, building: Path) -> Any:
        made.append(building.name)
        return run(self, building)

    monkeypatch.setattr(prepare_module._Build, "run", counted)
    return made


def test_an_unchanged_input_is_prepared_once(small: Folder, built: list[str]) -> None:
    first = small.prepare()
    assert small.prepare() == first
    assert len(built) == 1


def test_any_input_change_is_noticed_and_its_old_cache_goes(small: Folder, built: list[str]) -> None:
    before = small.prepare()
    status = small.data.stat()
    content = bytearray(small.data.read_bytes())
    content[content.index(b"Artist")] = ord("B")
    small.data.write_bytes(content)
    os.utime(small.data, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if nothing had happened
    after = small.prepare()
    assert json.loads(events(after)[1]["value"])["artist"] == "Brtist"
    assert len(built) == 2
    assert not before.folder.exists()


def test_a_replaced_file_is_noticed(small: Folder, built: list[str]) -> None:
    small.prepare()
    other = write(small.data.parent / "other", [line("b", 2), line("a", 1)])
    other.replace(small.data)
    small.prepare()
    assert len(built) == 2


def test_another_input_section_of_the_study_is_another_cache(small: Folder, built: list[str]) -> None:
    small.prepare()
    section = msgspec.structs.replace(STUDY.source, before=STUDY.source.before.replace(month=8))
    prepare(msgspec.structs.replace(STUDY, source=section), small.data, small.cache)
    assert len(built) == 2


def truncate(prepared: Prepared) -> None:
    os.truncate(prepared.events, 100)


def edit_events(prepared: Prepared) -> None:
    content = bytearray(prepared.events.read_bytes())
    content[len(content) // 2] ^= 1
    prepared.events.write_bytes(content)


def lose_events(prepared: Prepared) -> None:
    prepared.events.unlink()


def edit_manifest(prepared: Prepared) -> None:
    manifest = prepared.folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"accepted":2', b'"accepted":1'))


def cut_manifest(prepared: Prepared) -> None:
    os.truncate(prepared.folder / "manifest.json", 50)


@pytest.mark.parametrize("damage", [truncate, edit_events, lose_events, edit_manifest, cut_manifest])
def test_a_damaged_cache_is_made_again(
    damage: Callable[[Prepared], None], small: Folder, built: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = events(small.prepare())
    damage(small.prepare())
    assert len(built) == 1
    assert events(small.prepare()) == before
    assert len(built) == 2
    assert "damaged" in "".join(capsys.readouterr())


def test_what_a_killed_one_left_is_cleared(small: Folder) -> None:
    small.cache.mkdir()
    (small.cache / "lastfm-0123.building").mkdir()
    small.prepare()
    assert sorted(path.suffix for path in small.cache.iterdir()) == ["", ""]


def _prepare_slowly(data: Path, cache: Path) -> None:
    prepare(STUDY, data, cache, report=lambda report: time.sleep(60))


def test_kill_9_leaves_no_half_cache(small: Folder) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_prepare_slowly, args=(small.data, small.cache))
    child.start()
    try:
        deadline = time.monotonic() + 30
        while not list(small.cache.glob("*.building")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    assert not list(small.cache.glob("*/manifest.json"))
    assert small.prepare().manifest.accepted == 2
    assert not list(small.cache.glob("*.building"))


@pytest.mark.parametrize("wish", [KeyboardInterrupt, Interrupted])
@pytest.mark.parametrize("phase", ["reading", "sorting"])
def test_stopping_leaves_nothing_half_made(phase: str, wish: type[BaseException], small: Folder) -> None:
    def stop(report: Report) -> None:
        if report.phase == phase:
            raise wish

    with pytest.raises(wish):
        prepare(STUDY, small.data, small.cache, report=stop)
    assert os.listdir(small.cache) == ["lock"]


def test_a_stop_flag_stops_it(small: Folder) -> None:
    with pytest.raises(Interrupted):
        prepare(STUDY, small.data, small.cache, stopped=lambda: True)


def test_an_input_that_grows_while_it_is_read_is_refused(small: Folder) -> None:
    def grow(report: Report) -> None:
        if report.phase == "sorting":
            with small.data.open("a") as file:
                file.write(line("c", 3) + "\n")

    with pytest.raises(InputError, match="changed while it was read"):
        prepare(STUDY, small.data, small.cache, report=grow)


def test_a_full_disk_is_named_before_anything_is_written(small: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(ResourceError, match=r"needs up to .* GB in .*, 0\.0 GB are free"):
        small.prepare()


def test_progress_ends_at_the_whole(small: Folder) -> None:
    said: list[Report] = []
    prepare(STUDY, small.data, small.cache, report=said.append)
    last = {report.phase: (report.done, report.total) for report in said}
    assert last == {"reading": (small.data.stat().st_size,) * 2, "sorting": (2, 2)}


def test_two_at_once_make_it_once(small: Folder) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        folders = pool.starmap(_prepare_quietly, [(small.data, small.cache)] * 2)
    assert folders[0] == folders[1]
    assert [event["row"] for event in events(small.prepare())] == [0, 1]


def _prepare_quietly(data: Path, cache: Path) -> Path:
    return prepare(STUDY, data, cache).folder
