"""The running statistics of a run: every output of the log changes them in O(1), nobody scans users. Pure.

Integer sums are exact and order-free; the classic moments are Welford's, merged by Chan's formula. A session carries
its user's totals after it; the totals before it follow by subtraction, so the user's old row leaves as the new one
enters.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from livelift.assignment import bucket_of
from livelift.output_log import ClosedSession, Totals, UserDay
from livelift.study import Study
from livelift.tick_sums import Moments
from stats import moments
from stats.metric_rows import MetricRow, metric_rows


def before_session(session: ClosedSession) -> Totals:
    """The user's totals before an in-period session closed."""
    after = session.totals
    return Totals(
        after.sessions - 1,
        tuple(total - value for total, value in zip(after.sums, session.measures, strict=True)),
        tuple(total - value * value for total, value in zip(after.squares, session.measures, strict=True)),
        after.eligible,
        after.returned,
        after.pre_sessions,
        after.pre_sums,
    )


def before_day(day: UserDay) -> Totals:
    """The user's totals before the day was resolved."""
    after = day.totals
    return Totals(
        after.sessions,
        after.sums,
        after.squares,
        after.eligible - 1,
        after.returned - day.returned,
        after.pre_sessions,
        after.pre_sums,
    )


PARTS = 16
"""Equal parts in which totals are handed out: squares in millionths over some millions of users leave an int64."""


@dataclass(slots=True)
class Changed:
    """What was touched since the last commit, so that only that is written."""

    rows: set[tuple[str, int, int]] = field(default_factory=set)  # (metric, variant, bucket)
    users: dict[str, tuple[int, Totals]] = field(default_factory=dict)  # user → (variant, totals)

    def clear(self) -> None:
        self.rows.clear()
        self.users.clear()


