"""Record format of the dead-letter topic: what was not accepted, why, and where it was. Used by producer and processor."""

import msgspec

SCHEMA = 1

MOST_KEPT_BYTES = 8 << 10
"""What is kept of a line or a value: enough to see what is wrong with it."""

_encode = msgspec.json.Encoder().encode


def encode_letter(reason: str, row: int, line: bytes, **where: int | str) -> bytes:
    """A dead letter as the bytes of its record.

    Parameters
    ----------
    row
        Line of the file, or `row` of the event; −1 where there is none, or none that a 64-bit number can hold.
    line
        What was refused; bytes that are no UTF-8 are written as \\\\xNN, and only the first `MOST_KEPT_BYTES` count.
    where
        Further fields: the partition and offset of a record, its key.
    """
    if not -(1 << 63) <= row < 1 << 63:
        row = -1
    return _encode({"v": SCHEMA, "reason": reason, "row": row, **where, "line": readable(line)})


def readable(text: bytes) -> str:
    """The beginning of `text` as a string.

    >>> readable("ä".encode() + b"\\xff")
    'ä\\\\xff'
    """
    return text[:MOST_KEPT_BYTES].decode("utf-8", "backslashreplace")
