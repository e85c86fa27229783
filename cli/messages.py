"""Prints a command's messages, with names of files and users escaped."""

from cli.show import console
from livelift.escaping import harmless_lines


def say(text: str) -> None:
    """Print `text` on standard error as it is, and nothing that a terminal would obey: it may quote a log or a path."""
    console.print(harmless_lines(text), markup=False, soft_wrap=True)
