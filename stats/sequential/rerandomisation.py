"""Bucket-level re-randomisation test, which gives the primary metric's boundary.

Exchanging the arms inside a bucket leaves the law of a 50:50 hash assignment as it is. So if no event of any user would
have differed (the sharp null), the observed course of Z over the looks is one of 2,000 exchangeable courses, and letting
only the most extreme m_k of them cross by look k spends exactly the planned error: whatever the dependence inside a
user, at any size, without scanning users (randomisation test: Lehmann & Romano 2005, ch. 15).
"""

from functools import lru_cache
from math import floor

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelift.assignment import exchange_bits
from livelift.errors import StateError
from stats.estimates.user_means import log_lift

Floats = NDArray[np.float64]
Bits = NDArray[np.uint8]

EXACT = 2**53
"""Every integer up to here is a float64: sums of such products through BLAS are exact."""

HALF = 26
"""Where wider integers are cut in two, each half exact."""

LARGEST = 2.0**62
"""Sums of a bucket have to stay below: then 65,536 of their upper halves add up exactly."""

DIGITS = 9
"""Z is rounded to this, so that equal courses tie on every machine, whatever its libm."""


def bits_of(salt: str, bucket: int, draws: int) -> Bits:
    """Does draw b exchange the arms of `bucket`? Bit b of SHAKE256("<salt>:flip:<bucket>"), little-endian; b = 0 is
    what happened, so its bit is 0.

    Returns
    -------
    uint8 array, shape (draws,)

    Examples
    --------
    >>> int(bits_of("salt", 7, 2000)[0]), bits_of("salt", 7, 2000).shape
    (0, (2000,))
    """
    stream = np.frombuffer(exchange_bits(salt, bucket, draws), dtype=np.uint8)
    bits = np.unpackbits(stream, count=draws, bitorder="little")
    bits[0] = 0
    return bits


@lru_cache(maxsize=2)
def draw_matrix(salt: str, buckets: int, draws: int) -> Floats:
    """`bits_of` for all buckets: float64 (draws, buckets), 16 MB for 2,000 × 1,024, made once a salt.

    Raises
    ------
    ValueError
        If there is not one bucket and one draw.

    Examples
    --------
    >>> matrix = draw_matrix("salt", buckets=4, draws=3)
    >>> matrix.shape, matrix[0].tolist()
    ((3, 4), [0.0, 0.0, 0.0, 0.0])
    """
    if buckets < 1 or draws < 1:
        raise ValueError(f"draws need buckets and draws, not {buckets} and {draws}")
    matrix = np.array([bits_of(salt, bucket, draws) for bucket in range(buckets)]).T.astype(np.float64)
    matrix.setflags(write=False)
    return matrix


