"""Generates users, content and play, pause and skip events, calibrated to published figures, with the truth beside them.

Three files: the events at the path that is asked for, `users.csv` and `content.csv` beside it. The same seed and parameters give the same
bytes. A user's first seven UTC days have a number of sessions whose mean is `SESSIONS` without reminders; with reminders it is higher by the
fraction `lift`. Whether a user is active on the seventh day after the first depends on how many genres the user explores (`RETURNS`), and not on
the reminders.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from livelift.errors import SettingsError
from livelift.generating import replacing, require_size
from livelift.study import Study

EVENTS = 4_000_000
"""So many events where nobody says how many: of 50,000 users."""

EVENTS_A_USER = 80

SESSIONS = 49.9
"""Mean sessions of the first seven days without reminders."""

LIFT = 59.8 / SESSIONS - 1
"""What reminders add: 59.8 sessions."""

SHAPE = 6.0
"""Of the gamma distribution of users' expected sessions: their standard deviation is 41 % of the mean."""

GENRES = ("Drama", "Comedy", "Crime", "Sci-Fi", "Documentary", "Romance", "Thriller", "Family")

EXPLORED = {1: 0.16, 2: 0.20, 3: 0.24, 4: 0.18, 5: 0.13, 6: 0.09}
"""Genres that a user explores → share of the users."""

RETURNS = {1: 0.066, 2: 0.078, 3: 0.096, 4: 0.124, 5: 0.124, 6: 0.124}
"""Genres that a user explores → the probability of being active on the seventh day after the first."""

LATER = 0.02
"""The probability of being active on any day after the seventh."""

MONTH = 0.4
"""The probability of being active on the thirtieth day after the first, over that of the seventh."""

FIRST, DAYS, JOINING = np.datetime64("2024-01-01T00:00:00", "s"), 38, 28
"""The first day, how many there are, and on how many of them users begin: the thirtieth day after is there for the first ones."""

WEEK, SLOTS, SLOT = 7, 36, 2_400
"""Days that the sessions are counted in, places for a session in a day, and their length in seconds: more than half an hour lies
between the last event of one session and the first of the next."""

PLATFORMS = {"ios": 0.35, "android": 0.40, "web": 0.15, "tv": 0.10}
COUNTRIES = {"US": 0.35, "BR": 0.15, "IN": 0.2, "DE": 0.12, "GB": 0.1, "KR": 0.08}
CONTENT = 400

SKIPPED, PAUSED = 0.22, 0.18
"""Of the sessions, those in which something is skipped, and paused."""

