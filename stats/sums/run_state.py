"""Aligns the output logs of all partitions at a common tick and applies them. Pure.

Everything that is kept or decides is evaluated at ticks: a partition that has reached its mark waits there until all
have reached it (promise P1). Outputs at or below a partition's cursor have been applied before and are passed over
(promise P2.7).
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from livelift.events import Manifest
from livelift.output_log import END, END_DUE, NOTHING, Counts, EndMark, GroupChange, Identity, Mark, Output
from livelift.study import Study
from livelift.tick_sums import ExactSums, InputCounts, TickSums
from stats.sums.aggregate import Aggregate
from stats.sums.table_sums import TableSums

Waiting = deque[tuple[int, Output]]

MARKS = (Mark, EndMark)


@dataclass(slots=True)
class PartitionLog:
    """One partition of the output log.

    Attributes
    ----------
    cursor
        The identity of the last output applied.
    position
        Offset of the next output to apply.
    waiting
        Outputs that were read and not applied yet, with their offsets. Its first is a mark where the partition waits.
    groups
        What comes directly before the next mark: changes of tables, which are applied with it, so that tables are always as of a
        tick. The cursor and position are before them.
    counts, manifest, open_in_period
        As of the last mark applied.
    """

    cursor: Identity = NOTHING
    position: int = 0
    waiting: Waiting = field(default_factory=deque)
    groups: list[tuple[int, GroupChange]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    manifest: Manifest | None = None
    open_in_period: int = 0

    @property
    def ended(self) -> bool:
        return self.cursor[1] == END

    def mark(self) -> Mark | EndMark | None:
        """The mark the partition waits at, if it does."""
        if self.waiting and isinstance(self.waiting[0][1], Mark | EndMark):
            return self.waiting[0][1]
        return None


class RunState:
    """The partitions' logs, and the aggregate and tables over what was applied of them."""

    def __init__(self, study: Study, measures: tuple[str, ...], partitions: int) -> None:
        self.study = study
        self.aggregate = Aggregate(study, measures)
        self.tables = TableSums(study)
        self.logs = [PartitionLog() for _ in range(partitions)]
        self.tick = -1  # time of the last tick in ms

    def offer(self, partition: int, outputs: list[tuple[int, Output]]) -> None:
        """Take outputs of a partition with their offsets, in order, from the consumer; they are applied by `step`."""
        log = self.logs[partition]
        newest = log.waiting or log.groups
        position = newest[-1][0] + 1 if newest else log.position
        if outputs and outputs[0][0] < position:  # read again after a seek
            outputs = [pair for pair in outputs if pair[0] >= position]
        log.waiting.extend(outputs)

    @property
    def ended(self) -> bool:
        """Every partition's end mark was applied."""
        return all(log.ended for log in self.logs)

    def step(self) -> TickSums | None:
        """Apply what can be applied; at a tick, stop there and return its sums. None: more outputs are needed."""
        for log in self.logs:
            self._apply_until_mark(log)
        marks = [log.mark() for log in self.logs if not log.ended]
        if not marks or any(mark is None for mark in marks):
            return None
        time = min(mark.due for mark in marks if mark is not None)
        for log in self.logs:
            mark = log.mark()
            if mark is not None and mark.due == time:
                self._pass_mark(log, mark)
        self.tables.settle(time)
        sums = self.sums(time)
        self.tick = sums.time
        return sums

    def _apply_until_mark(self, log: PartitionLog) -> None:
        waiting, groups, cursor, position = log.waiting, log.groups, log.cursor, log.position
        apply = self.aggregate.apply
        newest = groups[-1][1].identity if groups else cursor
        while waiting:
            offset, output = waiting[0]
            identity = output.identity
            if identity > newest:
                if isinstance(output, MARKS):
                    break
                newest = identity
                if isinstance(output, GroupChange):
                    groups.append((offset, output))
                else:
                    apply(output)
                    cursor = identity
            waiting.popleft()
            if not groups:
                position = offset + 1
        log.cursor, log.position = cursor, position

    def _pass_mark(self, log: PartitionLog, mark: Mark | EndMark) -> None:
        offset, _ = log.waiting.popleft()
        for _, change in log.groups:
            self.tables.apply(change)
        log.groups.clear()
        log.cursor = mark.identity
        log.position = offset + 1
        log.counts = mark.counts
        log.manifest = mark.manifest
        log.open_in_period = mark.open_in_period if isinstance(mark, Mark) else 0

    def totals(self) -> TickSums:
        """The sums now, between ticks, for a preview: few buckets hold everything. No slower with more users."""
        self.aggregate.flush()
        return self._sums(max(self.tick, self.study.experiment.start_ms), self.aggregate.total_sums())

    def sums(self, due: int) -> TickSums:
        """The sums now, as of the tick whose marks are due at `due`."""
        self.aggregate.flush()
        return self._sums(due, self.aggregate.user_sums())

    def _sums(self, due: int, users: dict[str, NDArray[np.int64]]) -> TickSums:
        ended = due == END_DUE
        manifest = next((log.manifest for log in self.logs if log.manifest is not None), None)
        still_open = sum(log.open_in_period for log in self.logs)
        experiment, time = self.study.experiment, due
        complete = time >= experiment.end_ms and (still_open == 0 or time >= experiment.wait_until_ms)
        if ended and manifest is not None:
            complete = manifest.covers_until >= experiment.end_ms
            time = manifest.last
        a = self.aggregate
        counts_events = a.events_measure >= 0
        return TickSums(
            time=time,
            ended=ended,
            period_complete=complete,
            counts=self._input_counts(manifest),
            sessions_all=a.sessions_all,
            sessions_in_period=a.sessions_in_period,
            sessions_one_event=a.sessions_one_event if counts_events and self.study.windows.kind == "gap" else None,
            exposed=(a.exposed[0], a.exposed[1]),
            included=(a.included[0], a.included[1]),
            sessions=(a.sessions[0], a.sessions[1]),
            events=(a.events[0], a.events[1]) if counts_events else None,
            classic={name: (pair[0], pair[1]) for name, pair in a.classic.items()},
            users=users,
            ratios=_exact(a.ratios),
            exposed_sums=_exact(a.exposed_sums),
            users_in_both=a.in_both if experiment.arm_field else None,
            sessions_unfinished=still_open + a.sessions_too_long,
        )

    def _input_counts(self, manifest: Manifest | None) -> InputCounts:
        """The rows accounted for so far: accepted + rejected + duplicates + late. What the processor refused is rejected."""
        accepted = sum(log.counts.accepted for log in self.logs)
        late = sum(log.counts.late for log in self.logs)
        rejected = dict(manifest.rejected) if manifest else {}
        for log in self.logs:
            for reason, number in log.counts.refused.items():
                rejected[reason] = rejected.get(reason, 0) + number
        duplicates = manifest.duplicates if manifest else 0
        rows = accepted + late + duplicates + sum(rejected.values())
        missing = max(0, manifest.accepted - accepted - late) if manifest and self.ended else 0
        repeated = sum(log.counts.repeated for log in self.logs)
        wanted = manifest.rows if manifest else None
        return InputCounts(rows, accepted, rejected, duplicates, late, wanted, missing, repeated)


def _exact(sums: dict[str, list[list[int]]]) -> dict[str, tuple[ExactSums, ExactSums]]:
    """A copy that does not change with the next outputs."""
    return {name: (tuple(control), tuple(treatment)) for name, (control, treatment) in sums.items()}
