"""Foreign or malformed records on the events topic are rejected with a reason and affect nobody else's events."""

import msgspec
import pytest

from livelift.event_time import DAY, MINUTE
from livelift.events import End, Progress, Start, encode_control
from livelift.output_log import Counts, EndMark, Mark, Output
from livelift.refusals import REFUSALS
from livelift.sessions import session_measures
from livelift.study import Study
from processor.partition import Partition
from processor.windows import new_partition
from tests.support.odd_records import MAKERS, Place, odd_record, put_in
from tests.support.small_study import START, small_study
from tests.support.streams import FakeRecord, Listen, event_value, manifest, partition_records

STUDY = small_study()
PATIENT = msgspec.structs.replace(STUDY, windows=msgspec.structs.replace(STUDY.windows, allowed_lateness_seconds=3_600))
MEASURES = session_measures(STUDY)
PLAYS = [Listen(START + minute * MINUTE, "w") for minute in (0, 1, 2, 3, 50)]


def without_counts(outputs: list[Output]) -> list[object]:
    return [o.due if isinstance(o, Mark | EndMark) else o for o in outputs]


def operate(records: list[FakeRecord], study: Study = STUDY) -> tuple[Partition, list[Output], list[tuple[str, int]]]:
    """The partition after `records`, its outputs, (reason, offset) of its dead letters."""
    partition = new_partition(study, MEASURES)
    effects = partition.apply(records)
    return partition, effects.outputs, [(letter.reason, letter.offset) for letter in effects.dead_letters]


@pytest.mark.parametrize("index", [2, 3, 5])
@pytest.mark.parametrize("study", [STUDY, PATIENT], ids=["no lateness", "an hour's lateness"])
@pytest.mark.parametrize("name", MAKERS)
def test_an_odd_record_is_one_dead_letter_and_changes_nothing(name: str, study: Study, index: int) -> None:
    (log,) = partition_records(PLAYS)
    mixed, refused = put_in(log, {index: [name]})
    partition, outputs, letters = operate(mixed, study)
    assert letters == refused
    assert partition.counts == Counts(len(PLAYS), 0, {refused[0][0]: 1})
    assert [user.decode() for user in partition.users] == ["w"]  # type: ignore[attr-defined]
    assert without_counts(outputs) == without_counts(operate(log, study)[1])


def test_every_reason_is_met() -> None:
    place = Place(1, START, manifest(PLAYS))
    assert {odd_record(name, place).reason for name in MAKERS} | {"wrong_partition"} == set(REFUSALS)


@pytest.mark.parametrize("name", [name for name in MAKERS if "stranger's start" not in name])
def test_before_the_start_mark_everything_is_refused(name: str) -> None:
    (log,) = partition_records(PLAYS)
    place = Place(-1, START, manifest(PLAYS))
    odd = odd_record(name, place)
    early = [FakeRecord(0, odd.time, odd.key, odd.value)]  # type: ignore[arg-type]
    mixed = early + [FakeRecord(r.offset + 1, r.timestamp, r.key, r.value) for r in log]
    partition, outputs, letters = operate(mixed)
    assert [offset for _, offset in letters] == [0]
    assert partition.accepted == len(PLAYS)
    assert without_counts(outputs) == without_counts(operate(log)[1])


def test_a_record_on_another_partition_than_its_keys_is_refused() -> None:
    (log,) = partition_records(PLAYS)
    about = manifest(PLAYS)
    stray = FakeRecord(2, START, b"elsewhere", event_value(1, "x"))
    mixed = [*log[:2], stray, *(FakeRecord(r.offset + 1, r.timestamp, r.key, r.value) for r in log[2:])]
    partition = new_partition(STUDY, MEASURES, lambda key: key == b"w")
    assert [(letter.reason, letter.row) for letter in partition.apply(mixed).dead_letters] == [("wrong_partition", 1)]
    assert partition.counts == Counts(about.accepted, 0, {"wrong_partition": 1})


def test_a_time_of_no_event_is_the_reason_whoever_the_key_is() -> None:
    (log,) = partition_records(PLAYS)
    stray = FakeRecord(2, 1_795_000_000_000, b"elsewhere", event_value(1, "x"))
    partition = new_partition(STUDY, MEASURES, lambda key: key == b"w")
    assert [letter.reason for letter in partition.apply([*log[:2], stray]).dead_letters] == ["out_of_range"]


