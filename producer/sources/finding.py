"""Finds the input file by its declared name: packed or not, or in the downloaded archive, in a folder or below it."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from livelift.errors import InputError, MissingInputError
from livelift.escaping import harmless
from livelift.source import FileForm, Source
from livelift.study import Study
from livelift.study_folders import generator_file

MOST_FOLDERS = 3
"""How far below the folder it is looked for: archives unpack into folders of their own."""

_PACKED = (".gz", ".zst")
_NAMED = 5
"""Files that a message names at most."""


def find(data: Path, study: Study) -> Path:
    """The input file: `data` itself, or the one in the folder `data` or, if there is none, below it. Where the study reads several
    files, the folder that holds them (`files_of`).

    Raises
    ------
    MissingInputError
        If there is no folder, or nothing in it.
    InputError
        If there is more than one (of several files, more than one folder that holds some), none among other files, or `data`
        is no file that can be read again.
    """
    if not data.exists():
        raise _missing(f"there is no {data}", study)
    if not data.is_dir():
        require_file(data)
        return data
    try:
        there = sorted(os.listdir(data))
    except OSError as error:
        raise InputError(f"{data} cannot be read: {error.strerror}", "check its permissions") from None
    pattern = study.source.file_glob
    for found in _found(data, study.source):
        if study.source.several:
            found = sorted({path.parent for path in found})
        if len(found) > 1:
            names = _listed([str(path.relative_to(data)) for path in found])
            if study.source.several:
                raise InputError(
                    f"{len(found)} folders in {data} hold data files: {names}", "keep one, or name it with --data"
                )
            raise InputError(
                f"{len(found)} data files in {data}: {names}",
                "keep one, name it with --data, or let the study read all of them: several = true in [source]",
            )
        if study.source.several:
            files_of(found[0], study.source)
        else:
            require_file(found[0])
        return found[0]
    others = [name for name in there if not name.startswith(".") and not name.upper().startswith("README")]
    if others:
        raise InputError(
            f"{data} holds {_listed(others)}, and nothing that matches {pattern}",
            "name the file with --data, or rename it"
            + (
                "; for generated data leave the folder empty"
                if study.folder and generator_file(Path(study.folder))
                else ""
            ),
        )
    raise _missing(f"nothing in {data} matches {pattern}", study)


def files_of(path: Path, source: Source) -> list[Path]:
    """The files of an input that `find` has found, in the order in which they are read: by name, without the endings of packings.

    Raises
    ------
    InputError
        If a file is there twice, packed and not, or is none that can be read again.
    """
    if not path.is_dir():
        return [path]
    if not source.several:
        raise InputError(f"{path} is a folder, not a file", "give the file itself with --data")
    files: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        if not _is_one_of_several(file, source):
            continue
        require_file(file)
        name = _unpacked(file.name)
        if name in files:
            raise InputError(f"{path} holds {name} twice: {files[name].name} and {file.name}", "keep one of the two")
        files[name] = file
    if not files:
        raise InputError(f"{path} holds no file {source.file_glob}", "name the folder of the files with --data")
    return [files[name] for name in sorted(files)]


def _is_one_of_several(file: Path, source: Source) -> bool:
    return is_data_file(source, file.name) and not file.name.startswith(".") and not file.is_dir()


def _missing(what: str, study: Study) -> MissingInputError:
    where = study.source.where_from or f"put the file there ({study.source.file_glob}), or name it with --data"
    return MissingInputError(f"No data files of the study '{study.name}' found: {what}", where)


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


def is_data_file(form: FileForm, name: str) -> bool:
    """Is a file of an archive the one that is meant, by its name?"""
    name = _unpacked(name)
    return fnmatchcase(name, form.file_glob) and name not in form.exclude


def _unpacked(name: str) -> str:
    """The name without the endings of packings."""
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return name


def _found(data: Path, source: Source) -> Iterator[list[Path]]:
    """What matches, nearest and least packed first; never an empty list."""
    if source.several:
        for depth in range(MOST_FOLDERS + 1):
            there = sorted(path for path in data.glob("*/" * depth + "*") if _is_one_of_several(path, source))
            if found := [path for path in there if _counts(path.relative_to(data), source)]:
                yield found
        return
    pattern = source.file_glob
    globs = [
        pattern,
        *(pattern + ending for ending in _PACKED),
        *([source.archive_glob] if source.archive_glob else []),
    ]
    for depth in range(MOST_FOLDERS + 1):
        for glob in globs:
            paths = data.glob("*/" * depth + glob)
            if found := sorted(path for path in paths if not path.is_dir() and _counts(path.relative_to(data), source)):
                yield found


def _counts(path: Path, source: Source) -> bool:
    """Leaves out what the study excludes, and what is hidden or of a system that unpacked the archive."""
    return _unpacked(path.name) not in source.exclude and not any(
        part.startswith(".") or part == "__MACOSX" for part in path.parts
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(harmless(name) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
