"""Rows of a table, as a person or a program wants them: on a terminal, as JSON, as CSV."""

import csv
import json
import sys
from itertools import accumulate
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
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


def print_rows(columns: list[str], rows: list[dict[str, Any]]) -> str:
    """A table on a terminal, with as many columns as it is wide; elsewhere all. Says which are left out, "" if none is."""
    cells = [[_shown(row[column]) for row in rows] for column in columns]
    widths = [max(map(cell_len, [column, *texts])) + 2 for column, texts in zip(columns, cells, strict=True)]
    fit = len(columns)
    if answers.is_terminal:
        fit = max(1, sum(total <= answers.width for total in accumulate(widths)))
    table = Table(box=None)
    for column in columns[:fit]:
        text = any(isinstance(row[column], str) for row in rows)
        table.add_column(column, justify="left" if text else "right")
    for row in zip(*cells[:fit], strict=True):
        table.add_row(*map(Text, row))  # `Text`: names may look like markup
    (answers if answers.is_terminal else Console(file=sys.stdout, width=max(80, sum(widths)))).print(table)
    return ", ".join(columns[fit:])


def print_one(columns: list[str], row: dict[str, Any]) -> None:
    """One row, a line a column."""
    table = Table(box=None, show_header=False)
    for column in columns:
        table.add_row(column, Text(_shown(row[column])))
    answers.print(table)


def _shown(value: Any) -> str:
    """A cell for a person: separated thousands, two decimals, of less than 1 four; a dash for what is not known.

    >>> _shown(1234567), _shown(0.5), _shown(1.5), _shown(None), _shown("CA")
    ('1,234,567', '0.5000', '1.50', '–', 'CA')
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else harmless(str(value))
