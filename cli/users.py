"""`livelift users`: what is kept of each user, and the segments that the user is in, as of the last midnight."""

from typing import Annotated

import typer

from cli.flags import DEFAULT_STUDY, RunFlag, StudyFlag, run_folder
from cli.rows import MOST_SHOWN, print_one, print_rows, write_csv, write_json
from cli.show import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("users", epilog="Example:  livelift users --study shows --json")(users)


def users(
    user: Annotated[str | None, typer.Argument(help="Which user; without it all.")] = None,
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
    json_: Annotated[bool, typer.Option("--json", help="An array of objects, one a user, on standard output.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="A table with a header on standard output.")] = False,
) -> None:
    """Show the users of the current run: their totals over all of their events, and their segments."""
    from livelift.churn import shown_probability
    from livelift.errors import SettingsError
    from livelift.study import load_study
    from livelift.user_tables import USERS
    from local.verdict_reader import read_tables, redis_client

    loaded = load_study(study)
    if not loaded.users.values:
        raise SettingsError(
            f"study '{loaded.name}' keeps nothing of each user",
            "name another study with --study, or declare [users.values]: docs/14-tables.md",
        )
    with redis_client(run_folder()) as client:
        found = read_tables(client, loaded, [USERS], run)
    rows, churn = found.rows[USERS], loaded.churn
    if churn.days:
        values = loaded.users.values
        rows = [row | {"churn": shown_probability(churn, values, found.churn, row)} for row in rows]
    if user is not None:
        rows = [row for row in rows if row["user"] == user]
        if not rows:
            raise SettingsError(
                f"there is no user '{user}' as of {found.as_of}", "livelift users --csv lists those that there are"
            )
    columns = ["user", *loaded.users.values, *loaded.segments, *(["churn"] if churn.days else [])]
    if json_:
        write_json(rows)
    elif csv_:
        write_csv(columns, rows)
    elif user is not None:
        print_one(columns, rows[0])
        console.print(f"as of {found.as_of}", markup=False)
    else:
        left_out = print_rows(columns, rows[:MOST_SHOWN])
        more = f"; {MOST_SHOWN} of {len(rows):,}, all with --json or --csv" if len(rows) > MOST_SHOWN else ""
        more += f"; not shown: {left_out}" if left_out else ""
        console.print(f"Users, as of {found.as_of}{more}", soft_wrap=True, markup=False)
