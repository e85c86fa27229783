"""One row of an input as its format's reader gives it: texts by column, whatever the format."""

from collections.abc import Mapping
from typing import NamedTuple

Cell = str | None
"""A column's text; None where it is null or not there."""


class NoText:
    """A column that holds an object or a list, where a text or a number is wanted."""


NO_TEXT = NoText()


class Row(NamedTuple):
    """A row.

    number
        Of its first line in the file, or of the row, from 1.
    raw
        Its bytes, for the dead letter and for whoever looks at it.
    cells
        Column → text, of the columns that were asked for; None where `wrong` says why there are none.
    identity
        What is equal in duplicates: the row as written.
    wrong
        A reason to reject it, or empty.
    """

    number: int
    raw: bytes
    cells: Mapping[str, "Cell | NoText"] | None
    identity: str
    wrong: str = ""
