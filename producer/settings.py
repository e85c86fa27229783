"""The producer's settings: one frozen object, built in `__main__` or by the command line, never at import."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from livelift import settings
from livelift.errors import SettingsError
from livelift.event_time import from_iso
from livelift.names import RunNames
from producer import sample_data
from producer.pacing import MAX, parse_speed

DATA = "LIVELIFT_DATA"
PARTITIONS = "LIVELIFT_PARTITIONS"
SPEED = "LIVELIFT_SPEED"
FROM = "LIVELIFT_FROM"
TO = "LIVELIFT_TO"
CACHE = "LIVELIFT_CACHE"
GENERATE = "LIVELIFT_GENERATE"

DEFAULT_PARTITIONS = 4
MAX_PARTITIONS = 256
"""Beyond, batches get so small that all of it gets slow."""


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """What to replay, where to, how fast.

    study
        Its name, or its folder until it is loaded.
    data
        The input file, or a folder that holds it.
    speed
        Event seconds per second; None is as fast as possible.
    select_from, select_to
        Only events in [from, to), ms.
    generated
        Folder for the generated log that is replayed where `data` holds none; None: then there is no replay.
    generate_events
        How long that log is.
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
    generated: Path | None = None
    generate_events: int = sample_data.EVENTS

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
    run = settings.setting(settings.RUN, environment)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", run):
        raise SettingsError(f"{settings.RUN} is '{run}'", "use up to 64 letters, digits, _ and -: it names topics")
    select_from, select_to = _moment(FROM, environment), _moment(TO, environment)
    if select_from is not None and select_to is not None and select_from >= select_to:
        raise SettingsError(f"{FROM} is not before {TO}", "give an earlier start or a later end")
    return ProducerSettings(
        kafka=settings.setting(settings.KAFKA, environment),
        study=settings.setting(settings.STUDY, environment),
        run=run,
        data=Path(environment.get(DATA) or "data/raw"),
        cache=Path(environment.get(CACHE) or settings.folder(environment) / "cache"),
        partitions=_partitions(environment.get(PARTITIONS) or str(DEFAULT_PARTITIONS)),
        speed=parse_speed(environment.get(SPEED) or MAX),
        select_from=select_from,
        select_to=select_to,
        generated=settings.folder(environment) / "generated" if environment.get(GENERATE) else None,
        generate_events=_events(environment.get(GENERATE) or str(sample_data.EVENTS)),
    )


def _partitions(text: str) -> int:
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= MAX_PARTITIONS:
        raise SettingsError(f"{PARTITIONS} is '{text}'", f"use a whole number from 1 to {MAX_PARTITIONS}")
    return int(text)


def _events(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise SettingsError(
            f"{GENERATE} is '{text}'", "use how many events to generate where there is no data: 1800000"
        )
    return int(text)


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
