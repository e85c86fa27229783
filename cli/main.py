"""The command `livelift`. One file a command; here they are put together, and errors are shown to a person."""

import logging
import signal
import sys

import typer
from rich.console import Console

from cli import batch, close, demo, generate, history, rejects, scenario, simulate, stations, verdict
from livelift import __version__
from livelift.errors import LiveliftError
from livelift.plain_text import harmless_lines

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Live A/B verdicts from an event stream: real Kafka, Faust and Redis, and statistics that stay honest.",
    epilog="Start with:  livelift demo   and then:  livelift verdict",
)
for command in (demo, batch, generate, verdict, history, scenario, simulate, close, stations, rejects):
    command.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"livelift {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # a command speaks for itself


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """The console script: errors of ours in two lines; Ctrl-C and SIGTERM end it in good order, with the shell's code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore SIGINT
        signal.signal(number, _interrupt)
    try:
        app()
    except LiveliftError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        for name, text in (("error:", error.what), ("  fix:", error.fix)):
            if text:
                console.print(name, style="bold red" if name == "error:" else "bold", end=" ")
                console.print(harmless_lines(text), markup=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
