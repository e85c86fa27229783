"""Finds the listening log: the published file, packed or not, or the downloaded archive, in a folder or below it."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from livelift.errors import InputError, MissingInputError
from livelift.plain_text import harmless
from livelift.study import Study

MOST_FOLDERS = 3
"""How far below the folder it is looked for: archives unpack into folders of their own."""

_PROFILES = "userid-profile.tsv"  # the data set's other file: who the users are
_ARCHIVES = "lastfm-dataset-*.tar*"  # the data set as downloaded
_PACKED = (".gz", ".zst")
_NAMED = 5
"""Files that a message names at most."""

_DOWNLOAD = (
    "download Last.fm 1K Users by Òscar Celma from http://ocelma.net/MusicRecommendationDataset/lastfm-1K.html "
    "and put userid-timestamp-artid-artname-traid-traname.tsv, or the downloaded archive, under data/raw/"
)


def find(data: Path, study: Study) -> Path:
    """The input file: `data` itself, or the one in the folder `data` or, if there is none, below it.

    Raises
    ------
    MissingInputError
        If there is no folder, or nothing in it.
    InputError
        If there is more than one, none among other files, or `data` is no file that can be read again.
    """
    if not data.exists():
        raise MissingInputError(f"No Last.fm data files found: there is no {data}", _DOWNLOAD)
    if not data.is_dir():
        require_file(data)
        return data
    try:
        there = sorted(os.listdir(data))
    except OSError as error:
        raise InputError(f"{data} cannot be read: {error.strerror}", "check its permissions") from None
    pattern = study.input.file_glob
    for found in _found(data, pattern):
        if len(found) > 1:
            names = _listed([str(path.relative_to(data)) for path in found])
            raise InputError(f"{len(found)} data files in {data}: {names}", "keep one, or name it with --data")
        require_file(found[0])
        return found[0]
    others = [name for name in there if not name.startswith(".") and not name.upper().startswith("README")]
    if others:
        raise InputError(
            f"{data} holds {_listed(others)}, and nothing that matches {pattern}",
            "name the listening log with --data, or rename it; for generated data leave the folder empty",
        )
    raise MissingInputError(f"No Last.fm data files found: nothing in {data} matches {pattern}", _DOWNLOAD)


def require_file(path: Path) -> None:
    """Raises `InputError` if `path`, which is listed and no folder, is a pipe, a device, or a link to nothing."""
    if not path.exists():
        raise InputError(
            f"{path} is a link to a file that is not there", "put the file there, or name another with --data"
        )
    if not path.is_file():
        raise InputError(
            f"{path} is no file but a pipe or a device, which can be read only once",
            "write it to a file first, and give that with --data: the check and a resumed replay read it again",
        )


def is_data_file(pattern: str, name: str) -> bool:
    """Is a file of an archive the data set's, by its name?"""
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return fnmatchcase(name, pattern) and name != _PROFILES


def _found(data: Path, pattern: str) -> Iterator[list[Path]]:
    """What matches, nearest and least packed first; never an empty list."""
    for depth in range(MOST_FOLDERS + 1):
        for glob in (pattern, *(pattern + ending for ending in _PACKED), _ARCHIVES):
            paths = data.glob("*/" * depth + glob)
            if found := sorted(path for path in paths if not path.is_dir() and _counts(path.relative_to(data))):
                yield found


def _counts(path: Path) -> bool:
    """Leaves out the profiles, and what is hidden or of a system that unpacked the archive."""
    return not path.name.startswith(_PROFILES) and not any(
        part.startswith(".") or part == "__MACOSX" for part in path.parts
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(harmless(name) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
