"""`livelift verdict`: what Redis says, also after everything stopped."""

import json
from typing import Annotated

import typer

from cli import history
from cli.flags import JsonFlag, StudyFlag, moment, run_folder
from cli.show import console, show_verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verdict", epilog="Examples:  livelift verdict --json   livelift verdict --as-of 2009-04-01")(verdict)


def verdict(
    study: StudyFlag = "lastfm",
    json_: JsonFlag = False,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The verdict as it stood then (UTC).")] = None,
) -> None:
    """Show the study's verdict from Redis: the current one, or as it stood at a time."""
    from livelift.errors import StateError
    from livelift.study import load_study
    from local.verdict_reader import NO_VERDICT, read_verdict, redis_client

    loaded = load_study(study)
    then = moment(as_of, "--as-of")
    if as_of is not None and then is not None:
        entry = history.at(study, then, as_of)
        if json_:
            typer.echo(json.dumps(entry, indent=1))
            return
        for name, value in history.row(entry, study).items():
            console.print(f"{name.replace('_', ' ')}: {'–' if value is None else value}")
        for reason in entry["reasons"]:
            console.print(f"  {reason}", markup=False)
        return
    with redis_client(run_folder()) as client:
        document = read_verdict(client, study)
    if document is None:
        raise StateError(f"there is no verdict of study '{study}' yet", NO_VERDICT)
    if json_:
        typer.echo(json.dumps(document, indent=1))
    else:
        show_verdict(document, loaded)