Ints = NDArray[np.int64]


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
    """Write the events of `users` users, or of as many as make about `events` events, to `out`, and the other files beside it.

    Raises
    ------
    SettingsError
        If a parameter is out of range.
    """
    require_size(events, users)
    if not -0.9 <= lift <= 2:
        raise SettingsError(f"--lift {lift} is not possible", "use -0.9 to 2: a week has room for 252 sessions")
    random = np.random.default_rng(seed)
    people = max(1, events // EVENTS_A_USER) if users is None else users
    treated = random.random(people) < 0.5
    genres = random.choice(list(EXPLORED), people, p=list(EXPLORED.values()))
    joined = random.integers(0, JOINING, people)
    user, slot, in_week = _sessions(random, treated, genres, joined, lift)
    content, content_genre = _content(random)
    written = _events(random, user, joined[user] * SLOTS + slot, genres, content_genre)
    with replacing(out) as file:
        _write(file, written, content, progress)
    with replacing(out.with_name("users.csv")) as file:
        pa_csv.write_csv(_users(random, treated), file)
    with replacing(out.with_name("content.csv")) as file:
        pa_csv.write_csv(content, file)
    truth = {
        "seed": seed,
        "lift": lift,
        "users": people,
        "events": written.num_rows,
        "sessions_7d": {
            arm: float(in_week[who].mean()) if who.any() else None for arm, who in (("A", ~treated), ("B", treated))
        },
        "d7_probability_by_genres": RETURNS,
    }
    with replacing(out.with_name(f"{out.name}.truth.json")) as file:
        file.write(json.dumps(truth, indent=1).encode())


def _sessions(
    random: np.random.Generator, treated: NDArray[np.bool_], genres: Ints, joined: Ints, lift: float
) -> tuple[Ints, Ints, Ints]:
    """(user, slot since the user's first day) of every session, and how many each user has in the first week."""
    people = treated.size
    mean = SESSIONS * np.where(treated, 1 + lift, 1.0)
    wanted = random.poisson(random.gamma(SHAPE, mean / SHAPE))
    number = np.clip(wanted, len(EXPLORED), WEEK * SLOTS).astype(np.int64)  # room for a session in each genre
    rank = np.empty((people, WEEK * SLOTS), dtype=np.int16)
    for start in range(0, people, 10_000):
        part = random.random((min(10_000, people - start), WEEK * SLOTS), dtype=np.float32)
        first = random.integers(0, SLOTS, part.shape[0])
        part[np.arange(part.shape[0]), first] = -1  # one session is on the first day
        rank[start : start + 10_000] = part.argsort(axis=1).argsort(axis=1)
    user, slot = np.nonzero(rank < number[:, None])
    chance = np.array([RETURNS[int(one)] for one in genres])
    later = random.random((people, DAYS)) < LATER  # by the day since the user's first
    later[:, :WEEK] = False
    later[:, WEEK] = random.random(people) < chance
    later[:, 30] = random.random(people) < MONTH * chance
    later &= joined[:, None] + np.arange(DAYS) < DAYS
    back, day = np.nonzero(later)
    return (
        np.concatenate([user, back]),
        np.concatenate([slot, day * SLOTS + random.integers(0, SLOTS, back.size)]),
        number,
    )


def _content(random: np.random.Generator) -> tuple[pa.Table, Ints]:
    """The table of content, and the number of each one's genre."""
    genre = np.arange(CONTENT) % len(GENRES)
    names = [f"c{number:04d}" for number in range(CONTENT)]
    seconds = random.integers(20, 140, CONTENT) * 60
    return pa.table({"content_id": names, "genre": [GENRES[one] for one in genre], "duration_seconds": seconds}), genre


def _users(random: np.random.Generator, treated: NDArray[np.bool_]) -> pa.Table:
    people = treated.size
    return pa.table(
        {
            "user_id": [f"u{number:06d}" for number in range(people)],
            "platform": random.choice(list(PLATFORMS), people, p=list(PLATFORMS.values())),
            "country": random.choice(list(COUNTRIES), people, p=list(COUNTRIES.values())),
            "push_group": np.where(treated, "B", "A"),
        }
    )


def _events(random: np.random.Generator, user: Ints, slot: Ints, genres: Ints, content_genre: Ints) -> pa.Table:
    """Every event by its time: seconds since the first day, user, content and type, as numbers."""
    order = np.lexsort((slot, user))
    user, slot = user[order], slot[order]
    first = np.concatenate([[True], user[1:] != user[:-1]])
    number = np.arange(user.size) - np.maximum.accumulate(np.where(first, np.arange(user.size), 0))
    # The first sessions go through all of the user's genres: each is explored, none but those.
    mine = np.where(number < genres[user], number, random.integers(0, 1 << 30, user.size) % genres[user])
    genre = (user + mine) % len(GENRES)
    content = genre + len(GENRES) * random.integers(0, content_genre.size // len(GENRES), user.size)
    begins = slot * SLOT + random.integers(0, 60, user.size)
    skips, pauses = random.random(user.size) < SKIPPED, random.random(user.size) < PAUSED
    parts = [(begins, np.full(user.size, True), 0), (begins + 20, skips, 2), (begins + 150, pauses, 1)]
    moment = np.concatenate([at[which] for at, which, _ in parts])
    who = np.concatenate([user[which] for _, which, _ in parts])
    what = np.concatenate([content[which] for _, which, _ in parts])
    kind = np.concatenate([np.full(int(which.sum()), code) for _, which, code in parts])
    order = np.lexsort((kind, who, moment))
    return pa.table({"moment": moment[order], "user": who[order], "content": what[order], "kind": kind[order]})


BLOCK = 500_000


def _write(file: IO[bytes], events: pa.Table, content: pa.Table, progress: Callable[[int, int], None] | None) -> None:
    """The events as CSV, block by block."""
    kinds = pa.array(["play", "pause", "skip"])
    names = pa.array([f"u{number:06d}" for number in range(int(pc.max(events["user"]).as_py()) + 1)])
    for start in range(0, events.num_rows, BLOCK):
        block = events.slice(start, BLOCK).combine_chunks()
        times = pa.array(FIRST + block["moment"].to_numpy().astype("timedelta64[s]"))
        columns: dict[str, Any] = {
            "user_id": names.take(block["user"]),
            "content_id": content["content_id"].take(block["content"]),
            "event_type": kinds.take(block["kind"]),
            "timestamp": pc.strftime(times, "%Y-%m-%d %H:%M:%S"),
        }
        pa_csv.write_csv(pa.table(columns), file, pa_csv.WriteOptions(include_header=start == 0, quoting_style="none"))
        if progress is not None:
            progress(start + block.num_rows, events.num_rows)
