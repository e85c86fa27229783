"""The whole pipeline in one process without servers: prepared events, the operator of each partition, ticks, engine.

Records are encoded and decoded between the stages, as on Kafka.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from livelift import output_log
from livelift.document import Document, HistoryEntry, history_entry
from livelift.events import Control, End, Progress, Start, encode_control
from livelift.output_log import ClosedSession, Output
from livelift.sessions import session_measures
from livelift.study import Study
from livelift.table_plan import Shown
from livelift.table_rows import rows_of
from livelift.tick_sums import TickSums
from processor.partition import Partition
from processor.windows import new_partition
from producer.prepare import prepare
from producer.sources import Selection
from stats.decision import engine
from stats.edges.document import make_document
from stats.sums.run_state import RunState
from tests.support.streams import FakeRecord, partition_of


@dataclass
class PureRun:
    """What a run leaves: the document at the end, the history of its ticks, its closed sessions, and the study's tables as of the end and
    the ticks that were asked for."""

    document: Document
    history: list[HistoryEntry]
    sessions: list[ClosedSession]
    tables: list[tuple[TickSums, dict[str, list[dict[str, Shown]]]]]


def run_pure(
    data: Path,
    cache: Path,
    study: Study,
    *,
    partitions: int = 1,
    progress_every: int = 1_000,
    select_from: int | None = None,
    select_to: int | None = None,
    seed: int = 0,
    tables_each: int = 0,
) -> PureRun:
    """Replay `data`; `seed` chooses how batches are cut and in which order stats meets the partitions. Tables are as of each so many
    ticks, the first one included, and of the end; 0: of the end only."""
    chance = random.Random(seed)
    measures = session_measures(study)
    logs = _event_logs(data, cache, study, partitions, progress_every, Selection(select_from, select_to))
    outputs = [_operate(new_partition(study, measures), log, chance) for log in logs]
    state = RunState(study, measures.names, partitions)
    kept = engine.initial(study)
    history: list[HistoryEntry] = []
    tables: list[tuple[TickSums, dict[str, list[dict[str, Shown]]]]] = []
    positions, ticks = [0] * partitions, 0
    while not state.ended:
        p = chance.choice([p for p in range(partitions) if positions[p] < len(outputs[p])])
        some = outputs[p][positions[p] : positions[p] + chance.randrange(1, 200)]
        state.offer(p, list(enumerate(some, positions[p])))
        positions[p] += len(some)
        while (sums := state.step()) is not None:
            if sums.ended or (tables_each and ticks % tables_each == 0):
                tables.append((sums, shown_tables(state)))
            ticks += 1
            if sums.time > study.experiment.start_ms or sums.ended:
                kept, verdict = engine.step(kept, sums, study)
                kept = engine.from_bytes(engine.to_bytes(kept))
                document = make_document(study, "pure", sums, verdict)
                history.append(history_entry(document))
    sessions = [output for log in outputs for output in log if isinstance(output, ClosedSession)]
    return PureRun(document, history, sorted(sessions, key=lambda session: (session.end, session.user)), tables)


def run_state(
    data: Path,
    cache: Path,
    study: Study,
    *,
    partitions: int = 1,
    seed: int = 0,
    at_ticks: Callable[[RunState], None] = lambda _: None,
) -> RunState:
    """What stats has of `data` at the end, without a verdict; `at_ticks` is called after each tick."""
    chance, measures = random.Random(seed), session_measures(study)
    logs = _event_logs(data, cache, study, partitions, 1_000, Selection(None, None))
    state = RunState(study, measures.names, partitions)
    for partition, log in enumerate(logs):
        state.offer(partition, list(enumerate(_operate(new_partition(study, measures), log, chance))))
    while state.step() is not None:
        at_ticks(state)
    return state


def shown_tables(state: RunState) -> dict[str, list[dict[str, Shown]]]:
    """The tables as a person reads them."""
    tables = state.tables
    groups = {name: {key.encode(): group for key, group in rows.items()} for name, rows in tables.groups.items()}
    return rows_of(state.study, state.study.all_tables, groups, state.tick)


def _event_logs(
    data: Path, cache: Path, study: Study, partitions: int, progress_every: int, selection: Selection
) -> list[list[FakeRecord]]:
    prepared = prepare(study, data, cache, selection)
    manifest = prepared.manifest
    logs: list[list[FakeRecord]] = [[] for _ in range(partitions)]

    def to_all(mark: Control) -> None:
        for log in logs:
            log.append(FakeRecord(len(log), manifest.last, None, encode_control(mark)))

    to_all(Start(manifest.first, 0, manifest))
    table = pq.read_table(prepared.events)
    columns = (table[name].to_pylist() for name in ("row", "time", "user", "value"))
    for row, time, user, value in zip(*columns, strict=True):
        log = logs[partition_of(user, partitions)]
        log.append(FakeRecord(len(log), time, user.encode(), value))
        if row % progress_every == progress_every - 1:
            to_all(Progress(time, row + 1, manifest))
    to_all(End(manifest.last, manifest.accepted, manifest))
    return logs


def _operate(partition: Partition, records: list[FakeRecord], chance: random.Random) -> list[Output]:
    outputs = []
    start = 0
    while start < len(records):
        end = start + chance.randrange(1, 2_000)
        outputs += [output_log.decode(output_log.encode(o)) for o in partition.apply(records[start:end]).outputs]
        start = end
    return outputs
