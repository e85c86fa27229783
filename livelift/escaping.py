"""Escapes untrusted text for display: names stay readable, control characters and markup have no effect."""

import json
from collections.abc import Callable
from typing import Any

JOINERS = "\u200c\u200d"
"""Invisible, but part of how names and emoji are written."""


def harmless(text: str, most: int | None = None) -> str:
    """`text` with every control, escape and direction character written as an escape; cut after `most` characters.

    >>> harmless("Sigur Rós [/b]"), harmless("a\\x1b[2Jb\\r\\u202e\\ud800")
    ('Sigur Rós [/b]', 'a\\\\x1b[2Jb\\\\r\\\\u202e\\\\ud800')
    >>> harmless("a" * 9, 4)
    'aaaa…'
    """
    is_cut = most is not None and len(text) > most
    shown = text[:most]
    if not shown.isprintable():
        shown = "".join(one if one.isprintable() or one in JOINERS else _escaped(one) for one in shown)
    return f"{shown}…" if is_cut else shown


def harmless_lines(text: str) -> str:
    """`text`, which may have several lines of ours, with each of them made `harmless`.

    >>> print(harmless_lines("what\\n  fix: \\x1b[1m"))
    what
      fix: \\x1b[1m
    """
    return "\n".join(map(harmless, text.split("\n")))


def json_line(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """`value` as JSON on one line: letters of every language as they are, all that a terminal obeys as \\uXXXX.

    >>> json_line({"name": "Sigur Rós\\x9b2J\\ud800"})
    '{"name": "Sigur Rós\\\\u009b2J\\\\ud800"}'
    """
    text = json.dumps(value, ensure_ascii=False, default=default)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in JOINERS else json.dumps(one)[1:-1] for one in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
