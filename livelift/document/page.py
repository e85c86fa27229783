"""The reference page of the document, docs/13-document.md, written from the types: `python -m livelift.document.page`."""

from collections.abc import Iterator
from functools import reduce
from itertools import groupby
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from livelift.document import Document, HistoryEntry
from livelift.document.coding import READINGS, SCHEMA
from livelift.document.described import FULL, Field, fields_of, is_object, summary_of, types_of
from livelift.document.readings import Interval

PAGE = Path(__file__).parents[2] / "docs" / "13-document.md"

INTRODUCTION = f"""# The verdict document

One JSON object says everything that is known of a study as of one tick: the decision, why, and every number behind it. It is what
`livelift verdict --json`, `livelift demo --json` and `livelift batch --json` print, what Redis holds under `livelift:STUDY:verdict`
and, for each run, under `livelift:STUDY:RUN:verdict`, and what is published on the channel `livelift:STUDY:changes`.

```sh
livelift schema > document.schema.json
livelift schema --history > entry.schema.json
```

These print its JSON Schema, and that of an entry of the history. **Units**: lifts, shares and ends of their intervals are fractions
(0.05 = +5 %), means are in the metric's `unit`, p-values are probabilities, times are ISO 8601 in UTC. **`null` is unknown**, never 0;
infinity and NaN do not occur. **Versions**: `schema` is {SCHEMA}. The program refuses a document of another number and says so;
within one number keys may be added, and none is removed or changes its meaning.

This page and the schema are written from the types in `livelift/document/`:

```sh
python -m livelift.document.page
```
"""

NAMES: dict[Any, str] = {
    int: "integer", float: "number", int | float: "number", str: "text", bool: "true or false", Interval: "[low, high]",
    tuple[int, int]: "[integer, integer]",
}  # fmt: skip


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION]
    for kind in types_of(Document):
        lines += [f"## {kind.__name__}", "", f"{summary_of(kind)}", "", *_table(kind), ""]
    lines += [
        "## The history",
        "",
        "`livelift history --json` prints one entry a tick, oldest first, and Redis holds them in the stream `livelift:STUDY:RUN:ticks`.",
        "An entry keeps these keys of the tick's document, and they mean what they mean there.",
        "",
        "| of | kept |",
        "| --- | --- |",
    ]
    for kind in types_of(HistoryEntry):
        if kind in FULL:
            lines.append(f"| {_link(FULL[kind])} | {', '.join(f'`{field.name}`' for field in fields_of(kind))} |")
    return "\n".join(lines) + "\n"


def _table(kind: type) -> Iterator[str]:
    yield "| key | value | meaning |"
    yield "| --- | --- | --- |"
    for _, together in groupby(fields_of(kind), key=lambda field: (field.together, named(field.type))):
        yield _row(list(together))


def _row(fields: list[Field]) -> str:
    first = fields[0]
    keys = ", ".join(f"`{field.name}`" for field in fields)
    others = [name for name in first.together if name not in {field.name for field in fields}]
    of = f"{', '.join(f'`{name}`' for name in first.together)}: " if others else ""
    return f"| {keys} | {named(first.type)} | {of}{_escaped(first.meaning)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def named(annotation: Any) -> str:
    """A type in the words of JSON.

    >>> named(float | None), named(tuple[str, ...]), named(dict[str, int])
    ('number or null', 'array of text', 'object: name → integer')
    """
    if annotation in NAMES:
        return NAMES[annotation]
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        some = tuple(argument for argument in arguments if argument is not NoneType)
        return f"{named(reduce(or_, some))} or null"
    if origin is tuple:
        return f"array of {named(arguments[0])}"
    if origin is dict:
        return f"object: name → {named(arguments[1])}"
    if annotation in READINGS:
        return " or ".join(_link(kind) for kind in READINGS[annotation])
    assert is_object(annotation), annotation
    return _link(annotation)


def _link(kind: type) -> str:
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
