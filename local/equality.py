"""Compares the live document with the batch oracle's: integers and text exactly, floats to 1e-9 relative (promise P1)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import isclose
from typing import Any

import msgspec

from livelift.document import HistoryEntry
from livelift.event_time import DAY, from_iso, to_iso

RELATIVE = 1e-9
ABSOLUTE = 1e-12
"""For values that are a difference of near-equal ones: a lift of 0, a covariance of 0."""

PER_RUN = {".run", ".preview", ".input.repeated"}
"""What may differ: the batch has no run, and no producer that is killed and sends again."""


def differences(live: Any, batch: Any) -> Iterator[str]:
    """Every place where two documents, or lists of them, differ in their JSON, as `path: live ≠ batch`."""
    return _differences(msgspec.to_builtins(live), msgspec.to_builtins(batch), "")


def _differences(live: Any, batch: Any, path: str) -> Iterator[str]:
    if isinstance(live, dict) and isinstance(batch, dict):
        for key in live.keys() | batch.keys():
            if f"{path}.{key}" in PER_RUN:
                continue
            if key not in live or key not in batch:
                yield f"{path}.{key}: only in {'live' if key in live else 'batch'}"
            else:
                yield from _differences(live[key], batch[key], f"{path}.{key}")
    elif isinstance(live, list | tuple) and isinstance(batch, list | tuple) and len(live) == len(batch):
        for i, (a, b) in enumerate(zip(live, batch, strict=True)):
            yield from _differences(a, b, f"{path}[{i}]")
    elif not _equal(live, batch):
        yield f"{path}: {live!r} ≠ {batch!r}"


def _equal(live: Any, batch: Any) -> bool:
    if isinstance(live, bool) or isinstance(batch, bool):
        return live is batch
    if isinstance(live, float) or isinstance(batch, float):
        numbers = isinstance(live, int | float) and isinstance(batch, int | float)
        return numbers and isclose(live, batch, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(live == batch)


def history_differences(live: Sequence[HistoryEntry], batch: Sequence[HistoryEntry]) -> Iterator[str]:
    """Every place where two histories differ: a tick that one of them lacks or has twice, or one with other numbers.

    The stream goes on at the midnights after the completion of the period, which the batch leaves out: the live history
    has to have each of them once.
    """
    has, wants = Counter(map(_moment, live)), [*_moments(batch)]
    yield from (f"{moment}: no such tick" for moment in wants if not has[moment])
    yield from (f"{moment}: {count} ticks" for moment, count in has.items() if count > 1)
    yield from (f"{moment}: a tick too many" for moment in has if moment not in wants)
    if list(has) != wants and sorted(has) == sorted(wants):
        yield "the ticks are in another order"
    found = {_moment(entry): entry for entry in live}
    for entry in batch:
        moment = _moment(entry)
        yield from (f"{moment}{place}" for place in differences(found.get(moment, entry), entry))


def _moment(entry: HistoryEntry) -> str:
    return f"{entry.as_of}{' (the end)' if entry.progress.ended else ''}"


def _moments(batch: Sequence[HistoryEntry]) -> Iterator[str]:
    """Those of the batch's ticks, and of the midnights between the completion of the period and the end."""
    complete = next((entry.as_of for entry in batch if entry.progress.period_complete), None)
    for entry in batch:
        if entry.progress.ended and complete is not None and complete < entry.as_of:
            midnights = range(from_iso(complete) // DAY * DAY + DAY, from_iso(entry.as_of) + 1, DAY)
            yield from map(to_iso, midnights)
        yield _moment(entry)
