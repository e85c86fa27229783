"""Two producers of one run at once, or killed with requests in flight: each event counts once."""

import asyncio
import random
from typing import Any

import pytest
from msgspec.structs import replace

from broker.packed_batch import PackedBatch
from livelift.event_time import from_iso, to_iso
from livelift.output_log import Counts, EndMark, Mark, Output
from livelift.sessions import session_measures
from livelift.study import load_study
from processor.windows import new_partition
from producer import slices as slices_module
from producer.cache import Prepared
from producer.own_records import OwnRecords, PreparedEvents, Resume
from producer.prepare import prepare
from producer.replay import Replay
from producer.report import never, silent
from tests.support.packed import records_of
from tests.support.streams import FakeRecord

STUDY = load_study("lastfm")
MEASURES = session_measures(STUDY)
EVENTS = 300
START = from_iso("2009-03-01")


class Log:
    """The writer of a replay of one partition, and what it writes."""

    def __init__(self) -> None:
        self.records: list[FakeRecord] = []

    def append(self, partition: int, key: bytes | None, value: bytes, time: int) -> None:
        self.records.append(FakeRecord(0, time, key, value))

    def add(self, partition: int, batch: PackedBatch) -> None:
        batch._set_producer_state(7, 0, len(self.records))
        for record in records_of(batch):
            self.append(partition, record.key, record.value, record.timestamp)

    async def flush(self) -> None:
        await asyncio.sleep(0)

    async def acknowledged(self) -> None:
        pass


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Events of five users over two days, many at equal times."""
    folder = tmp_path_factory.mktemp("two")
    chance = random.Random(8)
    times = sorted(START + 600_000 * chance.randrange(288) for _ in range(EVENTS))
    lines = [f"u{chance.randrange(5)}\t{to_iso(time)}\t\ta{n}\t\tt{n}\n" for n, time in enumerate(times)]
    (folder / "log.tsv").write_text("".join(lines))
    return prepare(STUDY, folder / "log.tsv", folder / "cache")


def sent(prepared: Prepared, point: Resume, slice_rows: int) -> list[FakeRecord]:
    """What a producer sends that found the partition at `point`."""
    writer: Any = Log()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices_module, "SLICE_ROWS", slice_rows)
        asyncio.run(Replay(prepared, [point], None, silent, never).run(writer))
    records: list[FakeRecord] = writer.records
    return records


def operate(records: list[FakeRecord]) -> tuple[list[Output], list[str], Counts]:
    partition = new_partition(STUDY, MEASURES)
    numbered = [FakeRecord(offset, r.timestamp, r.key, r.value) for offset, r in enumerate(records)]
    effects = partition.apply(numbered)
    assert partition.counts.total + partition.counts.repeated == sum(record.key is not None for record in records)
    outputs = [
        replace(output, counts=once(output.counts)) if isinstance(output, Mark | EndMark) else output
        for output in effects.outputs
    ]
    return outputs, [letter.reason for letter in effects.dead_letters], once(partition.counts)


def once(counts: Counts) -> Counts:
    """Without what came twice."""
    return replace(counts, repeated=0)


def position(prepared: Prepared, records: list[FakeRecord]) -> Resume:
    own = OwnRecords(prepared.manifest, PreparedEvents(prepared), "t")
    return own.position(reversed(records)) if own.has_start(records) else Resume()


@pytest.mark.parametrize("seed", range(60))
def test_two_producers_at_once_count_every_event_once(seed: int, prepared: Prepared) -> None:
    """The second one finds the log as it is when it starts; then both go on, batch by batch in any order."""
    chance = random.Random(seed)
    first = sent(prepared, Resume(), chance.choice([7, 50, 300]))
    found = chance.choice([0, chance.randrange(len(first))])
    second = sent(prepared, position(prepared, first[:found]), chance.choice([7, 50, 300]))
    log, rest = first[:found], [first[found:], second]
    while any(rest):
        which = rest[chance.random() < 0.5]
        taken = chance.randrange(1, 40)
        log += which[:taken]
        del which[:taken]
    outputs, letters, counts = operate(log)
    assert letters == []
    assert counts == Counts(EVENTS)
    assert outputs == operate(first)[0]


@pytest.mark.parametrize("seed", range(60))
def test_records_in_flight_at_a_producer_s_kill_are_no_strangers(seed: int, prepared: Prepared) -> None:
    """They arrive after the next producer has looked where the log ends, before or after its first records."""
    chance = random.Random(seed)
    log: list[FakeRecord] = []
    under_way: list[FakeRecord] = []
    for _ in range(chance.randrange(1, 4)):
        records = sent(prepared, position(prepared, log), 20)
        late = chance.randrange(0, 25)  # of the new producer's records, how many come before the old one's last
        records = [*records[:late], *under_way, *records[late:]]
        arrived = chance.randint(min(late + len(under_way), len(records)), len(records))
        log += records[:arrived]
        under_way = records[arrived : arrived + chance.randrange(0, 25)]
        if any(record.key is None and b'"end"' in record.value for record in log):
            break
    log += under_way
    log += sent(prepared, position(prepared, log), 20)
    outputs, letters, counts = operate(log)
    assert letters == []
    assert counts == Counts(EVENTS)
    assert outputs == operate(sent(prepared, Resume(), 300))[0]
