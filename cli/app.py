"""Registers the commands of `livelift`, one file each."""

import logging

import typer

from cli import (
    batch,
    churn,
    close,
    demo,
    generate,
    history,
    rejects,
    runs,
    scenario,
    schema,
    simulate,
    stations,
    study,
    tables,
    users,
    verdict,
)
from livelift import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Live A/B verdicts from an event stream: real Kafka, Faust and Redis, and statistics that stay honest.",
    epilog="Start with:  livelift demo   and then:  livelift verdict",
)
for command in (
    demo,
    batch,
    generate,
    verdict,
    history,
    runs,
    scenario,
    schema,
    simulate,
    close,
    stations,
    rejects,
    tables,
    users,
    churn,
    study,
):
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
