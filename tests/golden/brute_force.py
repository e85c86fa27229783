"""The definitions of the glossary (docs/glossary.md) as plain loops over plain lists: slow, and easy to check by reading.

Random small inputs compare the batch oracle's SQL with this. Exact fractions, no shortcuts.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from hashlib import sha256
from math import floor, log

from livelift.event_time import DAY, SECOND, from_date, from_iso
from livelift.study import Metric, Study

SKIP = 30 * SECOND

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True)
class Play:
    """`artist` is (is it an id, the id or the name)."""

    time: int
    artist: tuple[bool, str]


@dataclass
class Run:
    """A session: one user's plays without a longer gap; times in ms."""

    user: str
    plays: list[Play]
    study: Study

    @property
    def start(self) -> int:
        return self.plays[0].time

    @property
    def end(self) -> int:
        return self.plays[-1].time

    @property
    def due(self) -> int:
        return self.end + self.study.windows.gap_ms

    @property
    def began_in_period(self) -> bool:
        return self.study.experiment.start_ms <= self.start < self.study.experiment.end_ms

    @property
    def in_period(self) -> bool:
        return self.began_in_period and self.due < self.study.experiment.wait_until_ms

    @property
    def before_period(self) -> bool:
        experiment = self.study.experiment
        return experiment.pre_start_ms <= self.start < experiment.start_ms and self.due < experiment.start_ms

    @property
    def first_in_period(self) -> int | None:
        experiment = self.study.experiment
        return next((p.time for p in self.plays if experiment.start_ms <= p.time < experiment.end_ms), None)

    @property
    def seconds(self) -> int:
        return (self.end - self.start) // SECOND

    @property
    def skips(self) -> int:
        times = [play.time for play in self.plays]
        return sum(after - time < SKIP for time, after in itertools.pairwise(times))

    @property
    def artists(self) -> int:
        return len({play.artist for play in self.plays})

    def measure(self, name: str) -> int:
        return {"seconds": self.seconds, "plays": len(self.plays), "skips": self.skips, "artists": self.artists}[name]


