"""A first declaration of a study for a file: its format, columns, types, time and user are guessed from its beginning."""

import glob
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from itertools import islice
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from livelift.checked import is_name
from livelift.errors import InputError, StudyError
from livelift.escaping import harmless
from livelift.source import LARGEST, MOST_DECIMALS, RESERVED, Source
from livelift.study import parse_study
from producer.sources.delimited_rows import delimited_rows
from producer.sources.finding import require_file
from producer.sources.input_file import open_input
from producer.sources.json_rows import json_array_rows, json_line_rows
from producer.sources.moments import TimeOf, time_reader
from producer.sources.parquet_rows import ParquetRows
from producer.sources.rows import Row

ROWS = 5_000
"""From which is guessed."""

MOSTLY = 0.9
"""So many values have to be of a kind."""

TIME_FORMATS = ("", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S")  # fmt: skip
"""Tried in this order; the empty one is the forms that are read without being declared."""

USER = re.compile(
    r"user|customer|client|account|member|visitor|device|person|player|listener|subscriber", re.IGNORECASE
)

_NUMBER = re.compile(r"[+-]?\d{1,13}(?:\.(\d+))?", re.ASCII)

Columns = dict[str, list[str]]
"""Column → its texts in the rows that were looked at; empty where there is none."""


def write_draft(name: str, file: Path, folder: Path) -> list[str]:
    """Write `folder`/study.toml for `file`. Gives what was guessed, sentence by sentence.

    Raises
    ------
    InputError
        If the file is not there, of no kind that is read, or has no column of times.
    StudyError
        If the name cannot be one, or there is a study already.
    """
    if not is_name(name):
        raise StudyError(f"'{name}' is no name for a study", "use lower-case letters, digits and _")
    declaration = folder / "study.toml"
    if declaration.exists():
        raise StudyError(f"there is {declaration} already", "choose another name, or --into another folder")
    if file.is_dir():
        raise InputError(
            f"{file} is a folder", "name one of its files with --from, and write several = true in the draft"
        )
    if not file.exists():
        raise InputError(f"there is no file {file}", "name a file of events with --from")
    require_file(file)
    keys, columns = _read(file)
    user, time, form = _user_and_time(columns, file)
    keys |= {"file_glob": glob.escape(file.name), "user": user, "time": time} | ({"time_format": form} if form else {})
    moments = _moments(columns[time], form)
    text = _filled(name, file, keys, columns, moments)
    parse_study(text.encode(), str(declaration))  # it has to be one that is read
    folder.mkdir(parents=True, exist_ok=True)
    declaration.write_text(text, encoding="utf-8")
    first, last = datetime.fromtimestamp(min(moments) / 1000, UTC), datetime.fromtimestamp(max(moments) / 1000, UTC)
    return [
        f"format {keys['format']}, {len(columns)} columns: {', '.join(columns)}",
        f"user from '{user}', time from '{time}'{f' as {form}' if form else ''}: {first:%Y-%m-%d} to {last:%Y-%m-%d} in the {len(moments):,} rows looked at",
    ]


def _read(file: Path) -> tuple[dict[str, Any], Columns]:
    """The keys of [source] that say how the file is read, and its columns."""
    with file.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            return {"format": "parquet"}, _of_rows(ParquetRows(file, None, ()).rows())
    with open_input(file, lambda _: True) as packed:
        head = packed.stream.read(1 << 20)
    start = head.lstrip()[:1]
    if start == b"[":
        with open_input(file, lambda _: True) as packed:
            names = _keys(json.loads(_first_object(head)))
            return {"format": "json"}, _of_rows(json_array_rows(packed.stream, names, str(file)))
    lines = head.decode("utf-8", "replace").splitlines()
    if start == b"{":
        try:
            names = _keys(json.loads(lines[0]))
        except ValueError as error:
            raise InputError(f"the first line of {file} is no JSON object: {error}", "give one object a line, or one array") from None  # fmt: skip
        with open_input(file, lambda _: True) as packed:
            return {"format": "jsonl"}, _of_rows(json_line_rows(packed.stream, names))
    return _delimited(file, lines)


def _first_object(head: bytes) -> str:
    """The first element of an array, of which `head` is the beginning."""
    text = head.decode("utf-8", "replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text, text.index("{"))
    except ValueError:
        raise InputError("the array does not begin with an object", "give an array of objects") from None
    return text[text.index("{") : end]


def _keys(found: Any, before: str = "") -> list[str]:
    """The columns of an object: its keys, and those of the objects in it with dots."""
    names = []
    for key, value in found.items():
        names += _keys(value, f"{before}{key}.") if isinstance(value, dict) else [f"{before}{key}"]
    return names


def _delimited(file: Path, lines: list[str]) -> tuple[dict[str, Any], Columns]:
    first = lines[0] if lines else ""
    delimiter = max("\t,;|", key=first.count)
    if not first.count(delimiter):
        raise InputError(f"the first line of {file} has no columns", "give CSV, TSV, JSON or Parquet")
    texts = [text.strip('"') for text in first.split(delimiter)]
    keys: dict[str, Any] = {"format": "tsv"} if delimiter == "\t" else {"format": "csv"}
    if delimiter not in "\t,":
        keys["delimiter"] = delimiter
    time_of = _time_of("")
    if any(_NUMBER.fullmatch(text) or time_of(text) is not None or not text for text in texts):  # no header
        keys["columns"] = [f"column_{number}" for number in range(1, len(texts) + 1)]
    source = _source(keys)
    with open_input(file, lambda _: True) as packed:
        return keys, _of_rows(delimited_rows(packed.stream, source, set(), set(), str(file)))


def _source(keys: dict[str, Any]) -> Source:
    whatever = {"file_glob": "*", "user": "?", "time": "?", "not_before": date.min, "before": date.max}
    return msgspec.convert(whatever | keys, Source)


def _of_rows(rows: Iterator[Row]) -> Columns:
    columns: Columns = {}
    for place, row in enumerate(islice(rows, ROWS)):
        for name, cell in (row.cells or {}).items():
            columns.setdefault(name, [""] * place).append(cell if isinstance(cell, str) else "")
    return columns


def _time_of(form: str) -> TimeOf:
    return time_reader(_source({"format": "csv", "time_format": form}))


def _moments(texts: list[str], form: str) -> list[int]:
    read = _time_of(form)
    return [moment for moment in map(read, texts) if moment is not None]


def _user_and_time(columns: Columns, file: Path) -> tuple[str, str, str]:
    """The column of users, that of times, and its form."""
    found = next(
        (
            (name, form)
            for form in TIME_FORMATS
            for name, texts in columns.items()
            if texts and len(_moments(texts, form)) >= MOSTLY * len(texts)
        ),
        None,
    )
    if found is None:
        raise InputError(
            f"no column of {file} holds times in a form that is known; its columns: {', '.join(columns)}",
            "write study.toml by hand, with time_format or time_unit: docs/12-studies.md",
        )
    time, form = found
    others = {name: texts for name, texts in columns.items() if name != time}
    if not others:
        raise InputError(f"{file} has one column", "give a file that says who and when")
    named = [name for name in others if USER.search(name)] or [name for name in others if name.lower().endswith("id")]
    distinct = {name: len(set(texts)) for name, texts in others.items()}
    coming_back = [name for name in others if distinct[name] <= len(others[name]) / 2] or list(others)
    repeated = max(coming_back, key=distinct.__getitem__)
    return (named[0] if named else repeated), time, form


def _filled(name: str, file: Path, keys: dict[str, Any], columns: Columns, moments: list[int]) -> str:
    days = sorted({datetime.fromtimestamp(moment / 1000, UTC).date() for moment in moments})
    first, last = days[0], days[-1]
    before = (last - first).days // 3
    start = first + timedelta(days=before)
    source = keys | {"not_before": first - timedelta(days=365), "before": last + timedelta(days=365)}
    fields, measures = [], []
    for field_name, column in _field_names(columns, keys).items():
        kind = _kind(columns[column])
        renamed = {} if field_name == column else {"column": column}
        fields.append(
            f"{field_name} = {_inline({'type': 'integer' if kind is not None else 'text'} | renamed | ({'decimals': kind} if kind else {}))}"
        )
        measures.append(
            f'# {field_name}_{"sum" if kind is not None else "values"} = {{{"sum" if kind is not None else "distinct"} = "{field_name}"}}'
        )
    return Template((resources.files("producer") / "draft.toml").read_text(encoding="utf-8")).substitute(
        file=harmless(file.name),
        name=name,
        title=_toml(name.replace("_", " ").capitalize()),
        source="\n".join(f"{key} = {_toml(value)}" for key, value in source.items()),
        fields="\n".join(fields),
        measures="\n".join(measures),
        assignment="observed",
        period_start=start,
        period_end=max(last, start + timedelta(days=2)),
        pre_period_days=before,
    )


def _field_names(columns: Columns, keys: dict[str, Any]) -> dict[str, str]:
    """Field → column, of all columns but those of user and time."""
    names: dict[str, str] = {}
    for column in columns:
        if column in (keys["user"], keys["time"]):
            continue
        name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")[:60]
        name = name if is_name(name) and name not in RESERVED else f"field_{name}".rstrip("_")
        while name in names:
            name += "_2"
        names[name] = column
    return names


def _kind(texts: list[str]) -> int | None:
    """How many decimals the numbers of a column have; None where it holds texts. Some rows may hold something else: the study's
    check shows them as rejected."""
    there = [text for text in texts if text]
    numbers = [found for text in there if (found := _NUMBER.fullmatch(text))]
    if not there or len(numbers) < MOSTLY * len(there):
        return None
    decimals = max(len((found[1] or "").rstrip("0")) for found in numbers)
    fits = all(abs(float(found[0])) * 10**decimals <= LARGEST for found in numbers)
    return decimals if decimals <= MOST_DECIMALS and fits else None


def _inline(values: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key} = {_toml(value)}" for key, value in values.items()) + "}"


def _toml(value: object) -> str:
    """A value as TOML writes it: JSON's strings and lists of them are TOML's."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | list | int) else str(value)
