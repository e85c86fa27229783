"""Raises the thresholds of Python's cyclic garbage collector and freezes recovered state, since a stream's objects have
no cycles.

With its defaults it looks through every new batch of records dozens of times, and through all state whenever that has
grown by a quarter; it finds nothing. That was half of the processor's reading and a third of stats (docs/decisions/0010-the-hot-path.md).
A station raises them before its imports, of which the collector takes a tenth.
"""

import gc

YOUNG_OBJECTS = 100_000
"""Look after so many new objects, instead of 700."""


def raise_gc_threshold() -> None:
    """Look seldom."""
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)


def freeze_gc() -> None:
    """What is there now stays: a million users need not be looked through again and again."""
    gc.collect()
    gc.freeze()
