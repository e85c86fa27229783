"""Where there is no file of a study that has a generator, a generated one stands in: calibrated to the published figures, with a planted lift."""

from collections.abc import Callable
from pathlib import Path

from livelift.errors import MissingInputError, StudyError
from livelift.study import Study
from livelift.study_folders import generator_module
from producer.report import Interrupted, Stopped, never
from producer.sources.finding import find

EVENTS = 1_800_000
LIFT = 0.15
SEED = 7

Generate = Callable[..., object]
"""Writes generated data: generate(path, *, events, users, lift, seed, study, progress)."""


def find_or_generate(
    data: Path,
    study: Study,
    generated: Path,
    say: Callable[[str], object],
    events: int | None = None,
    stopped: Stopped = never,
) -> Path:
    """The file in `data`, or one of about `events` events made in the folder `generated`; says which. None: as many as the
    generator's `EVENTS` says, else `EVENTS`; the lift is its `LIFT`, else `LIFT`.

    Raises
    ------
    InputError
        If `data` holds more than one, or none and the study has no generator.
    Interrupted
        If `stopped` says so while generating; nothing is left of it.
    """
    try:
        found = find(data, study)
    except MissingInputError:
        generate = generator_of(study)
        if generate is None:
            raise
        module = generator_module(Path(study.folder))
        usual, lift = getattr(module, "EVENTS", EVENTS), getattr(module, "LIFT", LIFT)
        many = usual if events is None else events
        return _generate(data, study, generate, generated, say, many, lift, stopped)
    say(f"replaying {found}")
    return found


def generator_of(study: Study) -> Generate | None:
    """The `generate` of the study's generator; None if it has none.

    Raises
    ------
    StudyError
        If it cannot be loaded, or has no such function.
    """
    module = generator_module(Path(study.folder)) if study.folder else None
    if module is None:
        return None
    found: Generate | None = getattr(module, "generate", None)
    if not callable(found):
        raise StudyError(
            f"the generator of study '{study.name}' has no function `generate`",
            "write generate(path, *, events, users, lift, seed, study, progress): docs/12-studies.md",
        )
    return found


def _generate(
    data: Path,
    study: Study,
    generate: Generate,
    generated: Path,
    say: Callable[[str], object],
    events: int,
    lift: float,
    stopped: Stopped,
) -> Path:
    name = f"{study.name}-{events}-lift{lift:.4g}-seed{SEED}"
    # Tables that are joined to the events lie beside them: a folder keeps those of other data apart.
    path = generated / (name if study.lookups else "") / f"{name}.{study.source.format}"
    if not path.exists():
        say(f"no {data}/{study.source.file_glob}: generating {events:,} calibrated events instead")
        path.parent.mkdir(parents=True, exist_ok=True)

        def watch(done: int, total: int) -> None:
            if stopped():
                raise Interrupted

        generate(path, events=events, lift=lift, seed=SEED, study=study, progress=watch)
    say(f"replaying generated data, with a planted lift of {lift:+.0%} (real data: see README)")
    return path
