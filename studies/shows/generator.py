"""Generates viewings with the fields of `streaming_data.json`: one JSON object a line, in order, with a planted lift.

The same seed and parameters give the same bytes. Habits are drawn once a user: how often, at which hours, how much of a show. Treatment users
watch longer in the period, by the fraction `lift`.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from livelift.assignment import TREATMENT, variant_of
from livelift.errors import SettingsError
from livelift.generating import replacing, require_size
from livelift.study import Study

EVENTS = 200_000
"""So many viewings where nobody says how many."""

VIEWS_A_USER = 40

FIRST, DAYS = datetime(2024, 4, 1, tzinfo=UTC), 122
"""Two months before the study's period, to its end and a few days more."""

STATES = {
    "CA": "Pacific", "WA": "Pacific", "OR": "Pacific", "CO": "Mountain", "AZ": "Mountain", "TX": "Central", "IL": "Central",
    "MN": "Central", "NY": "Eastern", "FL": "Eastern", "GA": "Eastern", "MA": "Eastern",
}  # fmt: skip

TYPES = {"TV Show": (1_320, 3_600), "Movie": (5_400, 9_000), "Documentary": (2_700, 5_400)}
"""Type of a show → how long it may be, in seconds."""

GENRES = ("Drama", "Comedy", "Sci-Fi", "Crime", "Romance", "Thriller", "Family")
RATINGS = ("TV-14", "TV-MA", "TV-PG", "PG", "PG-13", "R")
SHOWS = 400
HOURS = (2, 1, 1, 1, 1, 1, 2, 3, 3, 2, 2, 3, 4, 4, 3, 3, 4, 6, 9, 13, 15, 14, 9, 5)
"""How many views begin in each hour of the day, in proportion."""


@dataclass(frozen=True, slots=True)
class Show:
    """A show: its length in seconds, and what a row tells of it."""

    length: int
    row: dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Person:
    """A viewer: how often, in proportion to others; how much of a show is watched; whether the treatment is theirs."""

    number: int
    state: str
    often: float
    patience: float
    treated: bool


def generate(
    out: Path,
    *,
    events: int = EVENTS,
    users: int | None = None,
    lift: float = 0.0,
    seed: int = 7,
    study: Study,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write about `events` viewings of `users` users to `out`, which is replaced when the file is complete, and the truth beside it.

    Raises
    ------
    SettingsError
        If a parameter is out of range.
    """
    require_size(events, users)
    if not -1 < lift <= 5:
        raise SettingsError(f"--lift {lift} is not possible", "use more than -1 and at most 5")
    chance = random.Random(seed)
    shows = [_show(chance, number) for number in range(SHOWS)]
    popular = [1 / (1 + number) ** 0.7 for number in range(SHOWS)]
    people = [_person(chance, 1_000 + number, study) for number in range(users or max(1, events // VIEWS_A_USER))]
    often = [person.often for person in people]
    moments = sorted(_moment(chance) for _ in range(events))
    start, end = study.experiment.start_ms // 1000, study.experiment.end_ms // 1000
    with replacing(out) as file:
        chosen = zip(
            moments, chance.choices(people, often, k=events), chance.choices(shows, popular, k=events), strict=True
        )
        for number, (moment, person, show) in enumerate(chosen):
            longer = 1 + lift if person.treated and start <= moment < end else 1.0
            share = min(1.05, chance.betavariate(person.patience, 2.0) * longer)
            when = datetime.fromtimestamp(moment, UTC)
            row = {
                "user_id": person.number,
                "created_date": when.strftime("%Y-%m-%d"),
                "created_at": when.strftime("%Y-%m-%dT%H:%M:%S"),
                "timezone": STATES[person.state],
                "state": person.state,
                "user_watch_duration_seconds": int(share * show.length),
                **show.row,
            }
            file.write(json.dumps(row).encode() + b"\n")
            if progress is not None and number % 10_000 == 0:
                progress(number, events)
    truth = {"seed": seed, "lift": lift, "users": len(people), "events": events}
    with replacing(out.with_name(f"{out.name}.truth.json")) as file:
        file.write(json.dumps(truth, indent=1).encode())


def _show(chance: random.Random, number: int) -> Show:
    kind = chance.choice(list(TYPES))
    genre = chance.choice(GENRES)
    length = chance.randrange(*TYPES[kind], 60)
    row: dict[str, str | int] = {
        "show_duration_seconds": length,
        "show_id": 100 + number,
        "show_name": f"{genre} {number:03d}",
        "show_type": kind,
        "show_genre": genre,
        "show_rating": chance.choice(RATINGS),
        "show_description": f"A {kind.lower()} of the genre {genre}.",
    }
    return Show(length, row)


def _person(chance: random.Random, number: int, study: Study) -> Person:
    salt, percent = study.experiment.salt, study.experiment.control_percent
    return Person(
        number,
        chance.choice(list(STATES)),
        chance.lognormvariate(0, 0.8),
        chance.uniform(1.0, 6.0),
        variant_of(str(number), salt, percent) == TREATMENT,
    )


def _moment(chance: random.Random) -> int:
    """A local moment, in seconds since 1970 as if it were UTC; more on weekends."""
    while True:
        day = FIRST + timedelta(days=chance.randrange(DAYS))
        if day.weekday() >= 5 or chance.random() < 0.75:
            break
    (hour,) = chance.choices(range(24), HOURS)
    return int(day.timestamp()) + hour * 3_600 + chance.randrange(3_600)
