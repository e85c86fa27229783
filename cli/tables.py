"""`livelift tables`: the live tables of a study, as of the last midnight that its stream has passed."""

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.flags import DEFAULT_STUDY, RunFlag, StudyFlag, run_folder
from cli.rows import MOST_SHOWN, print_rows, write_csv, write_json
from cli.show import console

if TYPE_CHECKING:
    from livelift.study import Study


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
        found = read_tables(client, loaded, [chosen] if name else loaded.table_names, run)
    if name is None:
        _list(loaded, {table: len(rows) for table, rows in found.rows.items()}, json_, csv_)
        return
    rows = found.rows[chosen]
    columns = loaded.table_columns(chosen)
    if json_:
        write_json(rows)
    elif csv_:
        write_csv(columns, rows)
    else:
        shown = _newest(rows, loaded.table_window(chosen))
        left_out = print_rows(columns, shown)
        more = f"; {len(shown)} of {len(rows):,} rows, all with --json or --csv" if len(shown) < len(rows) else ""
        more += f"; not shown: {left_out}" if left_out else ""
        title = _titles(loaded)[chosen] or chosen
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

    if not study.table_names:
        raise SettingsError(
            f"study '{study.name}' declares no tables",
            "name another study with --study, or declare some: docs/14-tables.md",
        )
    if name is not None and name not in study.table_names:
        raise SettingsError(
            f"study '{study.name}' has no table '{name}'", f"use one of: {', '.join(study.table_names)}"
        )
    return name or study.table_names[0]


def _titles(study: "Study") -> dict[str, str]:
    over_users = {name: table.title for name, table in study.user_tables.items()}
    return {name: table.title for name, table in study.tables.items()} | over_users


def _list(study: "Study", rows: dict[str, int], json_: bool, csv_: bool) -> None:
    """Every table with its columns."""
    listed = [
        {"table": name, "title": title, "window": study.table_window(name), "columns": study.table_columns(name), "rows": rows[name]}
        for name, title in _titles(study).items()
    ]  # fmt: skip
    if json_:
        write_json(listed)
        return
    lines = [{**line, "columns": ", ".join(map(str, line["columns"]))} for line in listed]  # type: ignore[call-overload]
    if csv_:
        write_csv(list(lines[0]), lines)
        return
    print_rows(["table", "window", "rows", "columns"], lines)
