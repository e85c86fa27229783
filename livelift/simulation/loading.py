"""Finds what a study says of its own users (`simulation.py` in its folder), and checks what that gives and draws."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.random import Generator

from livelift.errors import StudyError
from livelift.event_time import DAY
from livelift.simulation.model import Flags, Regime, Sessions, Simulation
from livelift.simulation.truth import Bar, Cell
from livelift.study import Study
from livelift.study_folders import line_in, shown, simulation_file, simulation_module

SEE = "see docs/12-studies.md, A population for the simulator"


def simulation_of(study: Study) -> Simulation | None:
    """The study's own simulation; None if it has none.

    Raises
    ------
    StudyError
        If its file cannot be loaded, or gives something else.
    """
    module = simulation_module(Path(study.folder)) if study.folder else None
    if module is None:
        return None
    made = _called(study, "simulation", getattr(module, "simulation", None), study)
    for what, wrong in _wrong_with(made, study):
        if wrong:
            raise StudyError(f"{_file(study)}: {what}", SEE)
    assert isinstance(made, Simulation), "checked just now"
    return made


def simulation_digest(study: Study) -> str:
    """The study's simulation files, as 16 hexadecimal digits; empty if there is none."""
    file = simulation_file(Path(study.folder)) if study.folder else None
    if file is None:
        return ""
    files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()[:16]


def draw(simulation: Simulation, regime: str, random: Generator, users: int, study: Study) -> Sessions:
    """The sessions of a regime, checked.

    Raises
    ------
    StudyError
        If they are no sessions of so many users in the study's period.
    """
    sessions = _called(study, f"regime '{regime}'", simulation.regimes[regime].draw, random, users, study)
    return _checked(study, f"regime '{regime}'", sessions, users)


def plant(
    simulation: Simulation,
    metric: str,
    lift: float,
    random: Generator,
    sessions: Sessions,
    treated: Flags,
    study: Study,
) -> Sessions:
    """The sessions with the study's own effect on `metric`, checked as `draw` does."""
    name = f"effect '{metric}'"
    planted = _called(study, name, simulation.effects[metric], random, sessions, treated, lift)
    return _checked(study, name, planted, sessions.users)


def _file(study: Study) -> str:
    return shown(simulation_file(Path(study.folder)) or Path("simulation.py"))


def _called(study: Study, name: str, function: Any, *arguments: Any) -> Any:
    if not callable(function):
        raise StudyError(f"{_file(study)}: `{name}` is no function", SEE)
    try:
        return function(*arguments)
    except StudyError:
        raise
    except Exception as error:  # whatever a person's function raises is to be told as theirs
        file = simulation_file(Path(study.folder))
        where = "" if file is None else line_in(file, error)
        raise StudyError(
            f"{_file(study)}: {name} failed: {type(error).__name__}: {error}{where}", "mend the file"
        ) from error


def _wrong_with(made: Any, study: Study) -> Iterator[tuple[str, bool]]:
    """(what is wrong with a simulation, is it so), each asked only if those before are not."""
    yield "`simulation` gives no livelift.simulation.model.Simulation", not isinstance(made, Simulation)
    yield (
        "`regimes` and `effects` have to be tables by name",
        not all(isinstance(x, dict) for x in (made.regimes, made.effects)),
    )
    yield "there is no regime", not made.regimes
    for metric in made.effects:
        yield f"an effect is called '{metric}', which is no metric", metric not in study.metrics
    for name, regime in made.regimes.items():
        yield f"regime '{name}' is {regime!r}, no livelift.simulation.model.Regime", not isinstance(regime, Regime)
        low, high = regime.users or (2, 2)
        yield f"regime '{name}' has from {low} to {high} users", not 2 <= low <= high
        yield f"regime '{name}' has {regime.days} days", regime.days is not None and regime.days < 1
        yield f"regime '{name}' has fewer = {regime.fewer}", regime.fewer < 1
    for bar in made.bars:
        yield f"a bar is {bar!r}, no livelift.simulation.truth.Bar", not isinstance(bar, Bar)
    for cell in (*(bar.cell for bar in made.bars), *made.cells):
        yield f"a cell is {cell!r}, no livelift.simulation.truth.Cell", not isinstance(cell, Cell)
        yield f"a cell names the regime '{cell.regime}', which is none", cell.regime not in made.regimes
        for metric, _ in cell.truth.others:
            yield f"a cell plants a lift of '{metric}', which is no metric", metric not in study.metrics


def _checked(study: Study, name: str, sessions: Any, users: int) -> Sessions:
    def wrong(what: str) -> NoReturn:
        raise StudyError(f"{_file(study)}: {name} {what}", SEE)

    if not isinstance(sessions, Sessions):
        wrong("gives no livelift.simulation.model.Sessions")
    number, end = np.size(sessions.user), study.experiment.days * DAY
    _check_whole(wrong, "user", sessions.user, number, 0, users)
    _check_whole(wrong, "start", sessions.start, number, 0, end)
    _check_whole(wrong, "pre_sessions", sessions.pre_sessions, users, 0, None)
    for measure, values in sessions.pre_measures.items():
        _check_whole(wrong, f"pre_measures['{measure}']", values, users, None, None)
    _check_measures(wrong, sessions.measures, number, study)
    return sessions


def _check_measures(wrong: Any, measures: Mapping[str, Any], number: int, study: Study) -> None:
    for measure, values in measures.items():
        if np.shape(values) != (number,) or np.asarray(values).dtype.kind not in "if":
            wrong(f"has no number of '{measure}' for each of its {number} sessions")
        if not np.isfinite(values).all():
            wrong(f"gives a session whose '{measure}' is no finite number")
    missing = ["seconds", *study.measures] if study.measures else ["seconds"]
    for measure in missing:
        if measure not in measures:
            wrong(f"does not say what '{measure}' is; it gives {', '.join(measures) or 'none'}")
    if study.windows.kind == "gap" and number and np.min(measures["seconds"]) < 0:
        wrong("gives a session of less than 0 seconds")


def _check_whole(wrong: Any, what: str, values: Any, size: int, least: int | None, below: int | None) -> None:
    """`size` whole numbers in [least, below)."""
    if np.shape(values) != (size,) or np.asarray(values).dtype.kind != "i":
        wrong(f"gives `{what}` that is no array of {size} whole numbers")
    low, high = (int(np.min(values)), int(np.max(values))) if size else (least or 0, least or 0)
    if (least is not None and low < least) or (below is not None and high >= below):
        end = "up" if below is None else f"to below {below}"
        wrong(f"gives `{what}` from {low} to {high}: it has to be from {least} {end}")
