"""A record of an unknown schema version is refused with words: on the events topic, in the output log, in the changelog."""

import msgspec
import pytest

from livelift import output_log
from livelift.errors import StateError, VersionError
from livelift.events import Manifest, Start, decode_control, encode_control
from livelift.output_log import Counts, Mark
from livelift.sessions import session_measures
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from tests.support.small_study import START, small_study
from tests.support.streams import FakeRecord, Listen, event_value, partition_records

STUDY = small_study()
MANIFEST = Manifest(1, 1, {}, 0, 0, 0)


def test_a_control_mark_of_another_schema_is_refused() -> None:
    with pytest.raises(VersionError, match="schema 9"):
        decode_control(encode_control(Start(0, 0, MANIFEST, v=9)))


def test_an_output_of_another_schema_is_refused() -> None:
    with pytest.raises(VersionError, match="schema 9"):
        output_log.decode(output_log.encode(Mark(9, 0, Counts(), 0, None)))
    first_schema = msgspec.msgpack.encode(["mark", 1, 0, [3, 0, 1], False, None])  # it counted in another form
    with pytest.raises(VersionError, match="schema 1"):
        output_log.decode(first_schema)


def test_counts_of_an_earlier_version_are_refused() -> None:
    with pytest.raises(VersionError, match="earlier version"):
        Counts(*[3, 0, 1])  # as the JSON in Redis had them


def test_a_record_of_state_of_another_schema_is_refused() -> None:
    with pytest.raises(VersionError, match="schema 9"):
        StateReader(StatesInMemory()).add(b"12345678user", msgspec.msgpack.encode([9, 5]))


@pytest.mark.parametrize("key", [None, b"", b"short"])
def test_a_record_of_state_without_a_token_is_refused(key: bytes | None) -> None:
    with pytest.raises(ValueError, match="writer's token"):
        StateReader(StatesInMemory()).add(key, b"hello")


def test_events_missing_between_state_and_log_are_an_error() -> None:
    (records,) = partition_records([Listen(START + i * 60_000, "a") for i in range(10)])
    partition = new_partition(STUDY, session_measures(STUDY))
    partition.apply(records[:4])
    with pytest.raises(StateError, match="between offset 3 and 6"):
        partition.apply(records[6:])


def test_late_unreadable_and_repeated_events_are_counted_apart() -> None:
    listens = [Listen(START, "a"), Listen(START + 60_000, "b"), Listen(START + 120_000, "b")]
    (records,) = partition_records(listens)
    start, first, second, _, end = records
    log = [
        start,
        first,
        second,
        FakeRecord(3, START, None, encode_control(Start(START, 1, decode_control(start.value).manifest))),
        FakeRecord(4, START + 60_000, b"b", second.value),  # the same row again: sent twice
        FakeRecord(5, START + 60_000, b"b", b"not json"),
        FakeRecord(6, START, b"a", b'{"v":1,"row":2,"artist_id":"x","artist":"X"}'),  # before the watermark
        FakeRecord(7, end.timestamp, None, end.value),
    ]
    partition = new_partition(STUDY, session_measures(STUDY))
    effects = partition.apply(log)
    assert partition.counts == Counts(accepted=2, late=1, refused={"undecodable": 1}, repeated=1)
    assert [(letter.reason, letter.row, letter.offset) for letter in effects.dead_letters] == [
        ("undecodable", -1, 5),
        ("late", 2, 6),
    ]


def test_with_allowed_lateness_events_apply_in_time_order() -> None:
    """Events wait as long as an earlier one may come."""
    patient = msgspec.structs.replace(
        STUDY, windows=msgspec.structs.replace(STUDY.windows, allowed_lateness_seconds=600)
    )
    times = [START, START + 300_000, START + 120_000, START + 900_000, START + 2 * 86_400_000]
    (in_order,) = partition_records([Listen(time, "a", str(time)) for time in times])
    mixed = [in_order[0]]
    for row, time in enumerate(times):
        mixed.append(FakeRecord(row + 1, time, b"a", event_value(row, str(time))))
    mixed.append(FakeRecord(len(mixed), in_order[-1].timestamp, None, in_order[-1].value))
    measures = session_measures(patient)
    late = new_partition(patient, measures).apply(mixed).outputs
    plain = new_partition(STUDY, session_measures(STUDY)).apply(in_order).outputs

    def closed(outputs: list[output_log.Output]) -> list[tuple[object, ...]]:
        return [(o.start, o.end, o.measures) for o in outputs if isinstance(o, output_log.ClosedSession)]

    assert closed(late) == closed(plain)
    assert len(closed(late)) == 2
