"""Decides whether a replay resumes the current run (same input, study and partitions) or starts a new one."""

from pathlib import Path

from livelift.errors import StateError
from livelift.names import check_run
from livelift.study import Study
from livelift.study_folders import reference_to, study_flag
from local.run_folder import Run, RunFolder
from producer.cache import key_of
from producer.sources import Selection
from producer.sources.finding import find


def run_for_replay(
    folder: RunFolder, study: Study, data: Path, partitions: int, selection: Selection, *, fresh: bool
) -> tuple[Run, bool]:
    """The run to replay into, and whether it is a new one. It is not the current one yet: its input may be refused.

    Raises
    ------
    InputError
        If there is no input.
    """
    path = find(data, study)
    run = Run.new(
        study=study.name,
        study_at=reference_to(study.name, study.folder),
        fingerprint=study.fingerprint,
        data=str(path.resolve()),
        partitions=partitions,
        select_from=selection.start,
        select_to=selection.end,
        input_key=key_of(path, study, selection).name,
    )
    current = folder.current_run(study.name)
    if not fresh and current is not None and current.same_as(run):
        return current, False
    return run, True


def require_current_run(folder: RunFolder, named: str | None, study: Study) -> str:
    """The id of the run of `study` that a station works for.

    Raises
    ------
    StateError
        If none is named and none of the study was ever begun here.
    """
    if named:
        return check_run(named, "--run")
    current = folder.current_run(study.name)
    if current is not None:
        return current.run
    others = [f"--study {run.study_at or run.study}" for run in folder.current_runs()]
    there = f"; for the runs that are here give {' or '.join(others)}" if others else ""
    raise StateError(
        f"there is no run of study '{study.name}' yet",
        f"begin one: livelift replay{study_flag(study.name, study.folder)}, or name one: --run{there}",
    )
