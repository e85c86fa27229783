"""One row of an input as its format's reader gives it: texts by column, whatever the format."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from livelift.errors import InputError
from livelift.escaping import harmless

MOST_NAMED = 20
"""Columns that a message names."""

Cell = str | None
"""A column's text; None where it is null or not there."""


class NoText:
    """A column that holds an object or a list, where a text or a number is wanted."""


NO_TEXT = NoText()


class NoRow:
    """A column of a lookup's table that has no row for the event's key."""


NO_ROW = NoRow()


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


def require_columns(
    file: str, there: Sequence[str], used: Collection[str], needed: Collection[str], listed: str
) -> None:
    """Are the needed columns among those that are `there`, and every used one once? `listed` introduces them in the message.

    Raises
    ------
    InputError
        Naming the first that is not.
    """
    for column in sorted(used):
        times = there.count(column)
        if times > 1 or (times == 0 and column in needed):
            shown = ", ".join(harmless(name) for name in there[:MOST_NAMED])
            raise InputError(
                f"{file} has {'no' if times == 0 else 'more than one'} column '{column}'; {listed}: {shown}",
                "name the columns of [source] and [fields] as the file does, or give another file with --data",
            )
