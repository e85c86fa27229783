"""Sufficient statistics as of a tick, from which the decision code computes a verdict.

The stats station fills it from the output log, the DuckDB oracle from SQL; both are equal (promise P1), so one decision
code serves both. Index 0 is control, 1 is treatment, everywhere.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SUM_COLUMNS = ("n", "y", "yy", "x", "xx", "xy")
"""A user row of `users`: users, Σy, Σy², Σx, Σx², Σxy in the metric's integer unit (`livelift.plan`)."""

RATIO_COLUMNS = ("n", "s", "m", "ss", "mm", "sm")
"""A row of `ratios`: users, ΣS, ΣN, ΣS², ΣN², ΣSN of the user's numerator S and denominator N."""

ExactSums = tuple[int, ...]
"""Six sums as Python's integers, which have no bound: they never overflow."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and Σ(x − mean)² of a sample, in the metric's shown unit."""

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0


@dataclass(frozen=True, slots=True)
class InputCounts:
    """What became of the rows so far: accepted + Σ rejected + duplicates + late = rows.

    `input_rows` is how many rows the whole input has, where that is known before its end: what was rejected of a file is
    found before the stream, all of it at once, and is a share of these. `missing` events were sent, and did not arrive by the
    end of the stream. `repeated` records were passed over as sent twice; they are no rows of the input.
    """

    rows: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    late: int = 0
    input_rows: int | None = None
    missing: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class TickSums:
    """Everything as of one tick.

    Attributes
    ----------
    time
        The tick in ms: a midnight UTC, or at the end of the stream the greatest event time.
    ended
        The end of the stream.
    period_complete
        No session can start in the period any more, and none that did is waited for: they have closed, or the study's
        `wait_days` are over.
    sessions_all, sessions_in_period, sessions_one_event
        Closed sessions; those of the period; those of the latter with one event only.
    sessions_unfinished
        Sessions that began in the period before `time` and are not among `sessions_in_period`: still open, or closed after
        the study's `wait_days`.
    exposed, included, sessions, events
        Per variant (2,): users exposed, users included, in-period sessions and events of included users; the last None where
        no measure counts every event, as `sessions_one_event` is then, and where each event is a session by itself.
    classic
        Metric → (control, treatment) moments over the metric's classic unit.
    users
        Metric → int64 (2, buckets, 6), columns `SUM_COLUMNS`, over included users.
    users_in_both
        Exposed users whose events in the period named both variants; None where a hash of the user assigns.
    ratios
        Metric → (control, treatment), columns `RATIO_COLUMNS`, over included users; metrics with a ratio reading only
        (of a mean over sessions: S = Σ measure, N = sessions; of a ratio of two measures: S, N = their sums).
    exposed_sums
        Metric → (control, treatment), columns `SUM_COLUMNS`, over *all* exposed users, whether included or not: for
        counts of sessions (no session counts as 0) and returns on the next day (users with a resolved day), and for
        a primary that is a mean over sessions the measure's sum per exposed user, in raw units.
    """

    time: int
    ended: bool
    period_complete: bool
    counts: InputCounts
    sessions_all: int
    sessions_in_period: int
    sessions_one_event: int | None
    exposed: tuple[int, int]
    included: tuple[int, int]
    sessions: tuple[int, int]
    events: tuple[int, int] | None
    classic: dict[str, tuple[Moments, Moments]]
    users: dict[str, NDArray[np.int64]]
    ratios: dict[str, tuple[ExactSums, ExactSums]]
    exposed_sums: dict[str, tuple[ExactSums, ExactSums]]
    users_in_both: int | None = None
    sessions_unfinished: int = 0
