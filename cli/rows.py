"""Rows of a table, as a person or a program wants them: on a terminal, as JSON, as CSV."""

import csv
import json
import sys
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from cli.show import answers
from livelift.escaping import harmless

MOST_SHOWN = 40
"""Rows on a terminal; --json and --csv give all."""


def write_json(rows: list[dict[str, Any]]) -> None:
    """An array of objects, one a row."""
    typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))


def write_csv(columns: list[str], rows: list[dict[str, Any]]) -> None:
    """A header, then a line a row."""
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def print_rows(columns: list[str], rows: list[dict[str, Any]]) -> None:
    """A table on a terminal."""
    table = Table(box=None)
    for column in columns:
        table.add_column(column, justify="left" if any(isinstance(row[column], str) for row in rows) else "right")
    for row in rows:  # `Text`: names may look like markup
        table.add_row(*(Text(_shown(row[column])) for column in columns))
    answers.print(table)


def _shown(value: Any) -> str:
    """A cell for a person: separated thousands, two decimals, a dash for what is not known.

    >>> _shown(1234567), _shown(0.5), _shown(None), _shown("CA")
    ('1,234,567', '0.50', '–', 'CA')
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else harmless(str(value))
