"""Where studies lie: each is a folder with a `study.toml`, found by its name or by its path.

A name is looked for in the folders that `LIVELIFT_STUDIES` lists, in their order, then among the studies of this
program. A text with a `/` in it (or `.`, `..`, `~`) is the path of a study's own folder.
"""

import os
import sys
from collections.abc import Mapping
from importlib import resources, util
from pathlib import Path
from types import ModuleType

from livelift import settings
from livelift.errors import SettingsError, StudyError

DECLARATION = "study.toml"
MODULE = "study.py"

GENERATORS = ("generator.py", "generator/__init__.py")
"""Where a study has what makes data like its own: one file, or a folder."""


SIMULATIONS = ("simulation.py", "simulation/__init__.py")
"""Where a study says how its users are simulated."""


def find_study(name_or_folder: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The absolute path of a study's folder.

    Raises
    ------
    StudyError
        If there is no such study.
    SettingsError
        If `LIVELIFT_STUDIES` cannot be used.
    """
    if not is_path(name_or_folder):
        return _find_name(name_or_folder, environment)
    folder = Path(os.path.abspath(os.path.expanduser(name_or_folder)))
    if not os.path.exists(folder):  # unlike Path's, it has an answer for any text
        raise StudyError(
            f"there is no folder {folder}", f"name a folder that holds a {DECLARATION}, {_or_one(environment)}"
        )
    if not folder.is_dir():
        raise StudyError(f"{folder} is a file, not a study's folder", f"name its folder: {folder.parent}")
    if not os.path.exists(folder / DECLARATION):
        raise StudyError(
            f"{folder} has no {DECLARATION}, so it is no study", f"name a folder that has one, {_or_one(environment)}"
        )
    return folder


def is_path(name_or_folder: str) -> bool:
    """Does the text say where the folder is, rather than the study's name?

    >>> is_path("push"), is_path("./my_study"), is_path("/srv/studies/push"), is_path(".")
    (False, True, True, True)
    """
    return os.sep in name_or_folder or name_or_folder in (".", "..") or name_or_folder.startswith("~")


def study_names(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The studies that can be asked for by name."""
    return sorted({folder.name for place in _places(environment) for folder in _studies_in(place)})


def reference_to(name: str, folder: str, environment: Mapping[str, str] | None = None) -> str:
    """What another process of this machine finds the study by: its name if that leads to `folder`, else `folder`.

    Which `LIVELIFT_STUDIES` the other process has is not known: without an `environment` it counts as not set.
    """
    study, dot, experiment = name.partition(".")
    try:
        by_name = str(find_study(study, environment or {}))
    except (StudyError, SettingsError):
        by_name = ""
    if folder in ("", by_name):
        return name
    return f"{folder}{dot}{experiment}"


def study_flag(name: str, folder: str, environment: Mapping[str, str] = os.environ) -> str:
    """What a person adds to a command that is to mean the study: nothing if it is the one that is meant anyway.

    >>> study_flag("visits", "/srv/visits", {})
    ' --study /srv/visits'
    """
    reference = reference_to(name, folder, environment)
    return "" if reference == settings.setting(settings.STUDY, environment) else f" --study {reference}"


def shown(path: Path) -> str:
    """A path for a person: as seen from the current folder where it lies in it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def study_module(folder: Path) -> ModuleType | None:
    """The study's own Python, loaded once a process; None if it has none.

    Raises
    ------
    StudyError
        If it cannot be loaded, with its own error.
    """
    return _module(folder / MODULE)


def generator_file(folder: Path) -> Path | None:
    """Where the study's generator begins; None if it has none."""
    return _first_of(folder, GENERATORS)


def generator_module(folder: Path) -> ModuleType | None:
    """The study's generator, loaded once a process; None if it has none. Raises `StudyError` as `study_module` does."""
    file = generator_file(folder)
    return None if file is None else _module(file)


def simulation_file(folder: Path) -> Path | None:
    """Where the study's simulation begins; None if it has none."""
    return _first_of(folder, SIMULATIONS)


def simulation_module(folder: Path) -> ModuleType | None:
    """The study's simulation, loaded once a process; None if it has none. Raises `StudyError` as `study_module` does."""
    file = simulation_file(folder)
    return None if file is None else _module(file)


def _first_of(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)


def _module(file: Path) -> ModuleType | None:
    name = f"livelift_study:{file}"
    if name in sys.modules:
        return sys.modules[name]
    if not file.exists():
        return None
    spec = util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None, "a path that ends in .py has a loader"
    module = sys.modules[name] = util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a person's file raises is to be told as theirs
        del sys.modules[name]
        raise StudyError(
            f"{shown(file)} cannot be loaded: {type(error).__name__}: {error}{line_in(file, error)}", "mend the file"
        ) from error
    return module


def line_in(file: Path, error: BaseException) -> str:
    """Where in `file` the error arose, as " (line 3)"; empty if it cannot be told."""
    lines = [error.lineno] if isinstance(error, SyntaxError) and error.filename == str(file) else []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" (line {lines[-1]})" if lines else ""


def _find_name(name: str, environment: Mapping[str, str]) -> Path:
    for place in _places(environment):
        for folder in _studies_in(place):
            if folder.name == name:
                return folder
    fix = f"use one of: {', '.join(study_names(environment))}; or set {settings.STUDIES} to the folder that holds it"
    if name and os.path.isdir(name):
        fix = f"for the folder here write ./{name}; by name there are: {', '.join(study_names(environment))}"
    raise StudyError(f"there is no study '{name}'", fix)


def _or_one(environment: Mapping[str, str]) -> str:
    return f"or use a study by its name: {', '.join(study_names(environment))}"


def _places(environment: Mapping[str, str]) -> list[Path]:
    given = [Path(os.path.expanduser(text)) for text in environment.get(settings.STUDIES, "").split(os.pathsep) if text]
    for place in given:
        if not os.path.isdir(place):
            raise SettingsError(
                f"{settings.STUDIES} lists '{place}', which is no folder",
                f"list folders that hold studies, with '{os.pathsep}' between them",
            )
    own = resources.files("studies")
    return [Path(os.path.abspath(place)) for place in given] + ([own] if isinstance(own, Path) else [])


def _studies_in(place: Path) -> list[Path]:
    try:
        return sorted(folder for folder in place.iterdir() if os.path.exists(folder / DECLARATION))
    except OSError as error:
        raise SettingsError(f"{place} cannot be read: {error.strerror}", "let this user read it") from None
