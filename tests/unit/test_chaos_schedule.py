"""The schedule of a fault run: the same for the same seed, all kinds and targets, within its time."""

from collections import Counter

import pytest

from livelift.settings import STORES
from tests.chaos.faults import ACTS
from tests.chaos.schedule import BUNDLES, KINDS, LINK_KINDS, LINKS, MOMENTARY, PARTITIONS, PROCESSES, schedule

SEEDS = range(1, 41)


def test_a_seed_stands_for_one_schedule() -> None:
    assert schedule(3, 75.0) == schedule(3, 75.0)
    assert len({schedule(seed, 75.0).faults for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seconds", [20.0, 75.0, 150.0])
def test_faults_lie_within_the_replay_in_the_order_of_their_time(seconds: float) -> None:
    for seed in SEEDS:
        faults = schedule(seed, seconds).faults
        times = [fault.at for fault in faults]
        assert times == sorted(times)
        assert times[0] > 0 and times[-1] <= seconds
        assert len(faults) == int(seconds / 3)
        assert all((fault.seconds == 0.0) == (fault.kind in MOMENTARY) for fault in faults)


def test_a_full_run_has_every_kind_and_hits_every_process() -> None:
    for seed in SEEDS:
        faults = schedule(seed, 75.0).faults
        assert {fault.kind for fault in faults} == set(KINDS)
        assert {fault.target for fault in faults} >= set(PROCESSES)


def test_a_kind_hits_what_it_is_made_for() -> None:
    for seed in SEEDS:
        for fault in schedule(seed, 150.0).faults:
            assert fault.target in ((*LINKS, *BUNDLES) if fault.kind in LINK_KINDS else PROCESSES)
            assert fault.kind not in ("put back", "empty") or fault.target == "redis"


def test_seeds_choose_stores_partitions_and_some_long_faults() -> None:
    schedules = [schedule(seed, 75.0) for seed in SEEDS]
    assert set(Counter(made.store for made in schedules)) == set(STORES)
    assert {made.partitions for made in schedules} == set(PARTITIONS)
    longest = [max(fault.seconds for fault in made.faults) for made in schedules]
    assert sum(seconds > 30 for seconds in longest) >= 5
    assert all(seconds <= 40 for seconds in longest)


def test_every_kind_is_known_to_whoever_does_it() -> None:
    assert set(ACTS) == set(KINDS)
