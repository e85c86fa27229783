"""What the programs `python -m bench.NAME` have in common: their arguments, and how a report ends."""

import argparse
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.report import show, write
from bench.subject import Say
from livelift.errors import LiveliftError

Report = dict[str, Any]


def arguments_of(program: str, says: str | None, events: int, out: Path, *, of_events: str = "") -> ArgumentParser:
    """A parser with what every one takes; `says` is the program's own docstring, whose first paragraph is shown."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{program}", description=(says or "").split("\n\n")[0])
    parser.add_argument("--events", type=int, default=events, help=of_events or None)
    parser.add_argument("--runs", type=int, default=3, help="runs of each, in turn (default 3)")
    parser.add_argument("--out", type=Path, default=out)
    return parser


def measure_and_report(
    arguments: Namespace, run: Callable[[Say], Report], line: Callable[[Report], str], equal: str = "equal_to_oracle",
    table: Callable[[Report, Console], None] = show,
) -> None:  # fmt: skip
    """Run, show the table and a line, write the report; exit with 1 where a row's result is not the one it is compared with."""
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 130)
    try:
        report = run(console.print)
    except LiveliftError as error:
        console.print(str(error))
        sys.exit(error.exit_code)
    table(report, console)
    if said := line(report):
        console.print(said)
    write(report, arguments.out)
    console.print(f"wrote {arguments.out}")
    if not all(row[equal] for row in report["rows"]):
        sys.exit(1)
