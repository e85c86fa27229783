"""Which faults a seed stands for. Pure: the same seed and length give the same schedule on every machine."""

import random
from dataclasses import dataclass

from livelift.settings import STORES

WORKERS = ("processor-1", "processor-2", "processor-3")
STATS = ("stats-1", "stats-2")
"""The second one stands by until the first has gone."""

STATIONS = ("producer", *WORKERS, *STATS)
SERVERS = ("kafka", "redis")
PROCESSES = (*STATIONS, *SERVERS)

LINKS = (*(f"{station}>kafka" for station in STATIONS), *(f"{station}>redis" for station in STATS))
BUNDLES = ("*>kafka", "*>redis")
"""All links to a server at once, as where its host is not reached."""

PROCESS_KINDS = ("kill", "terminate", "freeze")
LINK_KINDS = ("stall", "slow", "lose answers", "refuse", "cut")
REDIS_KINDS = ("put back", "empty")
KINDS = (*PROCESS_KINDS, *LINK_KINDS, *REDIS_KINDS)

MOMENTARY = ("kill", "terminate", "cut", "empty")
"""Kinds that last no time."""

SHARES = {"process": 0.5, "link": 0.4, "redis": 0.1}
SECONDS_A_FAULT = 3.0
FIRST_SECOND = 2.0
LONG_SHARE = 0.1
PARTITIONS = (3, 4, 6)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault: when it begins, in seconds after the first event was counted, what it is, whom it hits, how long it lasts."""

    at: float
    kind: str
    target: str
    seconds: float

    def __str__(self) -> str:
        lasts = "" if self.kind in MOMENTARY else f" for {self.seconds:.1f} s"
        return f"{self.kind} {self.target}{lasts}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a seed stands for.

    Attributes
    ----------
    seed, seconds
        What it was made from: `seconds` is how long the replay is to take without faults.
    store
        Where processors keep their users.
    partitions
        Of the events topic.
    faults
        In the order of their time.
    """

    seed: int
    seconds: float
    store: str
    partitions: int
    faults: tuple[Fault, ...]


def schedule(seed: int, seconds: float) -> Schedule:
    """The faults of a seed over a replay of so many seconds.

    >>> schedule(7, 60.0) == schedule(7, 60.0)
    True
    >>> schedule(7, 60.0).faults == schedule(8, 60.0).faults
    False
    """
    chance = random.Random(f"livelift chaos {seed}")
    store, partitions = chance.choice(STORES), chance.choice(PARTITIONS)
    pairs = _pairs(chance, max(1, int(seconds / SECONDS_A_FAULT)))
    faults = sorted(_timed(chance, kind, target, seconds) for kind, target in pairs)
    return Schedule(seed, seconds, store, partitions, tuple(faults))


def _pairs(chance: random.Random, number: int) -> list[tuple[str, str]]:
    """(kind, target) of `number` faults: where there are enough, every kind comes up, and every process is hit."""
    wanted = [(kind, _target(chance, kind)) for kind in KINDS]
    wanted += [(chance.choice(PROCESS_KINDS), process) for process in PROCESSES]
    chance.shuffle(wanted)
    while len(wanted) < number:
        (group,) = chance.choices(list(SHARES), list(SHARES.values()))
        kind = chance.choice({"process": PROCESS_KINDS, "link": LINK_KINDS, "redis": REDIS_KINDS}[group])
        wanted.append((kind, _target(chance, kind)))
    return wanted[:number]


def _target(chance: random.Random, kind: str) -> str:
    if kind in PROCESS_KINDS:
        return chance.choice(PROCESSES)
    if kind in REDIS_KINDS:
        return "redis"
    return chance.choice((*LINKS, *BUNDLES))


def _timed(chance: random.Random, kind: str, target: str, seconds: float) -> Fault:
    at = chance.uniform(min(FIRST_SECOND, seconds / 2), seconds)
    lasts = chance.uniform(0.5, 10.0)
    if chance.random() < LONG_SHARE and seconds >= 60:
        lasts = chance.uniform(10.0, 40.0)  # longer than every time-out of the clients
    return Fault(round(at, 2), kind, target, 0.0 if kind in MOMENTARY else round(lasts, 2))
