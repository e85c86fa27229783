"""The producer's settings: one frozen object, built in `__main__` or by the command line, never at import."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from livelift import settings
from livelift.errors import SettingsError
from livelift.event_time import from_iso
from livelift.names import RunNames
from producer.pacing import MAX, parse_speed

DATA = "LIVELIFT_DATA"
PARTITIONS = "LIVELIFT_PARTITIONS"
SPEED = "LIVELIFT_SPEED"
FROM = "LIVELIFT_FROM"
TO = "LIVELIFT_TO"
CACHE = "LIVELIFT_CACHE"

DEFAULT_PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """What to replay, where to, how fast.

    data
        The input file, or a folder that holds it.
    speed
        Event seconds per second; None is as fast as possible.
    select_from, select_to
        Only events in [from, to), ms.
    """

    kafka: str
    study: str
    run: str
    data: Path
    cache: Path
    partitions: int = DEFAULT_PARTITIONS
    speed: float | None = None
    select_from: int | None = None
    select_to: int | None = None

    @property
    def names(self) -> RunNames:
        return RunNames(self.study, self.run)


def from_environment(environment: Mapping[str, str] = os.environ) -> ProducerSettings:
    """The settings as the environment has them.

    Raises
    ------
    SettingsError
        Naming the variable that cannot be used.
    """
    partitions = settings.number(PARTITIONS, DEFAULT_PARTITIONS, environment)
    if partitions != int(partitions):
        raise SettingsError(f"{PARTITIONS} is '{environment[PARTITIONS]}'", "use a whole number")
    return ProducerSettings(
        kafka=settings.setting(settings.KAFKA, environment),
        study=settings.setting(settings.STUDY, environment),
        run=settings.setting(settings.RUN, environment),
        data=Path(environment.get(DATA) or "data/raw"),
        cache=Path(environment.get(CACHE) or settings.folder(environment) / "cache"),
        partitions=int(partitions),
        speed=parse_speed(environment.get(SPEED) or MAX),
        select_from=_moment(FROM, environment),
        select_to=_moment(TO, environment),
    )


def _moment(name: str, environment: Mapping[str, str]) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    try:
        return from_iso(text)
    except ValueError:
        raise SettingsError(
            f"{name} is '{text}'", "use a date or time like 2009-03-01 or 2009-03-01T12:00:00"
        ) from None
