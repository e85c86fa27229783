"""Other people's text in front of a person: names as they are, and nothing that a terminal obeys."""

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


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
