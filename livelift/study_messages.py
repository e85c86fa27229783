"""What is said of a study file that does not fit its types: the key in plain words, and what to write instead."""

import re
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

EXAMPLE = "compare the key with docs/12-studies.md"
EXAMPLE_OF_TABLES = "compare the key with docs/14-tables.md"

TABLES = (["tables"], ["users"], ["segments"], ["user_tables"], ["churn"])
"""Beginnings of the keys that docs/14-tables.md has."""


def given(raw: Any, key: str) -> str:
    """What the file has at the key, as ": 'text'"; nothing where it has none, or a table.

    >>> given({"decision": {"primary": "revenue"}}, "decision.primary"), given({}, "decision.primary")
    (": 'revenue'", '')
    """
    for part in key.split("."):
        raw = raw.get(part) if isinstance(raw, dict) else None
    return "" if raw is None or isinstance(raw, dict) else f": {raw!r}" if isinstance(raw, str | list) else f": {raw}"


def explained(message: str, raw: Any, root: Any) -> tuple[str, str]:
    """msgspec's `… - at `$.sessions.gap`` with the key in plain words, and the fix; `root` is the type that was read."""
    match = re.search(r"^(.*?) - at `(?:key in )?\$\.?(.*)`$", message)
    if not match or not match[2]:
        wrong = match[1] if match else message
        return wrong, _fix(wrong, [], raw, root)
    path, wrong = match[2], match[1]
    while "[...]" in path:  # of a table of tables it says neither which
        before, _, rest = path.partition("[...]")
        place, here = before.split("."), raw
        of = next((get_args(one)[1] for one in _types(place, root) if get_origin(one) is dict), None)
        for part in place:
            here = here[part]
        name = None if of is None else _first_unfit(here, of)
        if name is None:
            break
        path = f"{before}.{name}{rest}"
    return f"key '{path}': {wrong}", _fix(wrong, path.split("."), raw, root)


def _first_unfit(table: dict[str, Any], of: Any) -> str | None:
    """The first key whose value is no `of`."""
    for name, value in table.items():
        try:
            msgspec.convert(value, of)
        except msgspec.ValidationError:
            return name
    return None


def _fix(wrong: str, path: list[str], raw: Any, root: Any) -> str:
    """What the type of the key at `path` allows, where it lists that, or what is missing there of `raw`."""
    example = EXAMPLE_OF_TABLES if path[:1] in TABLES else EXAMPLE
    kinds = _types(path, root)
    choices = next((get_args(one) for one in kinds if get_origin(one) is Literal), ())
    if choices and wrong.startswith("Invalid enum"):
        return f"use one of: {', '.join(choice for choice in choices if choice)}"
    if wrong.startswith("Object missing required field"):
        for part in path:
            raw = raw.get(part, {}) if isinstance(raw, dict) else {}
        needed = next((msgspec.structs.fields(one) for one in kinds if _is_struct(one)), ())
        missing = [field.name for field in needed if field.required and field.name not in raw]
        return f"add {', '.join(missing)}: {example.rpartition(' ')[2]} says what each is"
    keys = next((one.__struct_fields__ for one in kinds if _is_struct(one)), ())
    if keys and wrong.startswith("Object contains unknown field"):
        return f"use one of: {', '.join(key for key in keys if key not in NOT_WRITTEN)}; {example}"
    return example


def _types(path: list[str], root: Any) -> tuple[Any, ...]:
    """The types that the key at `path` of a `root` may have."""
    kinds: tuple[Any, ...] = (root,)
    for part in path:
        tables = [get_args(one)[1] for one in kinds if get_origin(one) is dict]
        structs = [one for one in kinds if _is_struct(one)]
        kinds = (*tables, *(get_type_hints(one)[part] for one in structs if part in get_type_hints(one)))
        kinds = tuple(inner for one in kinds for inner in (get_args(one) if get_origin(one) in UNIONS else (one,)))
    return kinds


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


NOT_WRITTEN = ("fingerprint", "folder")
"""Of a study, what its file does not say."""

UNIONS = (Union, UnionType)
