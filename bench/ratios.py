"""Ratios of two builds' benchmark reports: medians of each, today divided by base, with the spread over the runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Any, NamedTuple

from livelift.errors import VersionError

SIDES = ("today", "base")

FORMER_NAME = "equal_to_twin"
"""What commits before December 2026 call `equal_to_oracle` in their reports."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What a stretch of work cost."""

    cpu_s_per_million: float
    events_per_s: float


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run of one stage, read from the report of the build that ran it.

    steady
        None where the run had no steady part.
    equal
        Was the result that of the build's own batch oracle?
    """

    events: int
    steady: Rates | None
    whole: Rates
    equal: bool


@dataclass(frozen=True, slots=True)
class LatencyRun:
    """One run of `bench.latency`. `unseen`: closed sessions that Redis never showed."""

    sessions: int
    p50_ms: float
    p99_ms: float
    unseen: int


class Ratio(NamedTuple):
    """today / base: of the medians, and the least and greatest of the runs.

    None where it means nothing: the base has 0, or a latency is infinite, of a session that Redis never showed.
    """

    of_medians: float | None
    lowest: float | None
    highest: float | None


def stage_run(report: dict[str, Any], side: str) -> StageRun:
    """The one row of a report of `python -m bench --only livelift:STAGE --runs 1`.

    Raises
    ------
    VersionError
        If the build writes its reports in another form.
    """
    try:
        (row,) = report["rows"]
        whole = _rates(row["whole"])
        steady = _rates(row) if row["part"] == "steady" else None
        equal = row["equal_to_oracle"] if "equal_to_oracle" in row else row[FORMER_NAME]
        return StageRun(int(row["events"]), steady, whole, equal is True)
    except (KeyError, TypeError, ValueError) as error:
        raise _unknown_form(side, error) from error


def latency_run(report: dict[str, Any], side: str) -> LatencyRun:
    """A report of `python -m bench.latency`.

    Raises
    ------
    VersionError
        If the build writes its reports in another form.
    """
    try:
        return LatencyRun(
            int(report["sessions"]), float(report["p50_ms"]), float(report["p99_ms"]), int(report["unseen"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unknown_form(side, error) from error


def stage_rows(stage: str, today: Sequence[StageRun], base: Sequence[StageRun]) -> list[dict[str, Any]]:
    """Rows of the table for one stage: CPU and throughput.

    They are those of the steady part only if every run of both builds had one: ratios of different parts mean nothing.
    """
    steady = all(run.steady for run in (*today, *base))
    part = "steady" if steady else "whole"
    spans = [[run.steady if steady and run.steady else run.whole for run in runs] for runs in (today, base)]
    equal = {side: all(run.equal for run in runs) for side, runs in zip(SIDES, (today, base), strict=True)}
    common = {
        "subject": stage,
        "part": part,
        "events": {"today": today[0].events, "base": base[0].events},
        "equal_to_oracle": equal,
    }
    return [
        common | _figure("CPU-s / M", *([span.cpu_s_per_million for span in side] for side in spans)),
        common | _figure("events/s", *([span.events_per_s for span in side] for side in spans)),
    ]


def latency_rows(today: Sequence[LatencyRun], base: Sequence[LatencyRun]) -> list[dict[str, Any]]:
    """Rows of the table for the latency. It has no result to compare; all sessions have to be seen."""
    common = {
        "subject": "latency",
        "part": "whole",
        "sessions": {"today": today[0].sessions, "base": base[0].sessions},
        "unseen": {"today": max(run.unseen for run in today), "base": max(run.unseen for run in base)},
    }
    return [
        common | _figure("p50 ms", [run.p50_ms for run in today], [run.p50_ms for run in base]),
        common | _figure("p99 ms", [run.p99_ms for run in today], [run.p99_ms for run in base]),
    ]


def ratio(today: Sequence[float], base: Sequence[float]) -> Ratio:
    """today / base of runs that were measured in turn: run i of the one just before run i of the other.

    >>> ratio([2.0, 3.0, 4.0], [4.0, 2.0, 4.0])
    Ratio(of_medians=0.75, lowest=0.5, highest=1.5)
    """
    single = [found for a, b in zip(today, base, strict=True) if (found := _divided(a, b)) is not None]
    return Ratio(_divided(median(today), median(base)), min(single, default=None), max(single, default=None))


def _divided(today: float, base: float) -> float | None:
    return today / base if base and isfinite(today) and isfinite(base) else None


def _figure(name: str, today: list[float], base: list[float]) -> dict[str, Any]:
    return {
        "figure": name,
        "today": median(today),
        "base": median(base),
        "ratio": ratio(today, base)._asdict(),
        "runs": len(today),
        "each_run": {"today": today, "base": base},
    }


def _rates(found: dict[str, Any]) -> Rates:
    return Rates(float(found["cpu_s_per_million"]), float(found["events_per_s"]))


def _unknown_form(side: str, error: Exception) -> VersionError:
    return VersionError(
        f"the bench of {side} writes its report in another form: {type(error).__name__} {error}",
        "compare with a later commit",
    )
