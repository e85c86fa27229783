"""`livelift verdict`: what Redis says, also after everything stopped."""

import json

import typer

from cli.flags import JsonFlag, StudyFlag, run_folder
from cli.show import show_verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verdict", epilog="Example:  livelift verdict --json | jq .decision")(verdict)


def verdict(study: StudyFlag = "lastfm", json_: JsonFlag = False) -> None:
    """Show the study's current verdict from Redis."""
    from livelift.errors import StateError
    from livelift.study import load_study
    from local.verdict_reader import NO_VERDICT, read_verdict, redis_client

    loaded = load_study(study)
    with redis_client(run_folder()) as client:
        document = read_verdict(client, study)
    if document is None:
        raise StateError(f"there is no verdict of study '{study}' yet", NO_VERDICT)
    if json_:
        typer.echo(json.dumps(document, indent=1))
    else:
        show_verdict(document, loaded)