def drawn_sums(matrix: Floats, sums: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Sums of control and of treatment under every draw: T_b = T + Σ_g bit_bg (C_g − T_g), C_b = total − T_b.

    Parameters
    ----------
    matrix
        `draw_matrix`, (draws, buckets).
    sums
        int64 (..., 2, buckets, 6), control first.

    Returns
    -------
    Two float64 arrays (..., draws, 6): the exact sums, rounded once where they leave 2⁵³, of any size

    Raises
    ------
    StateError
        If a bucket's sum is too large to be cut exactly.

    Examples
    --------
    >>> matrix = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> sums = np.array([[[1], [2]], [[10], [20]]])  # one column for the example
    >>> [part.ravel().tolist() for part in drawn_sums(matrix, sums)]
    [[3.0, 12.0], [30.0, 21.0]]
    """
    # Each partial sum is at most Σ|sums|. Below 2⁵³ all are integers that float64 holds.
    largest = np.abs(sums.astype(np.float64)).sum(axis=(-3, -2)).max(initial=0.0)
    if largest < EXACT / 2:  # half: the check itself is rounded
        return _exchanged(matrix, sums.astype(np.float64))
    if np.abs(sums.astype(np.float64)).max() >= LARGEST:
        raise StateError(
            "the sums of a bucket's users are too large to be exchanged exactly",
            "give the study more buckets, or the metric fewer units per raw unit (metrics.NAME.resolution in the study)",
        )
    # Two halves, each exact; together they are rounded once, however large the sums are.
    high = sums >> HALF
    low = sums - (high << HALF)
    halves = zip(_exchanged(matrix, high.astype(np.float64)), _exchanged(matrix, low.astype(np.float64)), strict=True)
    control, treatment = (of_high * 2.0**HALF + of_low for of_high, of_low in halves)
    return control, treatment


def _exchanged(matrix: Floats, sums: Floats) -> tuple[Floats, Floats]:
    """`drawn_sums` of integers small enough for float64, whose product is a hundred times faster than int64's."""
    control, treatment = sums[..., 0, :, :], sums[..., 1, :, :]
    gain = np.moveaxis(control - treatment, -2, 0)  # (buckets, ..., 6)
    # The few columns come first: BLAS then goes once through the matrix, whose rows of a bucket lie together (`draw_matrix`).
    product = (gain.reshape(gain.shape[0], -1).T @ matrix.T).T
    exchanged = product.reshape(matrix.shape[0], *gain.shape[1:])
    of_treatment = treatment.sum(axis=-2)[..., None, :] + np.moveaxis(exchanged, 0, -2)
    of_all = (control.sum(axis=-2) + treatment.sum(axis=-2))[..., None, :]
    return of_all - of_treatment, of_treatment


def statistics(matrix: Floats, sums: NDArray[np.int64], minimum_users: int) -> Floats:
    """Z of every draw, rounded to 9 digits; NaN where it is missing (an arm too small, no spread and equal means).

    Parameters
    ----------
    matrix
        (draws, buckets).
    sums
        int64 (..., 2, buckets, 6).

    Returns
    -------
    float64 (..., draws); draw 0 is what happened

    Examples
    --------
    Two buckets with four users an arm each; the second draw exchanges the arms of both:

    >>> control, treatment = [4, 40, 420, 0, 0, 0], [4, 44, 504, 0, 0, 0]
    >>> z = statistics(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[control] * 2, [treatment] * 2]), minimum_users=2)
    >>> z.round(3).tolist()
    [0.834, -0.834]
    """
    control, treatment = drawn_sums(matrix, sums)
    return np.round(log_lift(control, treatment, minimum_users).z, DIGITS)


class Tail(msgspec.Struct, frozen=True, array_like=True):
    """One tail of the boundary, carried from look to look.

    Attributes
    ----------
    alive
        Bit b (little-endian): has draw b not crossed yet?
    used
        How many have crossed.
    crossed_at
        The look at which draw 0, the study itself, crossed; None while it has not.
    """

    alive: bytes
    used: int = 0
    crossed_at: int | None = None

    @classmethod
    def of(cls, draws: int) -> "Tail":
        """Nobody has crossed.

        >>> Tail.of(4).living(4).tolist()
        [True, True, True, True]
        """
        return cls(np.packbits(np.ones(draws, dtype=np.uint8), bitorder="little").tobytes())

    def living(self, draws: int) -> NDArray[np.bool_]:
        """`alive` as a boolean array (draws,)."""
        packed = np.frombuffer(self.alive, dtype=np.uint8)
        return np.unpackbits(packed, count=draws, bitorder="little").astype(np.bool_)


class Crossing(msgspec.Struct, frozen=True, array_like=True):
    """What a look did to a tail.

    Attributes
    ----------
    allowed
        m, how many draws were allowed to cross at this look (≤ 0: none).
    rank
        How many of the draws still in the race are at least as extreme as the study, itself included; None if the study
        has crossed before or its Z is missing.
    running
        How many draws are still in the race and can be read, the study itself included.
    limit
        The Z toward this tail that a draw had to exceed to cross; None where none was allowed to, or no limit is needed.
    """

    allowed: int
    rank: int | None
    running: int
    limit: float | None


def advance(tail: Tail, scores: Floats, spent: float, look: int) -> tuple[Tail, Crossing]:
    """Let the most extreme draws cross, as many as the error spent by now allows.

    m = floor(spent · readable + 1e-9) − used, where `readable` counts the draws whose Z is not missing at this look: with
    few users many draws leave an arm without enough, and the study's own course, which is there, must not be compared with
    the error of all. A draw crosses if at most m of those alive and not missing, itself included, score as high: ties
    count against. A look that was missed is made up for by the next: spending is by calendar.

    Parameters
    ----------
    scores
        Z toward this tail, (draws,), NaN where missing.
    spent
        Cumulative error of the tail by this look.

    Examples
    --------
    >>> tail, crossing = advance(Tail.of(4), np.array([3.0, 1.0, 2.0, 2.0]), 0.25, look=1)
    >>> tail.crossed_at, tail.used, crossing
    (1, 1, Crossing(allowed=1, rank=1, running=4, limit=2.0))
    >>> advance(tail, np.array([3.0, 1.0, 2.0, 2.0]), 0.5, look=2)[0].used  # the tie of two does not fit in one
    1
    >>> advance(Tail.of(4), np.array([3.0, np.nan, np.nan, 2.0]), 0.25, look=1)[1].allowed  # a quarter of two is none
    0
    """
    draws = scores.size
    living = tail.living(draws)
    readable = ~np.isnan(scores)
    running = living & readable
    allowed = floor(spent * int(np.count_nonzero(readable)) + 1e-9) - tail.used
    rank = int(np.count_nonzero(scores[running] >= scores[0])) if running[0] else None
    if allowed <= 0:
        return tail, Crossing(allowed, rank, scores[running].size, None)
    # At most m score as high as s exactly when s lies above the (m + 1)-th highest.
    values = scores[running]
    limit = -np.inf if values.size <= allowed else np.partition(values, values.size - allowed - 1)[-allowed - 1]
    crossing = running & (scores > limit)
    after = Tail(
        np.packbits(living & ~crossing, bitorder="little").tobytes(),
        tail.used + int(np.count_nonzero(crossing)),
        look if crossing[0] else tail.crossed_at,
    )
    return after, Crossing(allowed, rank, values.size, float(limit) if np.isfinite(limit) else None)
