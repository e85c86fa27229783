"""`livelift schema`: the JSON Schema of what the other commands print with `--json`."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema", epilog="Example:  livelift schema > document.schema.json")(schema)


def schema(
    history: Annotated[
        bool, typer.Option("--history", help="Of a line of `livelift history --json` instead of the document.")
    ] = False,
) -> None:
    """Print the JSON Schema of the verdict document, with what each key means and its unit."""
    from livelift.document import Document, HistoryEntry
    from livelift.document.json_schema import json_schema

    typer.echo(json.dumps(json_schema(HistoryEntry if history else Document), indent=2, ensure_ascii=False))