@dataclass
class Stream:
    """What the rows of a file come to."""

    study: Study
    rows: int = 0
    rejected: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    duplicates: int = 0
    plays: dict[str, list[Play]] = field(default_factory=lambda: defaultdict(list))
    covered_to: int = 0  # the end of the selection, if rows lie beyond it

    @property
    def times(self) -> list[int]:
        return [play.time for mine in self.plays.values() for play in mine]

    @property
    def last(self) -> int:
        return max(self.times)

    @property
    def sessions(self) -> list[Run]:
        runs: list[Run] = []
        for user in self.plays:
            before: Play | None = None
            for play in sorted(self.plays[user], key=lambda play: play.time):
                if before is None or play.time - before.time > self.study.windows.gap_ms:
                    runs.append(Run(user, [], self.study))
                runs[-1].plays.append(play)
                before = play
        return sorted(runs, key=lambda run: (run.due, run.user.encode()))

    def resolved_days(self, user: str, watermark: int) -> Iterator[tuple[int, bool]]:
        """(active day, was the user back on the next one) for what the watermark has reached."""
        start, end = self.study.experiment.start_ms, self.study.experiment.end_ms
        days = {play.time // DAY for play in self.plays[user] if start <= play.time < end}
        for day in sorted(days):
            if (day + 1) * DAY < end and (day + 2) * DAY <= watermark:
                yield day, day + 1 in days

    def tick_times(self) -> list[int]:
        """The midnights from the first look to the completion, as far as the events reach."""
        times = []
        for midnight in range(self.study.experiment.start_ms + DAY, self.last + 1, DAY):
            times.append(midnight)
            if self.complete_at(midnight):
                break
        return times

    def complete_at(self, midnight: int) -> bool:
        experiment = self.study.experiment
        if not experiment.end_ms <= midnight < experiment.wait_until_ms:
            return midnight >= experiment.wait_until_ms
        return not any(run.began_in_period and run.due >= midnight for run in self.sessions)

    def unfinished_at(self, midnight: int | None) -> int:
        """Sessions of the period, begun by then, that are not counted at the midnight, or at the end."""
        began = [run for run in self.sessions if run.began_in_period and (midnight is None or run.start < midnight)]
        return sum(not run.in_period or (midnight is not None and run.due >= midnight) for run in began)


def read(data: bytes, study: Study, select_from: int | None = None, select_to: int | None = None) -> Stream:
    """The stream of a file's bytes."""
    stream = Stream(study)
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    seen = set()
    for line in lines:
        stream.rows += 1
        fields = line.removesuffix(b"\r").split(b"\t")
        reason = _reason(fields, study, select_from, select_to)
        if reason is not None:
            stream.rejected[reason] += 1
            if reason == "not_selected" and select_to is not None and from_iso(fields[1].decode()) >= select_to:
                stream.covered_to = select_to
        elif tuple(fields) in seen:
            stream.duplicates += 1
        else:
            seen.add(tuple(fields))
            user, time, artist_id, name, _, _ = (text.decode() for text in fields)
            stream.plays[user].append(Play(from_iso(time), (artist_id != "", artist_id or name)))
    return stream


def _reason(fields: list[bytes], study: Study, select_from: int | None, select_to: int | None) -> str | None:
    try:
        texts = [text.decode("utf-8") for text in fields]
    except UnicodeDecodeError:
        return "encoding"
    if len(texts) != 6:
        return "columns"
    if not 0 < len(fields[0]) <= 131_072:
        return "user"
    if not DATE.fullmatch(texts[1]):
        return "date"
    try:
        datetime.fromisoformat(texts[1])
    except ValueError:
        return "date"
    time = from_iso(texts[1])
    if not from_date(study.source.not_before) <= time < from_date(study.source.before):
        return "out_of_range"
    if (select_from is not None and time < select_from) or (select_to is not None and time >= select_to):
        return "not_selected"
    return None


def _hash(text: str) -> int:
    return int(sha256(text.encode()).hexdigest()[:16], 16)


def _kind(metric: Metric) -> str:
    """What lastfm's metrics are: a mean over sessions, a ratio of two measures, a count of sessions, or retention."""
    if metric.retention is not None:
        return "retention"
    return {"sessions": "mean", "users": "count"}.get(metric.denominator, "ratio")


@dataclass
class Tick:
    """What is known at `midnight`, or at the end of the stream where it is None. Arms: 0 control, 1 treatment."""

    stream: Stream
    midnight: int | None

    def __post_init__(self) -> None:
        self.study = self.stream.study
        self.closed = [run for run in self.stream.sessions if self.midnight is None or run.due < self.midnight]
        mine: dict[str, list[Run]] = defaultdict(list)
        for run in self.closed:
            if run.in_period:
                mine[run.user].append(run)
        least = self.study.experiment.minimum_sessions
        self.included = {user: runs for user, runs in mine.items() if len(runs) >= least}

    @property
    def accepted(self) -> int:
        return sum(self.midnight is None or time < self.midnight for time in self.stream.times)

    def arm(self, user: str) -> int:
        experiment = self.study.experiment
        return 0 if _hash(f"{experiment.salt}:{user}") % 100 < experiment.control_percent else 1

    def bucket(self, user: str) -> int:
        return _hash(f"{self.study.experiment.salt}:bucket:{user}") % self.study.statistics.buckets

    def exposed(self, arm: int) -> set[str]:
        return {run.user for run in self.closed if run.first_in_period is not None and self.arm(run.user) == arm}

    def users(self, arm: int) -> list[str]:
        return [user for user in self.included if self.arm(user) == arm]

    def runs(self, arm: int) -> list[Run]:
        return [run for user in self.users(arm) for run in self.included[user]]

    def fraction(self, name: str, user: str) -> tuple[int, int]:
        """The user's value of a metric as (numerator, denominator)."""
        metric, runs = self.study.metrics[name], self.included[user]
        if _kind(metric) == "mean":
            return sum(run.measure(metric.numerator) for run in runs), len(runs)
        if _kind(metric) == "ratio":
            return sum(run.measure(metric.numerator) for run in runs), sum(
                run.measure(metric.denominator) for run in runs
            )
        if _kind(metric) == "count":
            return len(runs), 1
        watermark = self.stream.last if self.midnight is None else self.midnight
        days = list(self.stream.resolved_days(user, watermark))
        return sum(returned for _, returned in days), len(days)

    def fractions(self, name: str, arm: int) -> list[tuple[str, int, int]]:
        """(user, numerator, denominator) of the users that have a value."""
        found = [(user, *self.fraction(name, user)) for user in self.users(arm)]
        return [row for row in found if row[2] > 0]

    def sample(self, name: str, arm: int) -> list[Fraction]:
        """The sample of the classic reading in the shown unit, exact."""
        metric = self.study.metrics[name]
        if _kind(metric) == "mean":
            return [Fraction(run.measure(metric.numerator), metric.divide_by) for run in self.runs(arm)]
        return [Fraction(top, below * metric.divide_by) for _, top, below in self.fractions(name, arm)]

    def covariate(self, name: str, user: str, of_sums: bool = False) -> int:
        metric, prior = self.study.metrics[name], self.study.statistics.prior_session_seconds
        before = [run for run in self.stream.sessions if run.user == user and run.before_period]
        if of_sums:
            ratio = sum(run.seconds for run in before) / prior + 1
        elif metric.numerator == "seconds":
            ratio = (sum(run.seconds for run in before) + 3 * prior) / ((len(before) + 3) * prior)
        elif _kind(metric) == "count":
            ratio = len(before) + 1.0
        else:
            return 0
        value = 1000 * log(ratio)
        return floor(value + 0.5) if value >= 0 else -floor(-value + 0.5)

    def units(self, name: str, arm: int) -> list[tuple[int, int, int]]:
        """(bucket, y, x) of the users that have a value."""
        metric = self.study.metrics[name]
        is_duration = _kind(metric) == "mean" and metric.numerator == "seconds"
        scale = 10 if is_duration else 1 if _kind(metric) == "count" else 1_000_000
        return [
            (self.bucket(user), floor(Fraction(scale * top, below) + Fraction(1, 2)), self.covariate(name, user))
            for user, top, below in self.fractions(name, arm)
        ]

    def exposed_units(self, name: str, arm: int) -> list[tuple[int, int]]:
        """(y, x) of all exposed users of a metric that is read over them: no session counts as 0."""
        metric, users = self.study.metrics[name], self.exposed(arm)
        found = []
        for user in sorted(user for user in self.stream.plays if self.arm(user) == arm):
            runs = [run for run in self.closed if run.user == user and run.in_period]
            if _kind(metric) == "retention":
                watermark = self.stream.last if self.midnight is None else self.midnight
                days = list(self.stream.resolved_days(user, watermark))
                if days:
                    share = Fraction(sum(returned for _, returned in days), len(days))
                    found.append((floor(1_000_000 * share + Fraction(1, 2)), 0))
            elif user in users and _kind(metric) == "count":
                found.append((len(runs), self.covariate(name, user)))
            elif user in users:
                found.append(
                    (sum(run.measure(metric.numerator) for run in runs), self.covariate(name, user, of_sums=True))
                )
        return found
