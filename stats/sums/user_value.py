"""A user's value in integer units: exact to add, in any order, for ever.

Durations in deciseconds, rates and means of counts in millionths, counts as they are; halves round up.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Whole = TypeVar("Whole", int, NDArray[np.int64])


def in_units(numerator: Whole, denominator: Whole, scale: Whole | int) -> Whole:
    """`numerator` / `denominator` in `scale` units per raw unit.

    >>> in_units(1, 2, 1), in_units(100, 3, 10), in_units(1, 3, 1_000_000)
    (1, 333, 333333)
    """
    return (2 * scale * numerator + denominator) // (2 * denominator)
