"""Builds listening logs from rules: who listens on which day, for how long, and with which skips."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from livelift.assignment import TREATMENT, variant_of
from livelift.event_time import DAY, SECOND, to_iso
from livelift.study import Study


@dataclass(frozen=True)
class Listening:
    """One session: `seconds` long in `plays` plays about equally far apart, the first `skips` of them skipped."""

    seconds: int
    plays: int = 3
    skips: int = 0


@dataclass(frozen=True)
class User:
    """`typical` is the user's own length of a session relative to others', `number` counts within the arm."""

    name: str
    treated: bool
    number: int
    typical: float


Rule = Callable[[User, int, random.Random], list[Listening]]
"""What a user listens to on a day of the period (0 …)."""


def users_of(study: Study, each: int, chance: random.Random) -> list[User]:
    """`each` users of each arm, by the study's own hash."""
    found: dict[bool, list[User]] = {False: [], True: []}
    number = 0
    while min(map(len, found.values())) < each:
        name = f"u{number}"
        treated = variant_of(name, study.experiment.salt, study.experiment.control_percent) == TREATMENT
        if len(found[treated]) < each:
            found[treated].append(User(name, treated, len(found[treated]), chance.lognormvariate(0.0, 0.3)))
        number += 1
    return [*found[False], *found[True]]


def made_log(path: Path, study: Study, rule: Rule, each: int = 100, days: int | None = None, seed: int = 1) -> Path:
    """Write the log of `each` users an arm under a rule; a last play after the period completes it."""
    chance = random.Random(seed)
    rows: list[tuple[int, str]] = []
    for user in users_of(study, each, chance):
        for day in range(study.experiment.days if days is None else days):
            at = study.experiment.start_ms + day * DAY + 6 * 3600 * SECOND
            for listening in rule(user, day, chance):
                for time in _times(at, listening):
                    rows.append((time, f"{user.name}\t{to_iso(time)}\t\ta{chance.randrange(9)}\t\tb{time % 7}"))
                at += (listening.seconds + 3600) * SECOND
    if days is None:
        end = study.experiment.end_ms + 2 * DAY
        rows.append((end, f"u0\t{to_iso(end)}\t\ta\t\tb"))
    path.write_text("\n".join(row for _, row in sorted(rows)) + "\n")
    return path


def _times(start: int, listening: Listening) -> list[int]:
    """Times of the plays: skips ten seconds apart first, the others spread over the rest, no gap above half an hour."""
    times = [start + 10 * SECOND * number for number in range(listening.skips + 1)]
    rest = listening.seconds - 10 * listening.skips
    steps = max(listening.plays - 1, -(-rest // 1700))
    times += [times[-1] + rest * SECOND * step // steps // SECOND * SECOND for step in range(1, steps + 1)]
    return times
