"""What the docstrings say of a document's types and fields, for the JSON Schema and the reference page: written once."""

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from livelift.document.coding import READINGS
from livelift.document.document import ClassicReading, Document, MetricReadings
from livelift.document.history import HistoryEntry, KeptClassic, KeptGuardrail, KeptMetric, KeptPrimary
from livelift.document.readings import Guardrail, Primary

FULL: dict[type, type] = {
    HistoryEntry: Document,
    KeptMetric: MetricReadings,
    KeptClassic: ClassicReading,
    KeptPrimary: Primary,
    KeptGuardrail: Guardrail,
}
"""What the history keeps → the type of the document whose fields it keeps; they mean the same in both."""

_NAMES = re.compile(r"^\w+(, \w+)*$")


class Field(NamedTuple):
    """A key in JSON.

    name, type
        Its name and its Python type.
    together
        The names of the fields that one text describes in this order, itself among them.
    meaning
        That text.
    """

    name: str
    type: Any
    together: tuple[str, ...]
    meaning: str


def types_of(form: type) -> list[type]:
    """`form` and every type in it, in the order in which its fields lead there."""
    found: dict[type, None] = {}
    _collect(form, found)
    return list(found)


def _collect(kind: type, found: dict[type, None]) -> None:
    if kind not in found:
        found[kind] = None
        for field in fields_of(kind):
            for inner in _inner(field.type):
                _collect(inner, found)


def _inner(annotation: Any) -> Iterator[type]:
    if annotation in READINGS:
        yield from READINGS[annotation]
    elif isinstance(annotation, type) and is_object(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _inner(argument)


def is_object(kind: Any) -> bool:
    """Is this type an object with fields in JSON?"""
    return dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


def fields_of(kind: type) -> list[Field]:
    """The fields of a type in the order of the keys.

    Raises
    ------
    KeyError
        If the docstring says nothing of one.
    """
    hints, meanings = get_type_hints(kind), _meanings(FULL.get(kind, kind))
    return [Field(name, hints[name], *meanings[name]) for name in _names(kind)]


def _names(kind: Any) -> tuple[str, ...]:
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return tuple(kind.__struct_fields__)


def summary_of(kind: type) -> str:
    """What the docstring says before it comes to the fields."""
    return _sections(kind)[0]


Meaning = tuple[tuple[str, ...], str]
"""(the names that the text describes, the text)."""


def _meanings(kind: type) -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for base in reversed(kind.__mro__):
        if is_object(base) and base.__doc__:
            found |= _sections(base)[1]
    return found


def _sections(kind: type) -> tuple[str, dict[str, Meaning]]:
    """(what stands before the fields, field → its text) of a docstring in numpy's style."""
    lines = inspect.cleandoc(kind.__doc__ or "").splitlines()
    before: list[str] = []
    texts: dict[tuple[str, ...], list[str]] = {}
    names: tuple[str, ...] = ()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _NAMES.match(line) and following.startswith("    "):
            names = tuple(line.split(", "))
            texts[names] = []
        elif line.startswith("    ") and names:
            texts[names].append(line.strip())
        elif not names and not following.startswith("---") and not line.startswith("---"):
            before.append(line)
    fields = {name: (names, _in_json(text)) for names, text in texts.items() for name in names}
    return _in_json(before), fields


def _in_json(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split()).replace("None", "null")
