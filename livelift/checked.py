"""Checks of a study file: what each says, and what a name is."""

import re
from keyword import iskeyword

Check = tuple[str, bool, str]
"""A key, is it wrong, what it has to be."""


def is_name(name: str) -> bool:
    """Is it a name for a field or a measure: lower-case letters, digits and _, no word of Python?"""
    return re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) is not None and not iskeyword(name)
