"""`livelift tables`: the live tables of a study, as of the last midnight that its stream has passed."""

import csv
import json
import sys
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.flags import DEFAULT_STUDY, RunFlag, StudyFlag, run_folder
from cli.show import answers, console
from livelift.escaping import harmless

if TYPE_CHECKING:
    from livelift.study import Study

MOST_SHOWN = 40
"""Rows on a terminal, those of the newest windows; --json and --csv give all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tables", epilog="Example:  livelift tables daily --study ./my_study --json")(tables)


def tables(
    name: Annotated[str | None, typer.Argument(help="Which table; without it they are listed.")] = None,
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
    json_: Annotated[bool, typer.Option("--json", help="An array of objects, one a row, on standard output.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="A table with a header on standard output.")] = False,
) -> None:
    """Show a live table of the current run: by window and keys, or by rank."""
    from livelift.study import load_study
    from local.verdict_reader import read_tables, redis_client

    loaded = load_study(study)
    chosen = _chosen(loaded, name)
    with redis_client(run_folder()) as client:
        found = read_tables(client, loaded, [chosen] if name else list(loaded.tables), run)
    if name is None:
        _list(loaded, {table: len(rows) for table, rows in found.rows.items()}, json_, csv_)
        return
    rows = found.rows[chosen]
    columns = _columns(loaded, chosen)
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif csv_:
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        shown = _newest(rows, loaded.tables[chosen].window)
        _print(columns, shown)
        more = f"; {len(shown)} of {len(rows):,} rows, all with --json or --csv" if len(shown) < len(rows) else ""
        title = loaded.tables[chosen].title or chosen
        console.print(f"{title}, as of {found.as_of}{more}", soft_wrap=True, markup=False)


def _newest(rows: list[dict[str, Any]], window: str) -> list[dict[str, Any]]:
    """The newest windows that fit a terminal; of one with more rows the first.

    >>> rows = [{"day": 1, "n": n} for n in range(30)] + [{"day": 2, "n": n} for n in range(50)]
    >>> [(row["day"], row["n"]) for row in _newest(rows, "day")][:2], len(_newest(rows, "day")), len(_newest(rows[:30], "day"))
    ([(2, 0), (2, 1)], 40, 30)
    """
    if window == "all":
        return rows[:MOST_SHOWN]
    found: list[dict[str, Any]] = []
    for _, of_window in groupby(reversed(rows), key=itemgetter(window)):
        mine = [*of_window][::-1]
        if found and len(found) + len(mine) > MOST_SHOWN:
            break
        found = mine[:MOST_SHOWN] + found
    return found


def _chosen(study: "Study", name: str | None) -> str:
    """The table asked for.

    Raises
    ------
    SettingsError
        If the study has no such table, or none.
    """
    from livelift.errors import SettingsError

    if not study.tables:
        raise SettingsError(
            f"study '{study.name}' declares no tables",
            "name another study with --study, or declare some: docs/14-tables.md",
        )
    if name is not None and name not in study.tables:
        raise SettingsError(f"study '{study.name}' has no table '{name}'", f"use one of: {', '.join(study.tables)}")
    return name or next(iter(study.tables))


def _columns(study: "Study", name: str) -> list[str]:
    table = study.tables[name]
    return [*table.key_columns, *table.values]


def _list(study: "Study", rows: dict[str, int], json_: bool, csv_: bool) -> None:
    """Every table with its columns."""
    listed = [
        {"table": name, "title": table.title, "window": table.window, "columns": _columns(study, name), "rows": rows[name]}
        for name, table in study.tables.items()
    ]  # fmt: skip
    if json_:
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    lines = [{**line, "columns": ", ".join(map(str, line["columns"]))} for line in listed]  # type: ignore[call-overload]
    if csv_:
        writer = csv.DictWriter(sys.stdout, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return
    _print(["table", "window", "rows", "columns"], lines)


def _print(columns: list[str], rows: list[dict[str, Any]]) -> None:
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
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else harmless(str(value))
