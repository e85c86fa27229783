"""Where there is no file of a study that has a generator, a generated one stands in: calibrated to the published figures, with a planted lift."""

from collections.abc import Callable
from pathlib import Path

from livelift.errors import MissingInputError
from livelift.study import Study
from producer.report import Interrupted, Stopped, never
from producer.sources import lastfm_generator
from producer.sources.finding import find

EVENTS = 1_800_000
LIFT = 0.15
SEED = 7


def find_or_generate(
    data: Path,
    study: Study,
    generated: Path,
    say: Callable[[str], object],
    events: int = EVENTS,
    stopped: Stopped = never,
) -> Path:
    """The file in `data`, or one of about `events` events made in the folder `generated`; says which.

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
        if not study.source.generator:
            raise
        return _generate(data, study, generated, say, events, stopped)
    say(f"replaying {found}")
    return found


def _generate(
    data: Path, study: Study, generated: Path, say: Callable[[str], object], events: int, stopped: Stopped
) -> Path:
    path = generated / f"{study.name}-{events}-lift{LIFT}-seed{SEED}.tsv"
    if not path.exists():
        say(f"no {data}/{study.source.file_glob}: generating {events:,} calibrated events instead")
        generated.mkdir(parents=True, exist_ok=True)

        def watch(done: int, total: int) -> None:
            if stopped():
                raise Interrupted

        lastfm_generator.generate(path, events=events, lift=LIFT, seed=SEED, study=study, progress=watch)
    say(f"replaying generated data, with a planted lift of {LIFT:+.0%} (real data: see README)")
    return path
