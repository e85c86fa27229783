"""Computes how users' new totals change every metric's sums, for many users at once, in exact integers. Pure.

A user enters as two rows of counts (`stats.sums.metric_rows`, COLUMNS): as last summed, all 0 if not included then, and
as of now. Sums change by the difference of the two. Whole columns at once: a user costs a tenth of what it does one by
one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livelift.errors import StateError
from livelift.totals import LARGEST
from stats.sums.metric_rows import MetricRow
from stats.sums.user_value import in_units

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Values:
    """Users' values of every metric, (metrics, users) each: numerator S, denominator N, the user's value y in the metric's
    integer unit. Where N is 0 there is no value, and all three are 0."""

    s: Integers
    n: Integers
    y: Integers

    def part(self, which: Any) -> "Values":
        """Of some metrics and users: an index of the arrays."""
        return Values(self.s[which], self.n[which], self.y[which])

    def shown(self, metric: int, users: NDArray[np.bool_], divide_by: int) -> NDArray[np.float64]:
        """The exact values of some users that have one, in the metric's shown unit."""
        rates: NDArray[np.float64] = self.s[metric, users] / self.n[metric, users] / divide_by
        return rates


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a user's counts make the values of some metrics, as arrays: made once, used at every commit."""

    numerators: list[int]
    denominators: list[int]
    scale: Integers

    @classmethod
    def of(cls, metrics: list[MetricRow]) -> "Columns":
        return cls(
            [row.numerator for row in metrics],
            [row.denominator for row in metrics],
            np.array([[metric.scale] for metric in metrics]),
        )


def values(columns: Columns, rows: Integers, counted: NDArray[np.bool_]) -> Values:
    """The values that users with `rows` (users, columns) have; y = S / N in the metric's unit, halves up.

    Parameters
    ----------
    counted
        (metrics, users): does the user count for the metric? Who doesn't has no value.

    Raises
    ------
    StateError
        If a number is too large for its square to be summed.
    """
    n = rows[:, columns.denominators].T * counted
    has = n > 0
    s = rows[:, columns.numerators].T * has
    y = np.where(has, in_units(s, np.where(has, n, 1), columns.scale), 0)
    largest = max(max(int(part.max(initial=0)), -int(part.min(initial=0))) for part in (s, n, y))
    if largest > LARGEST:
        raise StateError(
            f"a user's total or mean of {largest} is too large to be squared exactly",
            "look in the input for the users with the most events, or give the metric fewer units per raw unit (metrics.NAME.resolution in the study)",
        )
    return Values(s, n, y)


def sums_change(before: Values, after: Values, covariate: Integers) -> Integers:
    """(metrics, users, 6): what each user changes in `livelift.tick_sums.SUM_COLUMNS`; `covariate` is x (metrics, users)."""
    users = (after.n > 0).astype(np.int64) - (before.n > 0)
    change = after.y - before.y
    return np.stack(
        (users, change, change * (after.y + before.y), users * covariate, users * covariate**2, covariate * change),
        axis=-1,
    )


def ratios_change(before: Values, after: Values) -> Integers:
    """(metrics, users, 6): what each user changes in `livelift.tick_sums.RATIO_COLUMNS`."""
    users = (after.n > 0).astype(np.int64) - (before.n > 0)
    top, bottom = after.s - before.s, after.n - before.n
    return np.stack(
        (
            users,
            top,
            bottom,
            top * (after.s + before.s),
            bottom * (after.n + before.n),
            after.s * after.n - before.s * before.n,
        ),
        axis=-1,
    )


def exact_sums(changes: Integers) -> list[list[int]]:
    """Σ over the second axis of three (users, or buckets of them), as integers without bound: squares of many leave an int64.

    >>> exact_sums(np.full((1, 4, 1), 2**62)), exact_sums(np.array([[[1, 2], [3, 4]]]))
    ([[18446744073709551616]], [[4, 6]])
    """
    bound = max(int(changes.max(initial=0)), -int(changes.min(initial=0)))
    if bound * changes.shape[1] < 2**63:
        sums: list[list[int]] = changes.sum(axis=1).tolist()
        return sums
    high, low = (changes >> 32).sum(axis=1), (changes & 0xFFFFFFFF).sum(axis=1)
    return [
        [(h << 32) + part for h, part in zip(*rows, strict=True)]
        for rows in zip(high.tolist(), low.tolist(), strict=True)
    ]
