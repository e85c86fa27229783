"""Batches that a replay keeps: what is sent of them is what is sent row by row, and no damaged one is sent."""

import errno
import fcntl
import random
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from broker.packed_batch import PackedBatch, new_batch, packed
from livelift.errors import InputError
from livelift.event_time import from_iso, to_iso
from livelift.events import End
from livelift.study import load_study
from producer import packed_replay, slices
from producer import replay as replay_module
from producer.cache import Prepared
from producer.packed_replay import kept_batches, pack_all
from producer.prepare import prepare
from tests.support.packed import no_rows, records_of
from tests.unit.test_producer_replay import EVENTS, PARTITIONS, Logs, check, replay

KEPT = f"batches-{PARTITIONS}.parquet"


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    chance = random.Random(4)
    start = from_iso("2009-03-01")
    lines = [f"u{chance.randrange(12)}\t{to_iso(start + n * 1000)}\t\ta{n}\t\tt\n" for n in range(EVENTS)]
    (tmp_path / "log.tsv").write_text("".join(lines))
    return prepare(load_study("lastfm"), tmp_path / "log.tsv", tmp_path / "cache")


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 37)


def sent(prepared: Prepared) -> list[list[Any]]:
    logs = Logs()
    assert replay(prepared, logs)
    check(logs, prepared)
    return logs.logs


def test_kept_packed_and_row_by_row_are_the_same_records(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sent(prepared)
    assert (prepared.folder / KEPT).is_file()
    with monkeypatch.context() as patch:
        patch.setattr(slices, "read_slices", no_rows)
        assert sent(prepared) == first
    with monkeypatch.context() as patch:
        patch.setattr(replay_module, "kept_batches", lambda *_: None)
        patch.setattr(replay_module, "pack_all", lambda prepared, _: slices.read_slices(prepared, 0))
        assert sent(prepared) == first


def test_a_replay_that_stops_early_keeps_nothing(prepared: Prepared) -> None:
    asked = iter([False, False, True])
    assert not replay(prepared, Logs(), stopped=lambda: next(asked))
    assert [path.name for path in prepared.folder.glob("batches-*")] == []
    sent(prepared)
    assert kept_batches(prepared, PARTITIONS) is not None


def test_what_a_killed_one_left_is_made_anew(prepared: Prepared) -> None:
    (prepared.folder / f"batches-{PARTITIONS}.1.building").write_bytes(b"half")
    first = sent(prepared)
    assert sent(prepared) == first
    assert [path.name for path in prepared.folder.glob("batches-*")] == [KEPT]


def test_while_another_process_packs_this_one_keeps_nothing(prepared: Prepared) -> None:
    with (prepared.folder / "packing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sent(prepared)
        assert kept_batches(prepared, PARTITIONS) is None


@pytest.mark.parametrize("call", ["write_batch", "close"])
def test_a_full_disk_ends_the_keeping_not_the_replay(
    call: str, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pq.ParquetWriter, call, full)
        patch.setattr(pq.ParquetWriter, "__del__", lambda _: None, raising=False)  # it closes
        first = sent(prepared)
    assert [path.name for path in prepared.folder.glob("batches-*")] == []
    assert sent(prepared) == first
    assert kept_batches(prepared, PARTITIONS) is not None


def test_other_slices_or_partitions_are_other_batches(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(prepared)
    assert kept_batches(prepared, PARTITIONS + 1) is None
    monkeypatch.setattr(slices, "SLICE_ROWS", 38)
    assert kept_batches(prepared, PARTITIONS) is None
    sent(prepared)
    assert kept_batches(prepared, PARTITIONS) is not None


def test_a_cut_file_is_made_again(prepared: Prepared) -> None:
    first = sent(prepared)
    path = prepared.folder / KEPT
    path.write_bytes(path.read_bytes()[:-20])
    assert kept_batches(prepared, PARTITIONS) is None
    assert sent(prepared) == first
    assert kept_batches(prepared, PARTITIONS) is not None


def test_a_changed_byte_is_never_sent(prepared: Prepared) -> None:
    """The rest of the rows is sent instead, and a later replay makes the batches again."""
    first = sent(prepared)
    path = prepared.folder / KEPT
    whole = path.read_bytes()
    place = whole.index(packed_of(prepared, slice_number=3))
    path.write_bytes(whole[: place + 90] + bytes([whole[place + 90] ^ 1]) + whole[place + 91 :])
    assert sent(prepared) == first
    assert not path.exists()
    assert sent(prepared) == first
    assert kept_batches(prepared, PARTITIONS) is not None


def test_a_file_of_some_slices_is_none(prepared: Prepared) -> None:
    """However it got its name and a footer."""
    first = sent(prepared)
    path = prepared.folder / KEPT
    table = pq.ParquetFile(path).read_row_group(0)
    with pq.ParquetWriter(path, table.schema) as half:
        half.write_table(table)
    assert kept_batches(prepared, PARTITIONS) is None
    assert sent(prepared) == first


def test_a_cache_that_ends_too_early_gets_no_end_mark(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        replay_module, "pack_all", lambda prepared, partitions: islice(pack_all(prepared, partitions), 2)
    )
    monkeypatch.setattr(replay_module.Replay, "_rows", lambda self, row: iter(()))
    logs = Logs()
    with pytest.raises(InputError, match=f"ends at row 74 of {EVENTS}"):
        replay(prepared, logs)
    assert not any(isinstance(record.mark, End) for log in logs.logs for record in log)


def test_a_folder_that_cannot_be_written_keeps_nothing(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    (prepared.folder / "packing.lock").mkdir()  # cannot be opened as a file, by whatever user
    sent(prepared)
    assert kept_batches(prepared, PARTITIONS) is None


def test_a_disk_with_little_room_keeps_nothing(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    free = packed_replay.ROOM * prepared.events.stat().st_size + packed_replay.SPARE_BYTES
    for room, keeps in ((free - 1, False), (free, True)):
        monkeypatch.setattr(packed_replay.shutil, "disk_usage", lambda _, room=room: SimpleNamespace(free=room))
        sent(prepared)
        assert (kept_batches(prepared, PARTITIONS) is not None) == keeps


def packed_of(prepared: Prepared, slice_number: int) -> bytes:
    (_, batch), *_ = list(pack_all(prepared, PARTITIONS))[slice_number].batches
    return bytes(batch._build())


def test_a_packed_batch_takes_the_state_of_any_producer() -> None:
    batch = new_batch()
    for number in range(50):
        assert batch.append(timestamp=1000 + number, key=b"k%d" % number, value=b"v" * number) is not None
    content = packed(batch)
    for producer, epoch, sequence in [(1, 0, 0), (2**62, 3, 2**31 - 1)]:
        again = PackedBatch(content)
        again._set_producer_state(producer, epoch, sequence)
        records = records_of(again)
        assert [(r.timestamp, r.key, r.value) for r in records] == [(1000 + n, b"k%d" % n, b"v" * n) for n in range(50)]
        assert (again.record_count(), again.size()) == (50, len(content))
        assert int.from_bytes(again._build()[43:51], "big") == producer
