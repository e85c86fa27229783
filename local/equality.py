"""Is the live document equal to the batch's? Integers and words exactly, floats to 1e-9 relative (promise P1)."""

from collections.abc import Iterator
from math import isclose
from typing import Any

RELATIVE = 1e-9
ABSOLUTE = 1e-12
"""For values that are a difference of near-equal ones: a lift of 0, a covariance of 0."""

PER_RUN = {"run", "preview"}


def differences(live: Any, batch: Any, path: str = "") -> Iterator[str]:
    """Every place where two documents differ, as `path: live ≠ batch`."""
    if isinstance(live, dict) and isinstance(batch, dict):
        for key in live.keys() | batch.keys():
            if not path and key in PER_RUN:
                continue
            if key not in live or key not in batch:
                yield f"{path}.{key}: only in {'live' if key in live else 'batch'}"
            else:
                yield from differences(live[key], batch[key], f"{path}.{key}")
    elif isinstance(live, list | tuple) and isinstance(batch, list | tuple) and len(live) == len(batch):
        for i, (a, b) in enumerate(zip(live, batch, strict=True)):
            yield from differences(a, b, f"{path}[{i}]")
    elif not _equal(live, batch):
        yield f"{path}: {live!r} ≠ {batch!r}"


def _equal(live: Any, batch: Any) -> bool:
    if isinstance(live, bool) or isinstance(batch, bool):
        return live is batch
    if isinstance(live, float) or isinstance(batch, float):
        numbers = isinstance(live, int | float) and isinstance(batch, int | float)
        return numbers and isclose(live, batch, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(live == batch)