def test_unannounced_records_are_refused_even_in_the_manifest() -> None:
    about = manifest(PLAYS)
    start = Start(START, 0, about, row_limit=0, time_limit=START)
    ahead = Progress(START, 0, about, row_limit=2, time_limit=START + MINUTE)
    log = [
        (None, encode_control(start), START),
        (b"w", event_value(0, "x"), START),  # no row was announced yet
        (None, encode_control(ahead), START),
        (b"w", event_value(0, "a"), START),
        (b"stranger", event_value(2, "x"), START),  # a row of this replay, and not its turn
        (b"stranger", event_value(1, "x"), START + 2 * MINUTE),  # a time of this replay, and not its turn
        (b"w", event_value(1, "a"), START + MINUTE),
    ]
    partition, _, letters = operate([FakeRecord(n, time, key, value) for n, (key, value, time) in enumerate(log)])
    assert letters == [("no_such_row", 1), ("no_such_row", 4), ("out_of_range", 5)]
    assert partition.accepted == 2


def test_rows_come_again_only_where_a_producer_has_begun_again() -> None:
    about = manifest(PLAYS)
    (log,) = partition_records(PLAYS)
    again = FakeRecord(0, START, None, encode_control(Start(START, 1, about)))
    first, second, third = log[1:4]
    records = [*log[:4], second, again, second, third, first, *log[4:]]
    _, outputs, letters = operate([FakeRecord(n, r.timestamp, r.key, r.value) for n, r in enumerate(records)])
    assert letters == [("no_such_row", 4), ("no_such_row", 8)]  # before it, and a row below it
    assert without_counts(outputs) == without_counts(operate(log)[1])


def test_a_row_that_comes_again_at_another_time_is_refused() -> None:
    (log,) = partition_records(PLAYS)
    again = FakeRecord(2, START, None, encode_control(Start(START, 0, manifest(PLAYS))))
    forged = FakeRecord(3, START + MINUTE, b"w", log[1].value)
    assert operate([*log[:2], again, forged])[2] == [("no_such_row", 3)]


def test_a_late_stranger_does_not_take_anybodys_row() -> None:
    (log,) = partition_records(PLAYS)
    stranger = FakeRecord(3, START - MINUTE, b"x", event_value(10**6, "x"))
    mixed = [*log[:3], stranger, *(FakeRecord(r.offset + 1, r.timestamp, r.key, r.value) for r in log[3:])]
    partition, _, letters = operate(mixed)
    assert letters == [("no_such_row", 3)]
    assert partition.accepted == len(PLAYS)


def test_a_late_stranger_of_a_coming_row_takes_it_from_nobody() -> None:
    """Its row is one that is still to come: rows rise with time, so it is not the producer's."""
    (log,) = partition_records(PLAYS)
    stranger = FakeRecord(3, START - 10 * DAY, b"x", event_value(3, "x"))
    mixed = [*log[:3], stranger, *(FakeRecord(r.offset + 1, r.timestamp, r.key, r.value) for r in log[3:])]
    partition, outputs, letters = operate(mixed)
    assert letters == [("late", 3)]
    assert partition.counts == Counts(len(PLAYS), late=1)
    assert without_counts(outputs) == without_counts(operate(log)[1])


def test_what_a_copied_start_mark_lets_pass_is_counted() -> None:
    """Whoever reads the topic can write its start mark again; what seems to be sent twice then is counted at least."""
    (log,) = partition_records(PLAYS)
    strangers = [FakeRecord(0, START + n * MINUTE, b"u", event_value(n, "x")) for n in (0, 1)]
    records = [*log[:4], log[0], *strangers, *log[4:]]
    partition, outputs, letters = operate([FakeRecord(n, r.timestamp, r.key, r.value) for n, r in enumerate(records)])
    assert letters == [] and partition.counts == Counts(len(PLAYS), repeated=2)
    assert without_counts(outputs) == without_counts(operate(log)[1])


def test_after_the_end_nothing_is_applied_any_more() -> None:
    """Nor a row that never came: somebody may have cut the log before its end mark."""
    (log,) = partition_records(PLAYS)
    whole = manifest(PLAYS)
    longer = msgspec.structs.replace(whole, rows=9, accepted=9)
    log[0] = FakeRecord(0, START, None, encode_control(Start(START, 0, longer)))
    log[-1] = FakeRecord(len(log) - 1, whole.last, None, encode_control(End(whole.last, 9, longer)))
    strangers = [
        FakeRecord(len(log), START + 50 * MINUTE, b"w", event_value(9, "x")),
        FakeRecord(len(log) + 1, START, None, b"hello"),
        FakeRecord(len(log) + 2, log[-1].timestamp, None, log[-1].value),  # a second producer's end mark
        FakeRecord(len(log) + 3, START + 50 * MINUTE, b"w", event_value(len(PLAYS) + 2, "x")),
    ]
    partition, outputs, letters = operate([*log, *strangers])
    assert letters == [("no_such_row", len(log)), ("undecodable", len(log) + 1), ("late", len(log) + 3)]
    assert partition.accepted == len(PLAYS)
    assert without_counts(outputs) == without_counts(operate(log)[1])
    assert partition.ended
