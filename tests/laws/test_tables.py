"""Laws of the tables of a study: however records are cut and wherever a worker dies, a midnight tells the same changes; they
are those of the events; stream and batch oracle agree at every tick."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.oracle import Oracle
from livelift.event_time import DAY
from livelift.output_log import END_DUE, GroupChange, Identity, Output
from livelift.sessions import session_measures
from livelift.study import load_study
from livelift.table_plan import decode_key
from processor.changelog import KeyValue, StateWriter, UserForm
from processor.recovery import StateReader
from processor.states import StatesInMemory
from processor.windows import new_partition
from stats.sums.run_state import RunState
from tests.studies.viewings import make
from tests.support.pure_pipeline import run_pure, shown_tables
from tests.support.small_study import TABLED
from tests.support.strategies import listens
from tests.support.streams import FakeRecord, Listen, partition_records

STUDIES = TABLED

each_study = pytest.mark.parametrize("name", STUDIES)


def outputs_of(name: str, records: list[FakeRecord]) -> list[Output]:
    return new_partition(STUDIES[name], session_measures(STUDIES[name])).apply(records).outputs


@each_study
@given(plays=listens(), data=st.data())
def test_a_crash_while_writing_changes_no_output(name: str, plays: list[Listen], data: st.DataObject) -> None:
    """Of the last outputs, or of the last checkpoint, only the first records were written."""
    (records,) = partition_records(plays, progress_every=data.draw(st.sampled_from([0, 1, 3])))
    study, measures = STUDIES[name], session_measures(STUDIES[name])
    partition = new_partition(study, measures)
    changelog: list[KeyValue] = []
    log: list[Output] = []
    crashes = data.draw(st.integers(0, 4))
    start = 0
    while start < len(records):
        end = start + data.draw(st.integers(1, 12))
        outputs = partition.apply(records[start:end]).outputs
        crash = data.draw(st.sampled_from(["", "outputs", "state"])) if crashes else ""
        if crash == "outputs":
            log += outputs[: data.draw(st.integers(0, len(outputs)))]
        else:
            log += outputs
            start = end
            if crash or data.draw(st.booleans()):
                writer = StateWriter(UserForm(measures), b"writer%02d" % crashes, {})
                written = list(writer.records(partition, partition.take_touched()))
                changelog += written[: data.draw(st.integers(0, len(written)))] if crash else written
        if crash:
            crashes -= 1
            reader = StateReader(StatesInMemory())
            for key, value in changelog:
                reader.add(key, value)
            partition = reader.partition(study, measures)
            start = partition.as_of + 1
    told: dict[Identity, Output] = {}
    for output in log:
        told.setdefault(output.identity, output)  # what comes again is passed over: the first counts
    assert list(told.values()) == outputs_of(name, records)
    assert tables_of(name, log, data) == tables_of(name, outputs_of(name, records), data)


def tables_of(name: str, log: list[Output], data: st.DataObject) -> object:
    """The tables after an output log, which stats is given in random pieces; it may have written the midnight's changes in part
    before the worker died, and begin with them again."""
    study = STUDIES[name]
    state = RunState(study, session_measures(study).names, 1)
    offset = 0
    while offset < len(log):
        some = data.draw(st.integers(1, 20))
        state.offer(0, list(enumerate(log[offset : offset + some], offset)))
        offset += some
        while state.step() is not None:
            pass
    assert state.ended
    return shown_tables(state)


@each_study
@given(plays=listens())
def test_the_changes_add_up_to_the_events(name: str, plays: list[Listen]) -> None:
    """Counted by hand, at every midnight."""
    (records,) = partition_records(plays)
    sums: dict[str, list[int]] = {}
    midnights = sorted({output.due for output in outputs_of(name, records) if isinstance(output, GroupChange)})
    for due in midnights:
        for output in outputs_of(name, records):
            if isinstance(output, GroupChange) and output.due == due:
                before = sums.get(output.group, [0] * len(output.added))
                sums[output.group] = [a + b for a, b in zip(before, output.added, strict=True)]
        daily: dict[tuple[int, str], list[str]] = defaultdict(list)
        artists: dict[tuple[str, int], list[str]] = defaultdict(list)
        hours: dict[int, int] = defaultdict(int)
        for play in plays:
            if play.time < due or due == END_DUE:
                daily[play.time // DAY * DAY, play.artist.upper()].append(play.user)
                artists[play.artist.upper(), (play.time // DAY + 3) % 7 + 1].append(play.user)
                hours[play.time // 3_600_000 % 24] += 1
        found: dict[str, dict[tuple[Any, ...], list[int]]] = defaultdict(dict)
        for group, integers in sums.items():
            table, _, *keys = key = decode_key(group)
            found[str(table)][tuple(key[1:] if table == "daily" else keys)] = integers
        assert found["daily"] == {key: [len(users), len(set(users))] for key, users in daily.items()}
        assert found["artists"] == {key: [len(set(users)), len(users)] for key, users in artists.items()}
        assert found["hours"] == {(hour,): [count] for hour, count in hours.items()}


@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_tables_equal_the_batch_at_every_tick(partitions: int, tmp_path: Path) -> None:
    """Every row and column, as a person reads them; of several partitions at each fifth tick."""
    study = load_study("tests/studies/viewings")
    data = tmp_path / "input"
    make.main(data)
    each = 1 if partitions == 1 else 5
    run = run_pure(data, tmp_path / "cache", study, partitions=partitions, seed=partitions, tables_each=each)
    with Oracle(data, study) as oracle:
        assert len(run.tables) > 30 / each
        for sums, tables in run.tables:
            assert tables == oracle.tables(None if sums.ended else sums.time)
    assert len(tables["daily"]) > 30
    assert len(tables["weekly"]) > 10
