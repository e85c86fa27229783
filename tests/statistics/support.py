"""Users as arrays, brute-force answers from them, and the sums of a tick made of them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from livelift.event_time import DAY
from livelift.study import Study, load_study
from livelift.tick_sums import ExactSums, InputCounts, Moments, TickSums

Integers = NDArray[np.int64]

STUDY = load_study("lastfm")


def rows(y: Integers, x: Integers | None = None) -> Integers:
    """Every user's part of the sums n, y, yy, x, xx, xy: (U, 6)."""
    x = np.zeros_like(y) if x is None else x
    return np.stack([np.ones_like(y), y, y * y, x, x * x, x * y], axis=-1)


def bucketed(user_rows: Integers, treated: NDArray[np.bool_], bucket: Integers, buckets: int) -> Integers:
    """(2, buckets, 6), user by user."""
    sums = np.zeros((2, buckets, user_rows.shape[-1]), dtype=np.int64)
    for row, arm, cell in zip(user_rows, treated.astype(int), bucket, strict=True):
        sums[arm, cell] += row
    return sums


def exact(bucket_rows: Integers) -> ExactSums:
    """The sums over all buckets, as Python's integers."""
    return tuple(sum(int(value) for value in column) for column in bucket_rows.T)


@dataclass(frozen=True, slots=True)
class Effects:
    """Log effects planted in treatment."""

    primary: float = 0.0
    skips: float = 0.0


def tick(
    day: int,
    effects: Effects = Effects(),
    users: int = 400,
    seed: int = 1,
    study: Study = STUDY,
    noise: float = 0.3,
    **changes: object,
) -> TickSums:
    """The sums of midnight P + `day` for a made-up population: half of the users in each arm."""
    random = np.random.default_rng(seed)
    bucket = random.integers(0, study.statistics.buckets, users)
    treated = np.arange(users) % 2 == 1
    sums = {}
    for name in study.metrics:
        effect = effects.primary if name == study.decision.primary else effects.skips * (name == "skip_rate")
        level = np.exp(10.0 + noise * random.standard_normal(users) + effect * treated)
        sums[name] = np.zeros((2, study.statistics.buckets, 6), dtype=np.int64)
        np.add.at(sums[name], (treated.astype(int), bucket), rows(np.round(level).astype(np.int64)))
    number = int((~treated).sum()), int(treated.sum())
    made = TickSums(
        time=study.experiment.start_ms + day * DAY,
        ended=False,
        period_complete=day >= study.experiment.days,
        counts=InputCounts(rows=1000, accepted=1000),
        sessions_all=9 * users,
        sessions_in_period=9 * users,
        sessions_one_event=0,
        exposed=number,
        included=number,
        sessions=(9 * number[0], 9 * number[1]),
        events=(99 * number[0], 99 * number[1]),
        classic={name: (Moments(900, 40.0, 1e5), Moments(900, 40.0, 1e5)) for name in study.metrics},
        users=sums,
        ratios={},
        exposed_sums={
            name: (exact(sums[name][0]), exact(sums[name][1]))
            for name in ("session_duration", "sessions_per_user", "d1_retention")
            if name in sums
        },
    )
    return replace(made, **changes)  # type: ignore[arg-type]
