"""`livelift runs`: lists every run with its progress and decision."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli.flags import run_folder
from cli.show import DECISIONS, answers

if TYPE_CHECKING:
    from local.runs import KnownRun


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("runs", epilog="Example:  livelift runs   and then:  livelift verdict --run RUN")(runs)


def runs(
    study: Annotated[
        str, typer.Option("--study", help="Only runs of this study (its name or folder); default: of all.")
    ] = "*",
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")] = False,
) -> None:
    """List the runs, oldest first; the one that is read without --run is marked."""
    from livelift.errors import StateError
    from livelift.study import load_study
    from livelift.study_folders import is_path
    from local.runs import all_runs
    from local.verdict_reader import NO_VERDICT, no_verdict, redis_client

    folder = run_folder()
    loaded = load_study(study) if is_path(study) else None
    study = study if loaded is None else loaded.name
    with redis_client(folder) as client:
        found = all_runs(client, folder, study)
    if json_:
        for run in found:
            typer.echo(json.dumps(asdict(run)))
        return
    if not found:
        if study == "*":
            raise StateError("there is no run yet", NO_VERDICT)
        loaded = loaded or load_study(study)  # of a study that is gone there may be runs; without any it has to be one
        raise StateError(f"there is no run of study '{loaded.name}' yet", no_verdict(loaded))
    table = Table("", "run", "study", "begun", "how far", "decision", box=None)
    for run in found:
        words = "–" if run.decision is None else DECISIONS[run.decision][0]
        table.add_row(
            "*" if run.current else "", escape(run.run), escape(run.study), run.begun or "–", _how_far(run), words
        )
    answers.print(table)


def _how_far(run: "KnownRun") -> str:
    if run.as_of is None:
        return "before the first tick"
    return f"complete, {run.as_of[:10]}" if run.complete else f"up to {run.as_of[:10]}"
