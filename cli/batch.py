"""`livelift batch`: computes the study by DuckDB over the whole file, as the oracle for the live verdict."""

from typing import Annotated

import typer

from cli.flags import DEFAULT_STUDY, DataFlag, FromFlag, JsonFlag, StudyFlag, ToFlag, run_folder, selection
from cli.messages import say
from cli.show import console, show_verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("batch", epilog="Example:  livelift batch --data log.tsv --json > batch.json")(batch)


def batch(
    study: StudyFlag = DEFAULT_STUDY,
    data: DataFlag = None,
    json_: JsonFlag = False,
    from_: FromFlag = None,
    to: ToFlag = None,
    why: Annotated[bool, typer.Option("--why", help="Every rule and number behind the verdict.")] = False,
) -> None:
    """Compute the verdict from the file with DuckDB, without Kafka or Redis."""
    from batch.document import batch_document  # DuckDB takes its time to import
    from livelift.document import encode
    from livelift.study import load_study
    from local.input import find_input

    start, end = selection(from_, to)
    loaded = load_study(study)
    path = find_input(data, loaded, run_folder(), say)
    with console.status("reading the file"):
        document, _ = batch_document(path, loaded, select_from=start, select_to=end)
    if json_:
        typer.echo(encode(document, indent=1))
    else:
        show_verdict(document, loaded, why)
