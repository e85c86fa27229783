"""What a study declares of a lookup: a table that is joined to each event by a key, and where its file lies.

The table is read whole and kept in memory by the producer (`producer.sources.lookup_tables`), and by the batch oracle by code of
its own.
"""

import glob
from collections.abc import Sequence
from pathlib import Path

import msgspec

from livelift.checked import Check, is_name
from livelift.errors import InputError
from livelift.source import Fields, Format, Source, column_of, form_checks, one_of

MOST_ROWS = 2_000_000
"""Of a table, and what its rows may have in all: it is kept in memory."""

MOST_BYTES = 256 << 20

_PACKED = ("", ".gz", ".zst")


class Lookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table.

    file
        What its file is called; it is looked for beside the input, then in the study's folder.
    key
        The table's column by which a row is found: each value stands once.
    by
        The events' column that has the key. In JSON a dot leads into a nested object, here and in `key`.
    format, columns, delimiter
        How the file is read, as in `Source`.
    """

    file: str
    format: Format
    key: str
    by: str
    columns: list[str] = []
    delimiter: str = ","

    @property
    def file_glob(self) -> str:
        """The pattern that only this file meets."""
        return glob.escape(self.file)

    @property
    def exclude(self) -> Sequence[str]:
        """Nothing that is called so is another file."""
        return ()


Lookups = dict[str, Lookup]


def columns_read(lookup: str, fields: Fields) -> list[str]:
    """The table's columns that fields come from, each once."""
    return list(dict.fromkeys(column_of(name, field) for name, field in fields.items() if field.lookup == lookup))


def table_file(name: str, lookup: Lookup, data: Path, study_folder: str) -> Path:
    """The file of a table: beside the input `data`, else in the study's folder; the least packed one.

    Raises
    ------
    InputError
        If it is in neither, no file, or too large to be kept in memory.
    """
    folders = [data if data.is_dir() else data.parent, *([Path(study_folder)] if study_folder else [])]
    for folder in folders:
        for packed in _PACKED:
            path = folder / (lookup.file + packed)
            if path.is_file():
                _require_small(name, path)
                return path
            if path.exists():
                raise InputError(f"lookup '{name}': {path} is no file", f"put the table {lookup.file} in its place")
    places = " or ".join(dict.fromkeys(str(folder) for folder in folders))
    raise InputError(
        f"lookup '{name}': there is no {lookup.file} in {places}",
        f"put the table there, or correct lookups.{name}.file of the study",
    )


def _require_small(name: str, path: Path) -> None:
    if path.stat().st_size > MOST_BYTES:
        raise InputError(
            f"lookup '{name}': {path} is larger than {MOST_BYTES >> 20} MiB, too large for a table that is kept in memory",
            "leave out the columns and rows that no field needs",
        )


def checks(source: Source, fields: Fields, lookups: Lookups) -> list[Check]:
    """(key, is it wrong, what it has to be) for all that types alone cannot say."""
    rows: list[Check] = []
    for name, lookup in lookups.items():
        key = f"lookups.{name}"
        known = lookup.columns
        rows += [
            (key, not is_name(name), "call it by lower-case letters, digits and _"),
            (f"{key}.file", not lookup.file.strip() or "/" in lookup.file or lookup.file in (".", ".."), 'give a file name: "users.csv"'),
            (f"{key}.file", lookup.file == source.file_glob, "name another file than source.file_glob: that is the input"),
            (f"{key}.key", not lookup.key.strip(), "name the table's column by which a row is found"),
            (f"{key}.by", not lookup.by.strip(), "name the events' column that has the key"),
            *form_checks(key, lookup),
            (f"{key}.key", bool(known) and lookup.key not in known, one_of(known)),
            (f"{key}.by", bool(source.columns) and lookup.by not in source.columns, one_of(source.columns)),
        ]  # fmt: skip
    for name, field in fields.items():
        if not field.lookup:
            continue
        key = f"fields.{name}"
        if (table := lookups.get(field.lookup)) is None:
            fix = one_of(list(lookups)) if lookups else f"declare [lookups.{field.lookup}]"
            rows.append((f"{key}.lookup", True, fix))
        else:
            missing = bool(table.columns) and column_of(name, field) not in table.columns
            rows.append((f"{key}.column" if field.column else key, missing, one_of(table.columns)))
    used = {field.lookup for field in fields.values()}
    rows += [
        (f"lookups.{name}", name not in used, f'let a field have lookup = "{name}", or leave the table out')
        for name in lookups
    ]
    return rows
