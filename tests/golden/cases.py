"""Golden cases: small inputs whose answers were worked out by hand from the definitions, one folder each.

    NNN_name/
        description.md    what the case pins down, and the arithmetic where there is some
        input.tsv         the exact bytes of the file
        sessions.json     every closed session, in the order (end, user)
        document.json     parts of the document that `--json` prints; `{"refused": true}` where the input is refused
        selection.json    `from` and `to` of a selected range, where the case has one
        sums.json         metric → variant → n, Σy, Σy², Σx, Σx², Σxy over all buckets, where the case is about them

Whoever computes sessions and documents runs over all of them: the batch oracle in `test_golden_oracle.py`.
"""

import json
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

from livelift.event_time import from_iso

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class GoldenCase:
    """One folder. `select_from` and `select_to` are ms, None where the whole file is read."""

    name: str
    data: Path
    sessions: list[dict[str, Any]]
    document: dict[str, Any]
    select_from: int | None
    select_to: int | None
    sums: dict[str, dict[str, list[int]]]

    @property
    def refused(self) -> bool:
        """No row is acceptable: there is no stream and no verdict."""
        return bool(self.document.get("refused", False))


def load_cases() -> list[GoldenCase]:
    """Every case, by number."""
    return [_load(folder) for folder in sorted(FOLDER.glob("[0-9][0-9][0-9]_*"))]


def differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Where `actual` is not as `expected`; keys that `expected` does not name are free, floats are equal to 1e-9.

    >>> differences({"a": {"b": 1.0}}, {"a": {"b": 2.0, "c": 3}})
    ['a.b: expected 1.0, got 2.0']
    """
    if isinstance(expected, dict) and isinstance(actual, dict) and path != "input.rejected":
        return [
            line
            for key, value in expected.items()
            for line in differences(value, actual.get(key, "nothing"), f"{path}.{key}".lstrip("."))
        ]
    if isinstance(expected, float) and isinstance(actual, int | float):
        same = isclose(expected, actual, rel_tol=1e-9, abs_tol=1e-12)
    else:
        same = expected == actual
    return [] if same else [f"{path}: expected {expected!r}, got {actual!r}"]


def _load(folder: Path) -> GoldenCase:
    selection = _read(folder / "selection.json", {})
    return GoldenCase(
        name=folder.name,
        data=folder / "input.tsv",
        sessions=_read(folder / "sessions.json"),
        document=_read(folder / "document.json"),
        select_from=from_iso(selection["from"]) if "from" in selection else None,
        select_to=from_iso(selection["to"]) if "to" in selection else None,
        sums=_read(folder / "sums.json", {}),
    )


def _read(file: Path, without: Any = None) -> Any:
    """The JSON in `file`; `without` it, if given, the file may be missing."""
    if without is not None and not file.exists():
        return without
    return json.loads(file.read_text(encoding="utf-8"))
