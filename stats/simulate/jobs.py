"""Splits many experiments into parts of a fixed size, run in one or more processes with the same result."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from livelift.one_thread import use_one_thread
from stats.simulate.tally import Tally

PART = 10
"""Experiments of a part: a second or two of work."""

Part = Callable[[int, int], Tally]
"""(first, end) → the tally of the experiments first … end − 1; picklable, to be sent to another process."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


def processes() -> int:
    """How many processes this machine has cores for.

    >>> processes() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def tally_in_parts(part: Part, total: int, jobs: int, progress: Progress) -> Tally:
    """The tally of experiments 0 … `total` − 1, by `jobs` processes; the parts are added in their order."""
    bounds = [(first, min(first + PART, total)) for first in range(0, total, PART)]
    together = Tally()
    if jobs <= 1 or len(bounds) == 1:
        for first, end in bounds:
            together += part(first, end)
            progress(end, total)
        return together
    use_one_thread()  # in each process: its siblings have the other cores
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for tally, (_, end) in zip(pool.map(part, *zip(*bounds, strict=True)), bounds, strict=True):
            together += tally
            progress(end, total)
    return together
