"""`livelift study`: begin a study from a file, and see what a study makes of its input."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.flags import DataFlag, run_folder
from cli.messages import say
from cli.show import answers, console

if TYPE_CHECKING:
    from livelift.study import Study
    from livelift.tables import Table as Declared

SHOWN = 5
"""Events and sessions that are listed."""

MOST_SHOWN = 60
"""Characters of a cell."""

study_app = typer.Typer(no_args_is_help=True, help="Begin a study from a file, or check one: docs/12-studies.md.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    study_app.command("check", epilog="Example:  livelift study check ./my_study --data log.csv")(check)
    study_app.command("new", epilog="Example:  livelift study new my_study --from log.csv")(new)
    app.add_typer(study_app, name="study")


def check(
    study: Annotated[str, typer.Argument(help="The study's name, or its folder.")],
    data: DataFlag = None,
    rows: Annotated[int, typer.Option("--rows", help="How many rows of the file are looked at.")] = 10_000,
) -> None:
    """Read a study and the beginning of its input, and say what was understood."""
    from livelift.errors import SettingsError
    from livelift.study import load_study
    from local.input import find_input
    from producer.sample import sessions_of, take_sample
    from producer.study_warnings import warnings_of

    if rows < 1:
        raise SettingsError(f"--rows {rows} is not possible", "use 1 or more")
    loaded = load_study(study)
    experiment = loaded.experiment
    answers.print(f"study {loaded.name}: {loaded.title}", markup=False)
    answers.print(
        f"{_sessions(loaded)}; period {experiment.period_start} to "
        f"{experiment.period_end}; primary metric {loaded.decision.primary}, guardrails: {', '.join(loaded.guardrails) or 'none'}",
        markup=False,
    )
    if loaded.tables:
        answers.print(f"tables: {', '.join(map(_table, loaded.tables.items()))}", markup=False, soft_wrap=True)
    if loaded.user_tables:
        answers.print(f"tables over users: {', '.join(loaded.user_tables)}", markup=False, soft_wrap=True)
    path = find_input(data, loaded, run_folder(), say)
    sample = take_sample(loaded, path, rows)
    rejected = sum(sample.rejected.values())
    whole = "all of them" if sample.complete else "the first ones"
    answers.print(
        f"{path}: {sample.rows:,} rows ({whole}), {len(sample.events):,} acceptable, {rejected:,} rejected",
        markup=False,
    )
    for name, (there, asked, found) in sample.keys.items():
        lookup = loaded.lookups[name]
        answers.print(
            f"  lookup {name}: {lookup.file} has {there:,} rows; {found:,} of {asked:,} events found theirs by '{lookup.by}'",
            markup=False,
        )
    for reason, number in sample.rejected.most_common():
        line, what, file = sample.examples[reason]
        where = f"line {line} of {file}" if file else f"line {line}"
        answers.print(f"  {number:,} {reason}, the first in {where}: {what}", markup=False, soft_wrap=True)
    if not sample.events:
        return
    if experiment.arm_field:
        answers.print(_arms(loaded, sample.events), markup=False, soft_wrap=True)
    sessions = sessions_of(loaded, sample.events)
    _print_events(sample.events[:SHOWN], list(loaded.fields))
    _print_sessions(sessions[:SHOWN])
    for warning in warnings_of(loaded, sample, sessions):
        answers.print(f"warning: {warning}", markup=False, soft_wrap=True)


def _table(named: "tuple[str, Declared]") -> str:
    """A table by its name, its window and its keys."""
    name, table = named
    rows = table.key_columns
    return f"{name} (a row for each {' and '.join(rows)})" if rows else f"{name} (one row)"


def _arms(study: "Study", events: list) -> str:  # type: ignore[type-arg]
    """How many events of the sample name each arm, and which other values the field has most often."""
    from livelift.escaping import harmless

    experiment = study.experiment
    found = Counter(event.fields[experiment.arm_field] for event in events)
    arms = [
        f"{found.pop(value, 0):,} {value!r} ({name})"
        for value, name in ((experiment.control_value, study.names.control), (experiment.treatment_value, study.names.treatment))
    ]  # fmt: skip
    others = ", ".join(f"{number:,} {harmless(repr(value), MOST_SHOWN)}" for value, number in found.most_common(SHOWN))
    return f"arms by '{experiment.arm_field}', of these events: {', '.join(arms)}; no arm: {others or 'none'}"


def _print_events(events: list, names: list[str]) -> None:  # type: ignore[type-arg]
    from livelift.event_time import to_iso

    table = Table("time (UTC)", "user", *names, box=None, title="first events", title_justify="left")
    for event in events:
        table.add_row(*map(_cell, (to_iso(event.time), event.user, *(event.fields[name] for name in names))))
    answers.print(table)


def _print_sessions(sessions: list) -> None:  # type: ignore[type-arg]
    from livelift.event_time import to_iso

    table = Table("start (UTC)", "user", *sessions[0].measures, box=None, title="first sessions", title_justify="left")
    for session in sessions:
        table.add_row(*map(_cell, (to_iso(session.start), session.user, *session.measures.values())))
    answers.print(table)


def _cell(value: object) -> Text:
    from livelift.escaping import harmless

    return Text(harmless(str(value), MOST_SHOWN))  # names may look like markup


def new(
    name: Annotated[str, typer.Argument(help="The study's name: lower-case letters, digits and _.")],
    file: Annotated[Path, typer.Option("--from", help="A file of its events: CSV, TSV, JSON or Parquet.")],
    into: Annotated[Path, typer.Option("--into", help="The folder in which the study's own is made.")] = Path(),
) -> None:
    """Write a first study.toml for a file: its format, columns, time and user, to be edited."""
    from producer.draft import write_draft

    folder = into / name
    guesses = write_draft(name, file, folder)
    for guess in guesses:
        say(guess)
    console.print(f"wrote {folder / 'study.toml'}: edit it, then  livelift study check {_shown(folder)} --data {file}", markup=False, soft_wrap=True)  # fmt: skip


def _shown(folder: Path) -> str:
    """The folder as --study takes it."""
    return str(folder) if len(folder.parts) > 1 else f"./{folder}"


def _sessions(study: "Study") -> str:
    if study.windows.kind == "row":
        return "each event is a session"
    return f"sessions end after {study.windows.gap_seconds:,} s without an event"
