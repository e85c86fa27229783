"""What a study declares of its input: the format of its files, their columns, and what an event's fields are made of.

`producer.sources` reads files by this declaration, and the batch oracle does by code of its own.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec

from livelift.checked import Check, is_name

LARGEST = 10**12
"""The largest value of an integer field, and its negative the least: a session's sum of nine million stays an int64."""

MOST_DECIMALS = 6

RESERVED = ("v", "row", "user", "time")
"""What every event has besides its fields."""

DIRECTIVES = {"%Y", "%m", "%d", "%H", "%M", "%S"}
"""Of `time_format`, those of strptime: no names of months, whose language nobody knows."""

ORDERS = ([False] * 3, [True, False, False], [True, True, False], [True] * 3)
"""Which of hour, minute and second a `time_format` can have."""

UNITS = {"seconds": 1_000, "milliseconds": 1, "microseconds": -1_000, "nanoseconds": -1_000_000}
"""Unit of numbers that are times → milliseconds in one of them; negative: how many of them are a millisecond."""


Format = Literal["tsv", "csv", "jsonl", "json", "parquet"]


class FileForm(Protocol):
    """How a file of rows is read, be it the input (`Source`) or a table that is joined to it (`livelift.lookups`).

    `file_glob` and `exclude` tell the file in an archive.
    """

    @property
    def format(self) -> Format: ...

    @property
    def columns(self) -> list[str]: ...

    @property
    def delimiter(self) -> str: ...

    @property
    def file_glob(self) -> str: ...

    @property
    def exclude(self) -> Sequence[str]: ...


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the study file: unknown keys are refused."""


class Source(_Part, frozen=True):
    """The input.

    format
        How a file is read: *tsv* (tabs between, no quotes), *csv* (RFC 4180), *jsonl* (one object a line), *json* (one array of
        objects, or one a line), *parquet*.
    file_glob
        What the file is called; it is looked for in the data folder.
    user, time
        The columns that say who and when. In JSON a dot leads into a nested object.
    not_before, before
        Rows dated outside [not_before, before) are rejected.
    columns
        tsv, csv: the columns' names, where the file's first line does not give them.
    delimiter
        csv: what stands between columns, one character.
    time_format
        Of times that have none of the forms that are read anyhow (docs/07-rejected-rows.md): strptime's `DIRECTIVES`.
    time_unit
        Of times that are numbers; empty: told by the number of digits.
    time_zone
        Of times without an offset: an IANA name.
    several
        All files of one folder that match the glob are the input, by their names one after the other; else there may be one.
    duplicate
        Columns that identify an event: of rows with the same texts there only the first counts, whoever and whenever it was. A row
        where one is empty has no such key. Without it, and beside it, rows of one user and moment that are equal as written
        are duplicates; with an empty list no row is one.
    exclude
        Files that match the glob and are not meant.
    archive_glob
        What the archive is called as it is downloaded.
    where_from
        Where a person gets the data: said if there is no file.
    """

    format: Format
    file_glob: str
    user: str
    time: str
    not_before: date
    before: date
    columns: list[str] = []
    delimiter: str = ","
    time_format: str = ""
    time_unit: Literal["", "seconds", "milliseconds", "microseconds", "nanoseconds"] = ""
    time_zone: str = "UTC"
    several: bool = False
    duplicate: list[str] | None = None
    exclude: list[str] = []
    archive_glob: str = ""
    where_from: str = ""


class Field(_Part, frozen=True):
    """A field of an event.

    type
        *text*, or *integer*: whole numbers from −10¹² to 10¹².
    column
        Where it comes from; empty: the column of the field's name. In JSON a dot leads into a nested object.
    default
        Where the column is empty, null or not there; without one a text is empty then, and an integer rejects the row.
    minimum, maximum, values
        A row whose field lies outside, or is none of the values, is rejected under the rule's name: `amount.minimum`.
    decimals
        Of an integer: the column has so many decimals, and the field counts the units of the last: 2 makes 1999 of 19.99.
    lookup
        The table that has the column (`livelift.lookups`); empty: the events have it.
    """

    type: Literal["text", "integer"]
    column: str = ""
    default: str | int | None = None
    minimum: int | None = None
    maximum: int | None = None
    values: list[str | int] = []
    decimals: int = 0
    lookup: str = ""

    @property
    def is_plain(self) -> bool:
        """Is it its column's text as it stands?"""
        return self.type == "text" and self.default in (None, "") and not self.values and not self.lookup


Fields = dict[str, Field]


def column_of(name: str, field: Field) -> str:
    """The column that a field comes from, of the events or of its lookup's table."""
    return field.column or name


