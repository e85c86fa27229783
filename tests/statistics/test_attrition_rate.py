"""How often the attrition test alarms without an effect where users arrive all the time and are soon included."""

import numpy as np
import pytest

from stats.checks.left_out import association_p

LOOKS, EXPERIMENTS = 61, 1000

SESSIONS = 20.0
"""Of a user in the whole period; with the third one a user is included."""


def lowest_p(users: int, random: np.random.Generator) -> float:
    """The lowest p over the looks of an experiment whose users come all the time and are included within days."""
    treated = random.random(users) < 0.5
    exposed = random.random(users)
    included = exposed + random.gamma(2.0, 1.0, users) / SESSIONS
    lowest = 1.0
    for look in range(1, LOOKS + 1):
        seen, waits = exposed <= look / LOOKS, included > look / LOOKS
        arms = [(int((seen & arm).sum()), int((seen & waits & arm).sum())) for arm in (~treated, treated)]
        if seen.sum() >= 100:
            lowest = min(lowest, association_p((arms[0][1], arms[1][1]), (arms[0][0], arms[1][0])))
    return lowest


@pytest.mark.slow
@pytest.mark.parametrize("users", [1_000, 4_000])
def test_attrition_alarms_of_steady_arrivals(users: int) -> None:
    """Each look keeps 1 %; over all of them it may be more, and docs/02-error-rates.md says how much."""
    random = np.random.default_rng(users)
    alarms = sum(lowest_p(users, random) <= 0.01 for _ in range(EXPERIMENTS))
    print(f"{users} users: {alarms} of {EXPERIMENTS} alarm")
    assert 0 < alarms <= 0.03 * EXPERIMENTS