class Aggregate:
    """Sums, moments and counters over closed sessions and resolved user-days. Index 0 is control, 1 treatment.

    Attributes
    ----------
    users
        Metric → variant → bucket → [n, Σy, Σy², Σx, Σx², Σxy] over included users. Lists: adding six numbers to a row of an
        array costs ten times as much.
    totals
        Metric → per variant the sums over all buckets of `users`: a preview needs no more.
    ratios
        Metric → per variant [n, ΣS, ΣN, ΣS², ΣN², ΣSN] over included users, exact.
    classic
        Metric → per variant moments in shown units.
    """

    def __init__(self, study: Study, measures: tuple[str, ...]) -> None:
        self._minimum = study.experiment.minimum_sessions
        self._salt = study.experiment.salt
        self._buckets = study.statistics.buckets
        self._plays = measures.index("plays") if "plays" in measures else -1
        self._bucket_of: dict[str, int] = {}
        self.metrics: list[MetricRow] = metric_rows(study, measures)
        self.users: dict[str, list[list[list[int]]]] = {
            m.name: [[[0] * 6 for _ in range(self._buckets)] for _ in range(2)] for m in self.metrics
        }
        self.totals: dict[str, list[list[int]]] = {m.name: [[0] * 6, [0] * 6] for m in self.metrics}
        self.ratios: dict[str, list[list[int]]] = {m.name: [[0] * 6, [0] * 6] for m in self.metrics if m.has_ratio}
        self.classic: dict[str, list[Moments]] = {m.name: [Moments(), Moments()] for m in self.metrics}
        self.sessions_all = 0
        self.sessions_in_period = 0
        self.sessions_one_event = 0
        self.exposed = [0, 0]
        self.included = [0, 0]
        self.sessions = [0, 0]
        self.plays = [0, 0]
        self.changed = Changed()
        self._tables = {m.name: np.zeros((2, self._buckets, 6), dtype=np.int64) for m in self.metrics}
        self._stale: set[tuple[str, int, int]] = set()  # rows newer than in the tables

    def user_sums(self) -> dict[str, NDArray[np.int64]]:
        """`users` as arrays: metric → int64 (2, buckets, 6). The arrays change with the next call.

        Takes a moment for every row that changed since the last call; `total_sums` does not.
        """
        for name, variant, bucket in self._stale:
            self._tables[name][variant, bucket] = self.users[name][variant][bucket]
        self._stale.clear()
        return dict(self._tables)

    def total_sums(self) -> dict[str, NDArray[np.int64]]:
        """`totals` as arrays: metric → int64 (2, PARTS, 6), as if in few buckets. The same cost for any number of users."""
        found = {}
        for name, rows in self.totals.items():
            parts = [[divmod(value, PARTS) for value in row] for row in rows]
            table = np.array([[[part for part, _ in row]] * PARTS for row in parts], dtype=np.int64)
            table[:, 0] += np.array([[rest for _, rest in row] for row in parts], dtype=np.int64)
            found[name] = table
        return found

    def load_users(self, name: str, variant: int, bucket: int, row: list[int]) -> None:
        """Put a stored row in its place."""
        before, total = self.users[name][variant][bucket], self.totals[name][variant]
        for column in range(6):
            total[column] += row[column] - before[column]
        self.users[name][variant][bucket] = row
        self._stale.add((name, variant, bucket))

    def apply(self, output: ClosedSession | UserDay) -> None:
        """Take the next output of a partition's log."""
        if isinstance(output, UserDay):
            self._day(output)
        else:
            self._session(output)

    def _session(self, session: ClosedSession) -> None:
        self.sessions_all += 1
        variant = session.variant
        if session.first_exposed_at is not None:
            self.exposed[variant] += 1
        if not session.in_period:
            return
        after = session.totals
        self.changed.users[session.user] = (variant, after)
        self.sessions_in_period += 1
        one_play = self._plays >= 0 and session.measures[self._plays] == 1
        self.sessions_one_event += one_play
        if after.sessions < self._minimum:
            return
        joins = after.sessions == self._minimum
        self.included[variant] += joins
        self.sessions[variant] += after.sessions if joins else 1
        if self._plays >= 0:
            self.plays[variant] += after.sums[self._plays] if joins else session.measures[self._plays]
        before = None if joins else before_session(session)
        for metric in self.metrics:
            if metric.per_session:
                self._add_sessions(metric, variant, session, joins)
            self._replace(metric, session.user, variant, before, after)

    def _day(self, day: UserDay) -> None:
        self.changed.users[day.user] = (day.variant, day.totals)
        if day.totals.sessions < self._minimum:
            return
        before = before_day(day)
        for metric in self.metrics:
            if metric.fraction(before) != metric.fraction(day.totals):
                self._replace(metric, day.user, day.variant, before, day.totals)

    def _add_sessions(self, metric: MetricRow, variant: int, session: ClosedSession, joins: bool) -> None:
        """Classic moments over sessions: all of a user's at once when the user joins, then one by one."""
        classic = self.classic[metric.name]
        i = metric.measure
        if joins:
            totals = session.totals
            block = moments.from_sums(totals.sessions, totals.sums[i], totals.squares[i], metric.divide_by)
            classic[variant] = moments.merge(classic[variant], block)
        else:
            classic[variant] = moments.add(classic[variant], session.measures[i] / metric.divide_by)

    def _replace(self, metric: MetricRow, user: str, variant: int, before: Totals | None, after: Totals) -> None:
        """Exchange the user's old row (None: not included before) for the new one."""
        old = metric.fraction(before) if before is not None else (0, 0)
        new = metric.fraction(after)
        bucket = self._bucket_of.get(user)
        if bucket is None:
            bucket = self._bucket_of[user] = bucket_of(user, self._salt, self._buckets)
        s0, n0 = old if old[1] else (0, 0)
        s1, n1 = new if new[1] else (0, 0)
        y0, y1 = metric.integer(s0, n0) if n0 else 0, metric.integer(s1, n1) if n1 else 0
        x = metric.covariate(after)
        users = (n1 > 0) - (n0 > 0)
        change = (users, y1 - y0, y1 * y1 - y0 * y0, users * x, users * x * x, x * (y1 - y0))
        _add(self.users[metric.name][variant][bucket], *change)
        _add(self.totals[metric.name][variant], *change)
        if metric.has_ratio:
            ratio = self.ratios[metric.name][variant]
            _add(ratio, users, s1 - s0, n1 - n0, s1 * s1 - s0 * s0, n1 * n1 - n0 * n0, s1 * n1 - s0 * n0)
        self.changed.rows.add((metric.name, variant, bucket))
        self._stale.add((metric.name, variant, bucket))
        if metric.counts:
            n, y, yy, *_ = self.totals[metric.name][variant]
            self.classic[metric.name][variant] = moments.from_sums(n, y, yy, metric.divide_by)
        elif not metric.per_session:
            self.classic[metric.name][variant] = _exchange(self.classic[metric.name][variant], old, new)


def _add(row: list[int], a: int, b: int, c: int, d: int, e: int, f: int) -> None:
    row[0] += a
    row[1] += b
    row[2] += c
    row[3] += d
    row[4] += e
    row[5] += f


def _exchange(sample: Moments, old: tuple[int, int], new: tuple[int, int]) -> Moments:
    """Welford moments over users with one user's value changed; a denominator of 0 is no value."""
    if old[1] and new[1]:
        return moments.replace(sample, old[0] / old[1], new[0] / new[1])
    if new[1]:
        return moments.add(sample, new[0] / new[1])
    return sample
