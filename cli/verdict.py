"""`livelift verdict`: shows the verdict that Redis holds, also after everything stopped."""

import time
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli import history
from cli.flags import DEFAULT_STUDY, JsonFlag, RunFlag, StudyFlag, moment, run_folder
from cli.interrupts import interruption
from cli.show import answers, console, show_verdict

if TYPE_CHECKING:
    from livelift.study import Study

WATCH_SECONDS = 0.25


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "verdict",
        epilog="Examples:  livelift verdict --watch   livelift verdict --why   livelift verdict --json   livelift verdict --as-of 2009-04-01",
    )(verdict)


def verdict(
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
    json_: JsonFlag = False,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The verdict as it stood then (UTC).")] = None,
    why: Annotated[bool, typer.Option("--why", help="Every rule, number and promise behind the decision.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing it as it changes, until Ctrl-C.")] = False,
) -> None:
    """Show the study's verdict from Redis: the current one, or as it stood at a time."""
    from livelift.document import encode
    from livelift.errors import SettingsError, StateError
    from livelift.study import load_study
    from local.verdict_reader import no_verdict, read_verdict, redis_client

    loaded = load_study(study)
    if watch and (json_ or as_of is not None):
        raise SettingsError("--watch goes with neither --json nor --as-of", "leave one of them out")
    if watch:
        _watch(loaded)
    then = moment(as_of, "--as-of")
    if as_of is not None and then is not None:
        entry = history.at(loaded, then, as_of, run)
        if json_:
            typer.echo(encode(entry, indent=1))
            return
        for line in history.told(entry, loaded):
            answers.print(line, markup=False)
        return
    with redis_client(run_folder()) as client:
        document = read_verdict(client, loaded.name, run=run)
    if document is None:
        raise StateError(f"there is no verdict of study '{loaded.name}' yet", no_verdict(loaded))
    if json_:
        typer.echo(encode(document, indent=1))
    else:
        show_verdict(document, loaded, why)


def _watch(study: "Study") -> NoReturn:
    """Show the newest document, and how the stations that run in this folder stand, again and again."""
    from cli.live import LiveTerminal
    from local.pipeline_reading import PipelineReader
    from local.verdict_reader import read_newest, redis_client

    folder = run_folder()
    with (
        redis_client(folder) as client,
        LiveTerminal(console, study, PipelineReader(folder.metric_targets, study.name)) as terminal,
    ):
        while True:
            terminal.update(read_newest(client, study.name))
            interruption.raise_if_noted()
            time.sleep(WATCH_SECONDS)
