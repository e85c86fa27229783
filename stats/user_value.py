"""A user's value in integer units: exact to add, in any order, for ever.

Durations in deciseconds, rates and means of counts in millionths, counts as they are; halves round up.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from livelift.plan import DECISECONDS, MILLIONTHS

Whole = TypeVar("Whole", int, NDArray[np.int64])


def in_units(numerator: Whole, denominator: Whole, scale: Whole | int) -> Whole:
    """`numerator` / `denominator` in `scale` units per raw unit.

    >>> in_units(1, 2, 1)
    1
    """
    return (2 * scale * numerator + denominator) // (2 * denominator)


def mean_deciseconds(seconds: int, sessions: int) -> int:
    """The mean of `seconds` over `sessions`, in deciseconds.

    >>> mean_deciseconds(100, 3)
    333
    """
    return in_units(seconds, sessions, DECISECONDS)


def millionths(numerator: int, denominator: int) -> int:
    """`numerator` / `denominator` in millionths.

    >>> millionths(1, 3)
    333333
    """
    return in_units(numerator, denominator, MILLIONTHS)
