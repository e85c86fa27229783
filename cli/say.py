"""What a command says on the way: plain words, in which the names of files may look like anything."""

from cli.show import console
from livelift.plain_text import harmless_lines


def say(text: str) -> None:
    """Print `text` on standard error as it is, and nothing that a terminal would obey: it may quote a log or a path."""
    console.print(harmless_lines(text), markup=False, soft_wrap=True)
