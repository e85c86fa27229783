"""Seeded draws that give the same values on every machine.

Rows draw 16-bit integers and look them up in quantile tables of integers: no row depends on the last bit of a machine's
`exp` or `log`, and a lookup is faster than a formula.
"""

import numpy as np
from numpy.typing import NDArray

SIZE = 1 << 16
"""Entries of a quantile table: all equally likely."""

Ints = NDArray[np.int64]
Raw = NDArray[np.uint16]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


def stream(seed: int, *path: int) -> np.random.Generator:
    """The generator of one purpose; streams of different `path` are independent."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *path])))


def raw(rng: np.random.Generator, size: int) -> Raw:
    """`size` uniform 16-bit integers: indices of a quantile table."""
    return rng.integers(0, SIZE, size, dtype=np.uint16)


def mix(words: Words) -> Words:
    """Well-mixed 64-bit hashes of `words`, one to one (the finaliser of SplitMix64; Steele, Lea & Flood 2014)."""
    mixed = words + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def scattered(seed: int, first: Ints, second: Ints) -> Words:
    """A hash of each pair of numbers from 0 to 2³² − 1, another one for each seed: for what a pair always draws alike."""
    base = mix(np.array([seed % 2**64], dtype=np.uint64))
    return mix(base ^ (first.astype(np.uint64) << np.uint64(32) | second.astype(np.uint64)))
