"""`livelift rejects`: lists rows and events that were not accepted, with the reason."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.flags import DEFAULT_STUDY, RunFlag, StudyFlag, run_folder
from cli.show import answers, console
from cli.stations import KafkaFlag

MOST_SHOWN = 100
"""Characters of a line; `--json` has all that was kept."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rejects", epilog="Example:  livelift rejects --json | jq -r .reason | sort | uniq -c")(rejects)


def rejects(
    study: StudyFlag = DEFAULT_STUDY,
    kafka: KafkaFlag = None,
    run: RunFlag = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")] = False,
) -> None:
    """List the dead letters of the current run: refused rows, late and unreadable events. Needs the stack up."""
    from livelift.escaping import harmless, json_line
    from livelift.names import RunNames
    from livelift.study import load_study
    from local.addresses import kafka_address
    from local.dead_letters import read_dead_letters
    from local.replaying import require_current_run

    folder = run_folder()
    loaded = load_study(study)
    names = RunNames(loaded.name, require_current_run(folder, run, loaded))
    letters = read_dead_letters(kafka_address(folder, kafka), names)
    if json_:
        for letter in letters:
            typer.echo(json_line(letter))
        return
    of_files = ("file", "file_line") if any("file" in letter for letter in letters) else ()
    names_shown = ("reason", "row", *of_files, "line")
    table = Table(*names_shown, box=None)
    for letter in letters:  # `Text`: names may look like markup
        table.add_row(*(Text(harmless(str(letter.get(name, "")), MOST_SHOWN)) for name in names_shown))
    answers.print(table)
    console.print(f"{len(letters):,} dead letters")
