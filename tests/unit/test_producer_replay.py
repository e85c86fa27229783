"""What each partition receives, whatever the pace and however often the producer was killed."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broker.packed_batch import PackedBatch
from livelift.errors import StateError
from livelift.event_time import MINUTE, from_iso, to_iso
from livelift.events import Control, End, Progress, Start, decode_control
from livelift.study import load_study
from producer import slices as slices_module
from producer.cache import Prepared
from producer.own_records import OwnRecords, PreparedEvents, Resume
from producer.partitioner import Partitioner
from producer.prepare import prepare
from producer.replay import PACED_SECONDS, Replay, dead_letters
from producer.report import Report, never, silent
from tests.support.odd_records import MAKERS, Place, odd_record
from tests.support.packed import records_of

STUDY = load_study("lastfm")
START = from_iso("2009-03-01")
PARTITIONS = 3
USERS = 12
EVENTS = 400


@dataclass(frozen=True)
class Record:
    key: bytes | None
    value: bytes
    timestamp: int

    @property
    def time(self) -> int:
        return self.timestamp

    @property
    def mark(self) -> Control | None:
        return decode_control(self.value) if self.key is None else None

    @property
    def row(self) -> int:
        row: int = json.loads(self.value)["row"]
        return row


@dataclass
class Logs:
    """The writer of a replay, and the logs that it leaves."""

    logs: list[list[Record]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])

    def append(self, partition: int, key: bytes | None, value: bytes, time: int) -> None:
        self.logs[partition].append(Record(key, value, time))

    def add(self, partition: int, batch: PackedBatch) -> None:
        batch._set_producer_state(7, 0, len(self.logs[partition]))
        for record in records_of(batch):
            Logs.append(self, partition, record.key, record.value, record.timestamp)

    async def flush(self) -> None:
        await asyncio.sleep(0)

    async def acknowledged(self) -> None:
        pass

    def positions(self, prepared: Prepared) -> list[Resume]:
        own = own_records(prepared)
        return [own.position(reversed(log)) if own.has_start(log) else Resume() for log in self.logs]


def own_records(prepared: Prepared) -> OwnRecords:
    return OwnRecords(prepared.manifest, PreparedEvents(prepared), "t")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """400 events of 12 users over about seven minutes, with silent minutes in the middle; users of one partition come late."""
    folder = tmp_path_factory.mktemp("replay")
    chance = random.Random(4)
    lines = []
    for event in range(EVENTS):
        second = event + (240 if event >= EVENTS // 2 else 0)
        user = f"u{chance.randrange(USERS)}" if event > 150 else f"u{chance.randrange(2)}"
        lines.append(f"{user}\t{to_iso(START + second * 1000)}\t\ta\t\tt\n")
    lines.append("bad\n")
    (folder / "log.tsv").write_text("".join(lines))
    return prepare(STUDY, folder / "log.tsv", folder / "cache")


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices_module, "SLICE_ROWS", 37)


def replay(
    prepared: Prepared,
    logs: Logs,
    *,
    speed: float | None = None,
    report: Callable[[Report], None] = silent,
    stopped: Callable[[], bool] = never,
) -> bool:
    writer: Any = logs
    return asyncio.run(Replay(prepared, logs.positions(prepared), speed, report, stopped).run(writer))


def rows(log: list[Record]) -> list[int]:
    return [record.row for record in log if record.key is not None]


def check(logs: Logs, prepared: Prepared) -> None:
    """Each partition has starts, its rows rising and once, one end; every mark is true, and announces what follows."""
    partition_of = Partitioner(PARTITIONS)
    seen = []
    for partition, log in enumerate(logs.logs):
        marks = [record.mark for record in log if record.mark]
        kinds = [type(mark) for mark in marks if not isinstance(mark, Progress)]
        assert set(kinds[:-1]) == {Start}
        assert kinds[-1] is End
        assert isinstance(log[0].mark, Start)
        assert isinstance(log[-1].mark, End)
        assert all(mark.manifest == prepared.manifest for mark in marks)
        assert rows(log) == sorted(set(rows(log)))
        for record in log:
            if record.key is not None:
                assert partition_of[record.key.decode()] == partition
                seen.append(record.row)
        row_limit, time_limit = 0, 0
        for place, record in enumerate(log):
            if record.mark:
                assert record.mark.row_limit is not None or isinstance(record.mark, End)
                row_limit = max(row_limit, record.mark.row_limit or 0)
                time_limit = max(time_limit, record.mark.time_limit or 0)
            else:
                assert record.row < row_limit
                assert record.time <= time_limit
            if record.mark:
                assert all(row < record.mark.row for row in rows(log[:place]))
                assert all(row >= record.mark.row for row in rows(log[place:]))
                assert all(later.time >= record.mark.time for later in log[place:] if later.key is not None)
                assert record.time <= prepared.manifest.last
    assert sorted(seen) == list(range(EVENTS))


def test_every_partition_gets_start_its_rows_true_marks_and_end(prepared: Prepared) -> None:
    logs = Logs()
    assert replay(prepared, logs)
    check(logs, prepared)
    assert all(log[-1].mark == End(prepared.manifest.last, EVENTS, prepared.manifest) for log in logs.logs)


def test_a_quiet_partition_moves_on_with_the_others(prepared: Prepared) -> None:
    logs = Logs()
    replay(prepared, logs)
    quiet = min(logs.logs, key=lambda log: next(place for place, record in enumerate(log) if record.key is not None))
    marks = [record.mark for record in quiet if isinstance(record.mark, Progress)]
    announced = [(mark.row, mark.row_limit) for mark in marks if mark.row != mark.row_limit]
    slices = [*range(0, EVENTS, 37), EVENTS]
    assert announced == list(pairwise(slices))
    assert [mark.row for mark in marks if mark.row == mark.row_limit] == slices[1:]


@pytest.mark.parametrize("seed", range(40))
def test_a_producer_killed_anywhere_leaves_no_gap_and_no_repeat(seed: int, prepared: Prepared) -> None:
    """It may be killed any number of times."""
    chance = random.Random(seed)
    logs = Logs()
    for _ in range(chance.randrange(1, 5)):
        before = [len(log) for log in logs.logs]
        replay(prepared, logs)
        # Of what it sent, each partition has taken a beginning, independently of the others.
        logs.logs = [log[: chance.randint(least, len(log))] for log, least in zip(logs.logs, before, strict=True)]
    assert replay(prepared, logs)
    check(logs, prepared)


def test_a_complete_replay_sends_nothing_more(prepared: Prepared) -> None:
    logs = Logs()
    replay(prepared, logs)
    before = [list(log) for log in logs.logs]
    assert replay(prepared, logs)
    assert logs.logs == before


def test_stopped_it_ends_without_an_end_mark_and_goes_on_later(prepared: Prepared) -> None:
    logs = Logs()
    asked = iter([False, False, True])
    assert not replay(prepared, logs, stopped=lambda: next(asked))
    assert 0 < sum(len(rows(log)) for log in logs.logs) < EVENTS
    assert not any(isinstance(record.mark, End) for log in logs.logs for record in log)
    assert replay(prepared, logs)
    check(logs, prepared)


def test_progress_tells_rows_time_and_rejects(prepared: Prepared) -> None:
    said: list[Report] = []
    replay(prepared, Logs(), report=said.append)
    assert said[-1] == Report("sending", EVENTS, EVENTS, prepared.manifest.last, 1)


class FakeClock:
    """Wall time that moves only while the replay sleeps, and by `reading` whenever it is read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, reading: float = 0.0) -> None:
        self.now = 1000.0

        def monotonic() -> float:
            self.now += reading
            return self.now

        monkeypatch.setattr("producer.replay.time.monotonic", monotonic)
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            self.now += seconds
            await real(0)

        monkeypatch.setattr("producer.replay.asyncio.sleep", sleep)


