"""`livelift history`: every tick that the current run has kept, and `verdict --as-of` one of them."""

import csv
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.flags import DEFAULT_STUDY, RunFlag, StudyFlag, run_folder
from cli.show import DECISIONS, answers, interval, percent
from stats.words.formatting import p_value

if TYPE_CHECKING:
    from livelift.document import HistoryEntry
    from livelift.study import Study

COLUMNS = ("as_of", "decision", "why", "look", "lift", "se", "p", "low", "high", "users_control", "users_treatment")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("history", epilog="Example:  livelift history --csv > history.csv")(history)


def history(
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="A table with a header on standard output.")] = False,
    openmetrics: Annotated[
        bool, typer.Option("--openmetrics", help="Samples in event time, for `promtool tsdb create-blocks-from`.")
    ] = False,
) -> None:
    """Show every look and tick of the current run, oldest first."""
    from livelift.study import load_study

    loaded = load_study(study)
    if openmetrics:
        typer.echo(event_time(loaded, run), nl=False)
        return
    from livelift.document import encode

    entries = read(loaded, run)
    if json_:
        for entry in entries:
            typer.echo(encode(entry))
        return
    rows = [row(entry) for entry in entries]
    if csv_:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return
    table = Table("as of", "decision", "look", "lift", "always valid", "p", box=None)
    for line in rows:
        words, style = DECISIONS[line["decision"]]
        bounds = None if line["low"] is None else (line["low"], line["high"])
        table.add_row(
            line["as_of"],
            f"[{style}]{words}[/]",
            str(line["look"]),
            percent(line["lift"]),
            interval(bounds),
            shown(line["p"]),
        )
    answers.print(table)


def told(entry: "HistoryEntry", study: "Study") -> list[str]:
    """A tick for a person: the decision first, the numbers with their names and units, then every rule."""
    line, progress = row(entry), entry.progress
    bounds = None if line["low"] is None else (line["low"], line["high"])
    moment = line["as_of"][:16].replace("T", " ")
    return [
        f"{DECISIONS[line['decision']][0]}   as of {moment}, look {line['look']} of {progress.looks}",
        entry.summary,
        f"lift {percent(line['lift'])}, always-valid interval {interval(bounds)}, p {shown(line['p'])}",
        f"counted: {line['users_control']:,} users in {study.names.control}, {line['users_treatment']:,} in "
        f"{study.names.treatment}",
        *(f"  {reason}" for reason in entry.reasons),
    ]


def shown(p: float | None) -> str:
    """A p-value; unknown is a dash.

    >>> shown(0.03058), shown(1e-9), shown(None)
    ('0.031', '< 0.001', '–')
    """
    return "–" if p is None else p_value(p)


def read(study: "Study", run: str | None = None) -> "list[HistoryEntry]":
    """The history of the study's current run, or of `run`.

    Raises
    ------
    StateError
        If there is none.
    """
    from livelift.errors import StateError
    from local.verdict_reader import no_verdict, read_history, redis_client

    with redis_client(run_folder()) as client:
        entries = read_history(client, study.name, run)
    if not entries:
        raise StateError(f"study '{study.name}' has no history yet", no_verdict(study))
    return entries


def event_time(study: "Study", run: str | None = None) -> bytes:
    """The history as OpenMetrics text.

    Raises
    ------
    StateError
        If there is none.
    """
    from livelift.errors import StateError
    from local.verdict_reader import no_verdict, read_event_time, redis_client

    with redis_client(run_folder()) as client:
        text = read_event_time(client, study, run)
    if text is None:
        raise StateError(f"study '{study.name}' has no history yet", no_verdict(study))
    return text


def row(entry: "HistoryEntry") -> dict[str, Any]:
    """The numbers of a tick that a table has room for; the primary's reading."""
    reading, users = entry.deciding, entry.variants
    low, high = reading.ci or (None, None)
    return {
        "as_of": entry.as_of,
        "decision": entry.decision,
        "why": entry.why,
        "look": entry.progress.look,
        "lift": reading.lift,
        "se": reading.se,
        "p": reading.p,
        "low": low,
        "high": high,
        "users_control": users["control"].users_included,
        "users_treatment": users["treatment"].users_included,
    }


def at(study: "Study", moment: int, text: str, run: str | None = None) -> "HistoryEntry":
    """The last tick at or before `moment` ms; `text` is how it was asked for.

    Raises
    ------
    StateError
        If the history begins later.
    """
    from livelift.errors import StateError
    from livelift.event_time import from_iso

    entries = [entry for entry in read(study, run) if from_iso(entry.as_of) <= moment]
    if not entries:
        raise StateError(f"there is no tick at or before {text}", "ask for a later time: livelift history lists them")
    return entries[-1]
