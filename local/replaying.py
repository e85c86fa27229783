"""Decides whether a replay resumes the current run (same input, study and partitions) or starts a new one."""

from pathlib import Path

from livelift.errors import StateError
from livelift.names import check_run
from livelift.study import Study
from livelift.study_folders import reference_to
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
    current = folder.current_run()
    if not fresh and current is not None and current.same_as(run):
        return current, False
    return run, True


def require_current_run(folder: RunFolder, named: str | None, study: Study) -> str:
    """The id of the run of `study` that a station works for.

    Raises
    ------
    StateError
        If none is named and none was ever begun here, or the current one is of another study.
    """
    if named:
        return check_run(named, "--run")
    current = folder.current_run()
    if current is None:
        raise StateError("there is no run yet", "begin one: livelift replay, or name one: --run")
    if current.study != study.name:
        raise StateError(
            f"the current run {current.run} is of the study '{current.study}', not of '{study.name}'",
            f"give --study {current.study_at or current.study}, or name a run with --run",
        )
    return current.run