def test_paced_an_event_is_sent_when_it_is_due_and_not_before(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock(monkeypatch)
    speed = 60.0
    delays = []

    class Watching(Logs):
        def append(self, partition: int, key: bytes | None, value: bytes, time: int) -> None:
            super().append(partition, key, value, time)
            if key is not None:
                delays.append(clock.now - 1000.0 - (time - START) / 1000 / speed)

    logs = Watching()
    assert replay(prepared, logs, speed=speed)
    check(logs, prepared)
    assert min(delays) >= -1e-6
    assert max(delays) <= 2 * PACED_SECONDS
    assert clock.now - 1000.0 == pytest.approx((EVENTS - 1 + 240) / speed, abs=0.5)


def test_paced_the_watermark_moves_through_silence(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeClock(monkeypatch)
    logs = Logs()
    replay(prepared, logs, speed=60.0)
    silence = range(START + EVENTS // 2 * 1000, START + EVENTS // 2 * 1000 + 4 * MINUTE)
    for log in logs.logs:
        inside = [record.mark.time for record in log if record.mark and record.mark.time in silence]
        assert inside == sorted(inside)
        assert len(set(inside)) >= 30  # four minutes at 60x are four seconds, ten looks each


def test_a_paced_mark_never_overtakes_an_event_that_fell_due(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeClock(monkeypatch, reading=0.05)  # three events' time, between looking what is due and writing the mark
    logs = Logs()
    replay(prepared, logs, speed=60.0)
    check(logs, prepared)


def test_paced_it_can_be_killed_and_resumed(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeClock(monkeypatch)
    logs = Logs()
    replay(prepared, logs, speed=600.0)
    logs.logs = [log[: len(log) // (partition + 2)] for partition, log in enumerate(logs.logs)]
    assert replay(prepared, logs, speed=600.0)
    check(logs, prepared)


def test_a_position_is_told_by_the_last_record(prepared: Prepared) -> None:
    logs = Logs()
    replay(prepared, logs)
    own = own_records(prepared)
    event = next(record for record in logs.logs[0] if record.key is not None)
    assert own.position([event]) == Resume(True, False, event.row + 1)
    assert own.position([logs.logs[0][0]]) == Resume(True, False, 0)
    assert own.position([logs.logs[0][-1]]) == Resume(True, True, EVENTS)


@pytest.mark.parametrize("name", MAKERS)
def test_a_position_is_told_by_our_own_records_alone(prepared: Prepared, name: str) -> None:
    """Strangers' records at the end, even with a row of ours, a known user or half of our manifest, change nothing."""
    logs = Logs()
    replay(prepared, logs)
    own = own_records(prepared)
    for cut in (1, 30, 90):
        log = logs.logs[0][:cut]
        last = own.position(reversed(log))
        odd = odd_record(name, Place(last.next_row - 1, log[-1].time, prepared.manifest))
        strangers = [Record(odd.key, odd.value, odd.time)] * 3  # type: ignore[arg-type]
        assert own.has_start([*log, *strangers])
        assert own.position(reversed(log + strangers)) == last


def test_an_event_with_our_row_and_other_bytes_is_not_ours(prepared: Prepared) -> None:
    logs = Logs()
    replay(prepared, logs)
    own = own_records(prepared)
    event = next(record for record in logs.logs[0] if record.key is not None)
    forged = [
        Record(b"x", event.value, event.time),
        Record(event.key, event.value, event.time + 1),
        Record(event.key, event.value.replace(b'"a"', b'"b"'), event.time),
    ]
    assert [own.position([record]) for record in forged] == [Resume()] * 3


@pytest.mark.parametrize("seed", range(10))
def test_a_killed_producer_resumes_despite_strangers_records(seed: int, prepared: Prepared) -> None:
    """Strangers may have written anything to the topic."""
    chance = random.Random(seed)
    names = [name for name in MAKERS if MAKERS[name](Place(0, START, prepared.manifest))[0] != "foreign_mark"]
    logs = Logs()
    strangers: list[Record] = []
    for _ in range(3):
        replay(prepared, logs)
        logs.logs = [log[: chance.randint(1, len(log))] for log in logs.logs]
        for log in logs.logs:
            odd = odd_record(chance.choice(names), Place(chance.randrange(EVENTS), log[-1].time, prepared.manifest))
            strangers.append(Record(odd.key, odd.value, odd.time))  # type: ignore[arg-type]
            log.append(strangers[-1])
    assert replay(prepared, logs)
    logs.logs = [
        [record for record in log if not any(record is stranger for stranger in strangers)] for log in logs.logs
    ]
    check(logs, prepared)


def test_a_topic_with_another_replay_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    logs = Logs()
    replay(prepared, logs)
    assert own_records(prepared).has_start(logs.logs[0])
    (tmp_path / "other").write_text(f"u\t{to_iso(START)}\t\ta\t\tt\n")
    other = own_records(prepare(STUDY, tmp_path / "other", tmp_path / "cache"))
    with pytest.raises(StateError, match="holds the replay of other data"):
        other.has_start(logs.logs[0])


def test_a_topic_with_nothing_but_strangers_records_is_begun(prepared: Prepared) -> None:
    own = own_records(prepared)
    assert not own.has_start([Record(None, b"{}", 0), Record(b"u", b"hello", 0)])


def test_a_dead_letter_tells_line_reason_and_text(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b"too few\nu\t2009-03-01T00:00:00Z\t\ta\t\tt\nb\xff\xc3\xa4\n")
    letters = dead_letters(prepare(STUDY, tmp_path / "l", tmp_path / "cache"))
    assert [(key, json.loads(value)) for key, value in letters] == [
        (b"line:1", {"v": 1, "reason": "columns", "row": 1, "line": "too few"}),
        (b"line:3", {"v": 1, "reason": "encoding", "row": 3, "line": "b\\xffä"}),
    ]