def checks(source: Source, fields: Fields) -> list[Check]:
    """(key, is it wrong, what it has to be) for all that types alone cannot say."""
    in_time_format = re.findall(r"%.?", source.time_format)
    rows = [
        ("source.file_glob", not source.file_glob or "/" in source.file_glob, 'give a file name or a pattern: "*.csv"'),
        ("source.not_before", source.not_before.year < 1970, "use 1970-01-01 or later: no Kafka record is older"),
        ("source.before", source.before <= source.not_before, "it has to be after source.not_before"),
        ("source.file_glob", set(source.file_glob) <= set("*.") and source.file_glob != "*", 'give a name or a pattern: "*.csv"'),
        ("source.archive_glob", "/" in source.archive_glob or "**" in source.archive_glob, "give a file name or a pattern"),
        ("source.archive_glob", source.several and bool(source.archive_glob), "leave it out: with source.several, unpack the archive"),
        ("source.exclude", "" in source.exclude, "give file names"),
        ("source.user", not source.user.strip(), "name the column that says whose event it is"),
        ("source.time", source.time == source.user, "name another column than source.user"),
        ("source.time", not source.time, "name the column that says when it was"),
        *form_checks("source", source),
        (
            "source.time_format",
            bool(in_time_format)
            and (not {"%Y", "%m", "%d"} <= set(in_time_format) <= DIRECTIVES or len(set(in_time_format)) < len(in_time_format)),
            f"use each of {', '.join(sorted(DIRECTIVES))} at most once, and the date whole",
        ),
        ("source.time_format", source.time_format != source.time_format.strip(), "leave out the space at its ends"),
        (
            "source.time_format",
            [part in in_time_format for part in ("%H", "%M", "%S")] not in ORDERS,
            "name hours before minutes, and minutes before seconds",
        ),
        ("source.time_unit", bool(source.time_unit and source.time_format), "leave one out: source.time_format reads the times"),
        (
            "source.time_zone",
            bool(source.time_unit) and source.time_zone != "UTC",
            "leave it out: a number since 1970 has no zone",
        ),
        ("source.time_format", bool(source.time_format) and not in_time_format, 'use strptime\'s form: "%d.%m.%Y %H:%M"'),
        ("source.time_zone", not _is_zone(source.time_zone), 'use an IANA name: "Europe/Berlin"'),
    ]  # fmt: skip
    identifying = source.duplicate or []
    rows += [
        ("source.duplicate", any(not column.strip() for column in identifying), "name columns, or give an empty list"),
        ("source.duplicate", len(set(identifying)) < len(identifying), "name each column once"),
    ]
    named = [
        ("source.user", source.user),
        ("source.time", source.time),
        *(("source.duplicate", column) for column in identifying),
    ]
    for key, column in named:
        rows.append((key, bool(source.columns) and column not in source.columns, one_of(source.columns)))
    for name, field in fields.items():
        rows += _field_checks(f"fields.{name}", name, field, source)
    return rows


def form_checks(key: str, form: FileForm) -> list[Check]:
    """What is wrong with the columns and the delimiter of a file."""
    own = f"leave it out: it is not for {form.format}"
    columns, delimiter = form.columns, form.delimiter
    return [
        (f"{key}.columns", bool(columns) and form.format not in ("tsv", "csv"), own),
        (f"{key}.columns", len(set(columns)) < len(columns), "name each column once"),
        (f"{key}.columns", any(not name.strip() for name in columns), "give every column a name"),
        (f"{key}.delimiter", delimiter != "," and form.format != "csv", own),
        (
            f"{key}.delimiter",
            len(delimiter.encode()) != 1 or delimiter in '"\r\n\0.-+' or delimiter.isalnum(),
            'use one ASCII character: ";"',
        ),
    ]


def _within(value: str | int, field: Field) -> bool:
    """Is it a text, or a number within the field's limits?"""
    if isinstance(value, str):
        return True
    low = -LARGEST if field.minimum is None else field.minimum
    return low <= value <= (LARGEST if field.maximum is None else field.maximum)


def _is_zone(name: str) -> bool:
    """Is it a time zone? Where the machine knows none at all, any may be one: who reads times there says so."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return name == "UTC" or (bool(re.fullmatch(r"[A-Za-z0-9_+/-]+", name)) and not available_timezones())
    return True


def one_of(names: list[str]) -> str:
    return f"use one of: {', '.join(names)}"


def _field_checks(key: str, name: str, field: Field, source: Source) -> list[Check]:
    number = field.type == "integer"
    limits = [limit for limit in (field.minimum, field.maximum) if limit is not None]
    of_type = int if number else str
    missing = bool(source.columns) and not field.lookup and column_of(name, field) not in source.columns
    return [
        (
            key,
            not is_name(name) or name in RESERVED,
            f"call it by lower-case letters, digits and _, and not {', '.join(RESERVED)}",
        ),
        (f"{key}.column" if field.column else key, missing, one_of(source.columns)),
        (f"{key}.minimum", field.minimum is not None and not number, "leave it out: only an integer has one"),
        (f"{key}.maximum", field.maximum is not None and not number, "leave it out: only an integer has one"),
        (f"{key}.decimals", field.decimals != 0 and not number, "leave it out: only an integer has them"),
        (f"{key}.decimals", not 0 <= field.decimals <= MOST_DECIMALS, f"use 0 to {MOST_DECIMALS}"),
        (f"{key}.minimum", any(abs(limit) > LARGEST for limit in limits), f"use a whole number of at most {LARGEST}"),
        (f"{key}.maximum", len(limits) == 2 and limits[0] > limits[1], "it has to be the minimum or more"),
        (
            f"{key}.default",
            field.default is not None and not isinstance(field.default, of_type),
            f"give a{' whole number' if number else ' text'}",
        ),
        (
            f"{key}.default",
            isinstance(field.default, int) and abs(field.default) > LARGEST,
            f"use a whole number of at most {LARGEST}",
        ),
        (
            f"{key}.values",
            not all(isinstance(value, of_type) for value in field.values),
            f"give{' whole numbers' if number else ' texts'}",
        ),
        (
            f"{key}.values",
            any(isinstance(value, int) and not _within(value, field) for value in field.values),
            f"give numbers within minimum and maximum, at most {LARGEST}",
        ),
        (
            f"{key}.default",
            field.default is not None
            and ((bool(field.values) and field.default not in field.values) or not _within(field.default, field)),
            "give one that keeps to the field's own rules",
        ),
    ]
