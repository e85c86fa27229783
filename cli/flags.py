"""Flags shared by several commands, and the parsing of their values."""

import os
from pathlib import Path
from typing import Annotated

import typer

from livelift import settings
from livelift.errors import SettingsError
from livelift.event_time import from_iso
from local.processes import PRIVATE
from local.run_folder import RunFolder

StudyFlag = Annotated[
    str, typer.Option("--study", help="Which study: its name, or its folder (./my_study).", envvar=settings.STUDY)
]
DEFAULT_STUDY = settings.DEFAULTS[settings.STUDY]
DataFlag = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The input file, packed or not, or the folder of several. Default: the study's file in data/raw/.",
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print the document as JSON on standard output.")]
FromFlag = Annotated[str | None, typer.Option("--from", help="Only events from this date or time on (UTC).")]
ToFlag = Annotated[str | None, typer.Option("--to", help="Only events before this date or time (UTC).")]
RunFlag = Annotated[str | None, typer.Option("--run", help="Which run; default: the current one.", envvar=settings.RUN)]
PartitionsFlag = Annotated[int, typer.Option("--partitions", help="Partitions of the events topic.")]
SpeedFlag = Annotated[str, typer.Option("--speed", help="'max', or a multiple of real time: 600x, 86400x.")]


def moment(text: str | None, flag: str) -> int | None:
    """The flag's date or time in ms.

    Raises
    ------
    SettingsError
        If it is neither.
    """
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError:
        raise SettingsError(
            f"{flag} {text} is no date", f"use {flag} 2009-03-01 or {flag} 2009-03-01T12:00:00"
        ) from None


def selection(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """The flags --from and --to in ms.

    Raises
    ------
    SettingsError
        If nothing can lie between them.
    """
    first, until = moment(start, "--from"), moment(end, "--to")
    if first is not None and until is not None and first >= until:
        raise SettingsError(f"--from {start} is not before --to {end}", "give --to a later date")
    return first, until


def check_partitions(partitions: int) -> int:
    """Raises `SettingsError` for a count that Kafka or the machine can't take."""
    if not 1 <= partitions <= 256:
        raise SettingsError(f"--partitions {partitions} is not possible", "use a whole number from 1 to 256")
    return partitions


def run_folder() -> RunFolder:
    """The folder of runs, as set. It and what this process writes from now on are the user's alone.

    Raises
    ------
    SettingsError
        If there is something else in its place.
    """
    folder = settings.folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise SettingsError(f"{settings.FOLDER} is '{folder}', and {there} is no folder", "name a folder, new or empty")
    os.umask(PRIVATE)
    if there == folder and folder.name == settings.DEFAULTS[settings.FOLDER] and folder.stat().st_mode & PRIVATE:
        folder.chmod(0o700)  # an earlier version made it; any other folder that was there has its own rights
    return RunFolder(folder)
