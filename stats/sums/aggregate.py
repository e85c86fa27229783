"""Running statistics of a run, updated by each output in O(1) without scanning users. Pure.

An output is counted at once; what it means for its user waits until `flush`, before anybody looks. A user with many
outputs in between is then summed once: the old row leaves the sums as the new one enters. The first output carries the
user's totals after it; those before it follow by subtraction.

Integer sums are exact and order-free; the classic moments are Welford's, merged by Chan's formula.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import sub

import numpy as np
from numpy.typing import NDArray

from livelift.assignment import bucket_of
from livelift.errors import StateError
from livelift.measures import events_measure
from livelift.output_log import ClosedSession, Row, UserTotals
from livelift.study import Study
from livelift.tick_sums import Moments
from livelift.totals import SESSIONS as SESSIONS_TOTAL
from livelift.totals import total_columns
from stats.sums import moments
from stats.sums.metric_rows import ONE, SESSIONS, MetricRow, exposed_rows, metric_rows
from stats.sums.user_changes import Columns, Values, exact_sums, ratios_change, sums_change, values

PART_BITS = 62
"""Totals are handed out in as many parts as it takes for each to stay below 2^62: squares in millionths over some
millions of users leave an int64."""


REMEMBERED = 1 << 16
"""Users whose covariates are kept: they are asked for at every commit."""


@dataclass(slots=True)
class Changed:
    """What was touched since the last commit, so that only that is written."""

    rows: set[tuple[int, int]] = field(default_factory=set)  # (variant, bucket)
    users: dict[str, tuple[int, Row]] = field(default_factory=dict)  # user → (variant, totals)

    def clear(self) -> None:
        self.rows.clear()
        self.users.clear()


@dataclass(slots=True)
class Pending:
    """A user with outputs that the sums don't hold yet: counts as the sums hold them, and totals now.

    `was_exposed` and `is_exposed` say whether an output has told of an event of the period, before and now.
    """

    variant: int
    before: Row
    after: Row
    was_exposed: bool
    is_exposed: bool


class Aggregate:
    """Sums, moments and counters over closed sessions and users' totals. Index 0 is control, 1 treatment.

    All but the counters are as of the last `flush`.

    Attributes
    ----------
    rows
        (metrics, 2, buckets, 6): [n, Σy, Σy², Σx, Σx², Σxy] over included users.
    totals
        Metric → per variant the sums over all buckets of `rows`, without bound: a preview needs no more.
    ratios
        Metric → per variant [n, ΣS, ΣN, ΣS², ΣN², ΣSN] over included users, exact.
    exposed_sums
        Metric → per variant [n, Σy, Σy², Σx, Σx², Σxy] over all exposed users, exact.
    classic
        Metric → per variant moments in shown units.
    """

    def __init__(self, study: Study, measures: tuple[str, ...]) -> None:
        self._minimum = study.experiment.minimum_sessions
        self._start, self._end = study.experiment.start_ms, study.experiment.end_ms
        self._salt = study.experiment.salt
        self._buckets = study.statistics.buckets
        events = events_measure(study.measures)
        self.events_measure = -1 if events is None else measures.index(events)
        self._bucket_of: dict[str, int] = {}
        self._x_of: dict[str, tuple[int, ...]] = {}
        self.metrics: list[MetricRow] = metric_rows(study, measures)
        self._per_session = [metric for metric in self.metrics if metric.per_session]
        self.exposed_metrics: list[MetricRow] = exposed_rows(study, measures)
        self._form = total_columns(study, measures)
        exposed = 1 + self._form.readable  # one more column: is the user exposed?
        flagged = [replace(row, denominator=exposed) if row.denominator == ONE else row for row in self.exposed_metrics]
        self._every = [*self.metrics, *flagged]
        self._columns = Columns.of(self._every)
        self._squares = {m.name: self._form.place(f"square.{measures[m.measure]}") for m in self._per_session}
        self.rows: NDArray[np.int64] = np.zeros((len(self.metrics), 2, self._buckets, 6), dtype=np.int64)
        self.totals: dict[str, list[list[int]]] = {m.name: [[0] * 6, [0] * 6] for m in self.metrics}
        self.ratios: dict[str, list[list[int]]] = {m.name: [[0] * 6, [0] * 6] for m in self.metrics if m.has_ratio}
        self.exposed_sums: dict[str, list[list[int]]] = {m.name: [[0] * 6, [0] * 6] for m in self.exposed_metrics}
        self.classic: dict[str, list[Moments]] = {m.name: [Moments(), Moments()] for m in self.metrics}
        self.sessions_all = 0
        self.sessions_in_period = 0
        self.sessions_one_event = 0
        self.sessions_too_long = 0  # began in the period, and were due after the wait for them
        self.in_both = 0  # exposed users whose events named both arms
        self.exposed = [0, 0]
        self.included = [0, 0]
        self.sessions = [0, 0]
        self.events = [0, 0]
        self.changed = Changed()
        self._pending: dict[str, Pending] = {}
        self._sessions: tuple[list[Row], list[Row]] = ([], [])  # per variant, the measures

    def user_sums(self) -> dict[str, NDArray[np.int64]]:
        """Metric → int64 (2, buckets, 6), columns as in `rows`. The arrays change with the next `flush`."""
        return {metric.name: self.rows[number] for number, metric in enumerate(self.metrics)}

    def total_sums(self) -> dict[str, NDArray[np.int64]]:
        """`totals` as arrays: metric → int64 (2, parts, 6), as if in few buckets. The same cost for any number of users."""
        return {name: _in_parts(rows) for name, rows in self.totals.items()}

    def packed_rows(self) -> Iterator[tuple[int, int, bytes]]:
        """(variant, bucket, its sums of all metrics as little-endian int64) of the changed rows."""
        if self.changed.rows:
            variants, buckets = (list(part) for part in zip(*self.changed.rows, strict=True))
            rows = np.ascontiguousarray(self.rows[:, variants, buckets].swapaxes(0, 1), dtype="<i8")
            for variant, bucket, row in zip(variants, buckets, rows, strict=True):
                yield variant, bucket, row.tobytes()

    def load_row(self, variant: int, bucket: int, packed: bytes) -> None:
        """Put back what `packed_rows` gave."""
        loaded = np.frombuffer(packed, dtype="<i8").reshape(len(self.metrics), 6)
        change = (loaded - self.rows[:, variant, bucket]).tolist()
        for metric, columns in zip(self.metrics, change, strict=True):
            _add(self.totals[metric.name][variant], columns)
        self.rows[:, variant, bucket] = loaded

    def apply(self, output: ClosedSession | UserTotals) -> None:
        """Take the next output of a partition's log."""
        if isinstance(output, ClosedSession):
            self._session(output)
        else:
            self._user(output)

    def _session(self, session: ClosedSession) -> None:
        self.sessions_all += 1
        variant = session.variant
        exposes = session.first_exposed_at is not None
        self.in_both += session.in_both
        if exposes:
            self.exposed[variant] += 1
        if not session.in_period:
            self.sessions_too_long += self._start <= session.start < self._end and variant >= 0
            if exposes:
                self._note_change(session, exposes)
            return
        after, measures = session.totals, session.measures
        pending = self._pending.get(session.user)
        if pending is None or exposes:
            self._note_change(session, exposes)
        else:
            pending.after = after
        self.changed.users[session.user] = (variant, after)
        self.sessions_in_period += 1
        events = self.events_measure
        self.sessions_one_event += events >= 0 and measures[events] == 1
        if after[SESSIONS_TOTAL] < self._minimum:
            return
        if after[SESSIONS_TOTAL] == self._minimum:
            self._join(variant, after)
            return
        self.sessions[variant] += 1
        if events >= 0:
            self.events[variant] += measures[events]
        self._sessions[variant].append(measures)

    def _note_change(self, session: ClosedSession, exposes: bool) -> None:
        """Note a session whose user's sums change."""
        pending = self._pending.get(session.user)
        if pending is None:
            totals = session.totals
            before = self._without(session) if session.in_period else totals
            self._pending[session.user] = Pending(session.variant, before, totals, not exposes, True)
            return
        pending.after = session.totals
        pending.is_exposed = True

    def _join(self, variant: int, totals: Row) -> None:
        """A user is included: all of the user's sessions count from now on."""
        self.included[variant] += 1
        self._add_sessions(variant, totals)

    def _add_sessions(self, variant: int, row: Row) -> None:
        """Count sessions of an included user by their sums, in the columns of the totals."""
        sessions = row[SESSIONS_TOTAL]
        self.sessions[variant] += sessions
        if self.events_measure >= 0:
            self.events[variant] += row[1 + self.events_measure]
        for metric in self._per_session:
            total, squares = row[1 + metric.measure], row[self._squares[metric.name]]
            block = moments.from_sums(sessions, total, squares, metric.divide_by)
            self.classic[metric.name][variant] = moments.merge(self.classic[metric.name][variant], block)

    def _user(self, user: UserTotals) -> None:
        after, variant = user.totals, user.variant
        exposes = user.first_exposed_at is not None
        self.sessions_all += user.windows
        self.in_both += user.in_both
        if not exposes and not any(user.added[: self._form.readable]):
            return  # windows outside the period; the pre-period may still go on, so that no covariate is known yet
        self.changed.users[user.user] = (variant, after)
        pending = self._pending.get(user.user)
        if pending is None:
            before = tuple(map(sub, after, user.added))
            self._pending[user.user] = Pending(variant, before, after, user.exposed and not exposes, user.exposed)
        else:
            pending.after, pending.is_exposed = after, user.exposed
        self.exposed[variant] += exposes
        sessions = user.added[SESSIONS_TOTAL]
        if not sessions:
            return
        self.sessions_in_period += sessions
        if after[SESSIONS_TOTAL] - sessions >= self._minimum:
            self._add_sessions(variant, user.added)
        elif after[SESSIONS_TOTAL] >= self._minimum:
            self._join(variant, after)

    def flush(self) -> None:
        """Let the sums hold everything that was applied.

        Raises
        ------
        StateError
            If a sum can't be kept exactly.
        """
        self._flush_sessions()
        if not self._pending:
            return
        users = self._pending
        readable = self._form.readable
        was = np.array([(1, *user.before[:readable], user.was_exposed) for user in users.values()], dtype=np.int64)
        now = np.array([(1, *user.after[:readable], user.is_exposed) for user in users.values()], dtype=np.int64)
        variants = np.array([user.variant for user in users.values()])
        before, after = values(self._columns, was, self._counted(was)), values(self._columns, now, self._counted(now))
        change = sums_change(before, after, self._covariates())
        for variant in (0, 1):
            sums = exact_sums(change[:, variants == variant])
            for metric, row in zip(self.metrics, sums, strict=False):
                _add(self.totals[metric.name][variant], row)
            for metric, row in zip(self.exposed_metrics, sums[len(self.metrics) :], strict=True):
                _add(self.exposed_sums[metric.name][variant], row)
        joined = now[:, SESSIONS] >= self._minimum
        if joined.any():
            own = np.ix_(np.arange(len(self.metrics)), joined)
            names = [user for user, counts in zip(users, joined, strict=True) if counts]
            self._flush_included(names, variants[joined], before.part(own), after.part(own), change[own])
        self._pending.clear()

    def _covariates(self) -> NDArray[np.int64]:
        """(metrics, users): each pending user's x. A user's never changes: the pre-period is over when the first output comes
        that counts."""
        if len(self._x_of) > REMEMBERED:
            self._x_of.clear()
        known = self._x_of
        rows = []
        for name, user in self._pending.items():
            row = known.get(name)
            if row is None:
                totals = user.after
                row = tuple(0 if m.covariate is None else m.covariate(totals) for m in self._every)
                known[name] = row
            rows.append(row)
        return np.array(rows, dtype=np.int64).T

    def _counted(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(metrics, users): included users for the metrics, everybody for those over all exposed users."""
        counted = np.ones((len(self._every), len(rows)), dtype=np.bool_)
        counted[: len(self.metrics)] = rows[:, SESSIONS] >= self._minimum
        return counted

    def _flush_included(
        self,
        names: list[str],
        variants: NDArray[np.int64],
        before: Values,
        after: Values,
        change: NDArray[np.int64],
    ) -> None:
        """Everything else over included users: the buckets, the ratios, the classic moments."""
        buckets = np.array([self._bucket(user) for user in names])
        self._flush_sums(variants, buckets, change)
        ratios = ratios_change(before, after)
        for variant in (0, 1):
            mine = variants == variant
            for metric, sums in zip(self.metrics, exact_sums(ratios[:, mine]), strict=True):
                if metric.has_ratio:
                    _add(self.ratios[metric.name][variant], sums)
            self._flush_classic(variant, before, after, mine)

    def _flush_sessions(self) -> None:
        """The classic moments over sessions."""
        for variant, sessions in enumerate(self._sessions):
            if sessions:
                table = np.array(sessions, dtype=np.float64)
                for metric in self._per_session:
                    block = moments.of(table[:, metric.measure] / metric.divide_by)
                    self.classic[metric.name][variant] = moments.merge(self.classic[metric.name][variant], block)
                sessions.clear()

    def _flush_sums(self, variants: NDArray[np.int64], buckets: NDArray[np.int64], change: NDArray[np.int64]) -> None:
        places = variants * self._buckets + buckets
        rows = self.rows.reshape(len(self.metrics), -1, 6)
        few = (
            len(places) * int(np.abs(change).max()) < 2**62
        )  # then a sum that leaves an int64 is seen: it turns negative
        for users in [slice(None)] if few else [slice(user, user + 1) for user in range(len(places))]:
            for of_metric, changes in zip(rows, change, strict=True):
                np.add.at(of_metric, places[users], changes[users])
            if rows[:, places[users], 2].min() < 0:
                raise StateError(
                    "the squares of a bucket's users are too large to be summed exactly",
                    "give the study more buckets, or the metric fewer units per raw unit (metrics.NAME.resolution in the study)",
                )
        self.changed.rows.update(zip(variants.tolist(), buckets.tolist(), strict=True))

    def _flush_classic(self, variant: int, before: Values, after: Values, mine: NDArray[np.bool_]) -> None:
        """The classic moments over users, of a variant's users `mine`; a user without a denominator has no value."""
        for number, metric in enumerate(self.metrics):
            classic = self.classic[metric.name]
            if metric.counts:
                n, y, yy, *_ = self.totals[metric.name][variant]
                classic[variant] = moments.from_sums(n, y, yy, metric.divide_by)
            elif not metric.per_session:
                had, has = before.n[number] > 0, after.n[number] > 0
                stay, come = mine & had & has, mine & ~had & has
                old, new = before.shown(number, stay, metric.divide_by), after.shown(number, stay, metric.divide_by)
                block = moments.of(after.shown(number, come, metric.divide_by))
                classic[variant] = moments.merge(moments.replace_many(classic[variant], old, new), block)

    def _without(self, session: ClosedSession) -> Row:
        """The readable columns of the user's totals before an in-period session."""
        totals, measures = session.totals, session.measures
        end = 1 + len(measures)
        return (totals[SESSIONS_TOTAL] - 1, *map(sub, totals[1:end], measures), *totals[end : self._form.readable])

    def _bucket(self, user: str) -> int:
        bucket = self._bucket_of.get(user)
        if bucket is None:
            bucket = self._bucket_of[user] = bucket_of(user, self._salt, self._buckets)
        return bucket


def _in_parts(rows: list[list[int]]) -> NDArray[np.int64]:
    """int64 (2, parts, 6): rows of unbounded integers as parts that add up to them."""
    largest = max(abs(value) for row in rows for value in row)
    parts = (largest >> PART_BITS) + 1
    cut = [[divmod(value, parts) for value in row] for row in rows]
    table = np.array([[[part for part, _ in row]] * parts for row in cut], dtype=np.int64)
    table[:, 0] += np.array([[rest for _, rest in row] for row in cut], dtype=np.int64)
    return table


def _add(row: list[int], change: list[int]) -> None:
    for column, value in enumerate(change):
        row[column] += value
