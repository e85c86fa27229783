"""Keeps freed memory in the process for the next batch, in glibc's allocator.

Left alone it gives a buffer of a megabyte back to the system as soon as it is free, and the kernel clears the pages of the next
one: a third of what the processor took to decompress and read its records (docs/decisions/0010-the-hot-path.md).
"""

import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of `mallopt`, from glibc's malloc.h."""

MOST_KEPT_BYTES = 64 << 20
LARGEST_KEPT_BYTES = 32 << 20
"""A larger buffer goes back at once; glibc allows no more."""

VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Keep it, unless the environment configures the allocator; False where the C library has no such setting."""
    if any(name in os.environ for name in VARIABLES):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES) and mallopt(M_TRIM_THRESHOLD, MOST_KEPT_BYTES))
