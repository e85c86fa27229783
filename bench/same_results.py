"""Compares the oracles' answers that two builds kept for the same input, as far as both write them in the same form.

Each build's bench compares its results with its own batch oracle, and keeps the oracle's answer. Where the results of both equal
their oracles, and the oracles' answers are equal, the results are.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.subject import compare_sessions
from local.equality import differences

ACCEPTED = ("rows", "accepted", "duplicates", "rejected")
"""Of a document's `input`, what the producer's result is compared with."""


@dataclass(frozen=True, slots=True)
class Sameness:
    """Where two answers differ. `of` is what was compared; nothing, where the forms have too little in common."""

    of: str
    known: bool = True
    different: tuple[str, ...] = ()

    @property
    def equal(self) -> bool | None:
        """None where it cannot be said."""
        return not self.different if self.known else None


def kept_answer(folder: Path, name: str) -> Path | None:
    """The oracle's answer `name` under a build's bench folder; None unless there is exactly one."""
    found = [
        *folder.glob(f"bench/oracle/*/{name}"),
        *folder.glob(f"bench/twin/*/{name}"),
    ]  # commits before December 2026: twin
    return found[0] if len(found) == 1 else None


def same_answers(stage: str, today: Path, base: Path) -> Sameness:
    """Compare what the oracles of two builds say of `stage`; the folders are theirs and hold one input's answers each."""
    name = "sessions.parquet" if stage == "processor" else "document.json"
    ours, theirs = kept_answer(today, name), kept_answer(base, name)
    if ours is None or theirs is None:
        return Sameness(f"no {name} of both", known=False)
    if stage == "processor":
        return _same_sessions(ours, theirs)
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in (ours, theirs)]
    if stage == "producer":
        documents = [_accepted(document) for document in documents]
    return same_numbers(*documents)


def same_numbers(today: Any, base: Any) -> Sameness:
    """Compare the numbers that two documents have at the same place: a later version adds, renames and rewords."""
    ours, theirs = dict(_numbers(today)), dict(_numbers(base))
    common = ours.keys() & theirs.keys()
    of = f"{len(common)} numbers that both documents have, of {len(ours)} and {len(theirs)}"
    found = differences({key: ours[key] for key in common}, {key: theirs[key] for key in common})
    return Sameness(of, bool(common), tuple(sorted(line.removeprefix(".") for line in found)))


def _accepted(document: Any) -> dict[str, Any]:
    found = document.get("input", {})
    return {key: found[key] for key in ACCEPTED if key in found}


def _same_sessions(today: Path, base: Path) -> Sameness:
    if pq.read_schema(today) != pq.read_schema(base):
        return Sameness("sessions with other columns", known=False)
    found = compare_sessions(today, base)
    different = f"{found.wrong} only of today, {found.missing} only of the base"
    return Sameness("sessions", different=() if found.identical else (different,))


def _numbers(document: Any, path: str = "") -> Iterator[tuple[str, int | float | None]]:
    """Every number, and every unknown one, by its place; not the version of the form."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key != "schema":
                yield from _numbers(value, f"{path}.{key}" if path else key)
    elif isinstance(document, list):
        for i, value in enumerate(document):
            yield from _numbers(value, f"{path}[{i}]")
    elif not isinstance(document, str | bool):
        yield path, document
