"""Columns of a user's row of totals: one flat tuple of exact integers, with only what the study's metrics read.

The processor adds closed windows to it and sends it with each output; stats reads metrics from it. As with the measures,
the two functions that add are written out and executed once: a closed window looks up nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livelift.output_log import Row
from livelift.plan import MetricPlan, metric_plans, retentions
from livelift.retention import LaterDay
from livelift.study import Study

LARGEST = 3_037_000_499
"""The largest integer whose square an int64 holds: no user's total or value may be larger."""

SESSIONS = 0
"""The column of the user's closed windows of the period."""


@dataclass(frozen=True, slots=True)
class TotalColumns:
    """Which total of a user has which place.

    Attributes
    ----------
    names
        The names of a reading's totals (`livelift.plan.Reading`): *sessions*, the sum of each measure under its name, and
        two columns for each retention. Then what no reading divides: windows of the pre-period, their sums where a
        covariate needs them (*pre.NAME*), and sums of squares where a classic reading does (*square.NAME*).
    readable
        How many of the columns, from the first on, a reading may name.
    measures
        How many session measures there are; their sums begin at column 1.
    zero
        The row of a user without anything: one object for all of them.
    add
        (row, measures of a closed window of the period) → row.
    add_before
        The same for a window of the pre-period.
    """

    names: tuple[str, ...]
    readable: int
    measures: int
    retentions: tuple[LaterDay, ...]
    zero: Row
    add: Callable[[Row, Row], Row]
    add_before: Callable[[Row, Row], Row]

    def returns(self, retention: int) -> int:
        """The column of the eligible anchor days of a retention; the next one has those with a return, or the sessions of the first days."""
        return 1 + self.measures + 2 * retention

    @property
    def pre_sessions(self) -> int:
        return self.readable

    def place(self, name: str) -> int:
        return self.names.index(name)


def total_columns(study: Study, measures: tuple[str, ...]) -> TotalColumns:
    """The columns that the study's metrics need; `measures` are the names of the session measures.

    >>> from livelift.sessions import session_measures
    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> study = load_study(DEFAULT)
    >>> columns = total_columns(study, session_measures(study).names)
    >>> columns.names[:2], columns.names[5:9]
    (('sessions', 'seconds'), ('eligible.every_day.1', 'returned.every_day.1', 'pre.sessions', 'pre.seconds'))
    >>> columns.add(columns.zero, (60, 3, 0, 2))
    (1, 60, 3, 0, 2, 0, 0, 0, 0, 3600, 4)
    """
    plans = metric_plans(study)
    returns = retentions(study)
    of_returns = [name for one in returns for name in (one.eligible, one.returned)]
    before = _pre_measures(plans, measures)
    squared = [name for name in measures if any(plan.session_measure == name for plan in plans)]
    readable = ["sessions", *measures, *of_returns]
    names = (
        *readable,
        "pre.sessions",
        *(f"pre.{name}" for name in before),
        *(f"square.{name}" for name in squared),
    )
    place = {name: measures.index(name) for name in measures}
    add = {"sessions": "1"} | {name: f"m[{i}]" for name, i in place.items()}
    add |= {f"square.{name}": f"m[{place[name]}] * m[{place[name]}]" for name in squared}
    add_before = {"pre.sessions": "1"} | {f"pre.{name}": f"m[{place[name]}]" for name in before}
    return TotalColumns(
        names,
        len(readable),
        len(measures),
        returns,
        (0,) * len(names),
        _adding(names, add),
        _adding(names, add_before),
    )


def _pre_measures(plans: list[MetricPlan], measures: tuple[str, ...]) -> list[str]:
    """The measures whose sum over the pre-period a covariate reads."""
    readings = [reading for plan in plans for reading in (plan.included, plan.exposed) if reading is not None]
    needed = {reading.covariate.measure for reading in readings if reading.covariate is not None}
    return [name for name in measures if name in needed]


def _adding(names: tuple[str, ...], added: dict[str, str]) -> Callable[[Row, Row], Row]:
    """A function (row, measures) → row that adds to each column what `added` says, an expression over the measures `m`."""
    parts = [f"r[{i}] + {added[name]}" if name in added else f"r[{i}]" for i, name in enumerate(names)]
    made: dict[str, Any] = {}
    exec(compile(f"def add(r, m):\n    return ({', '.join(parts)},)", "<totals of a user>", "exec"), made)
    function: Callable[[Row, Row], Row] = made["add"]
    return function
