"""Listening sessions of simulated users, in the regimes that have fooled other tests and behind faults that were fixed.

*stationary*, *entry*, *bursty*
    As in `livelift.simulation.presence`.
*heavy*
    As *stationary* with a much heavier tail of sessions a user and of durations.
*few*
    As *stationary* with 100 to 150 users: many re-assignments leave an arm below the minimum of 50.
*extreme*
    As *stationary* with one user whose sessions last 300 times as long.
*rare_skips*
    As *stationary* with 19 of 20 users who never skip: the guardrail is 0 for nearly everybody.
*long*
    As *stationary* over 400 days: the first looks release less error than a float64 holds.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from livelift.simulation import presence
from livelift.simulation.model import Flags, Floats, Regime, Sessions
from livelift.simulation.presence import Usual, Visits
from livelift.study import Study

EXTREME = 300.0
NEVER_SKIP = 0.95
USUAL = Usual(sessions=45.0, minutes=40.0)


def _regime(
    visit: Callable[[Generator, int, Usual], Visits], usual: Usual = USUAL
) -> Callable[[Generator, int, Study], Sessions]:
    def draw(random: Generator, users: int, study: Study) -> Sessions:
        return _played(random, visit(random, users, usual), study)

    return draw


def _played(random: Generator, visits: Visits, study: Study, stretched: Floats | float = 1.0) -> Sessions:
    """What was played in the sessions, which then last `stretched` times as long; and the pre-period."""
    user, minutes, users = visits.user, visits.minutes, visits.users
    skip_rate = np.minimum(np.exp(np.log(0.025) + 0.95 * random.standard_normal(users)), 0.7)
    tastes = 1.5 * np.exp(0.5 * random.standard_normal(users))
    plays = 1 + random.poisson(minutes / 4.0)
    pre_sessions, pre_seconds = presence.pre_period(random, visits)
    measures = {
        "seconds": 60.0 * (stretched * minutes),
        "plays": plays,
        "skips": random.binomial(plays, skip_rate[user]),
        "artists": np.minimum(plays, 1 + random.poisson(tastes[user])),
    }
    return Sessions(
        user, visits.start(study.experiment.days), measures, pre_sessions, {"seconds": pre_seconds},
        habits={"skip_rate": skip_rate},
    )  # fmt: skip


def _extreme(random: Generator, users: int, study: Study) -> Sessions:
    visits = presence.stationary(random, users, USUAL)
    return _played(random, visits, study, np.where(visits.user == 0, EXTREME, 1.0))


def _rare_skips(random: Generator, users: int, study: Study) -> Sessions:
    sessions = _regime(presence.stationary)(random, users, study)
    never = random.random(users) < NEVER_SKIP
    skips = np.where(never[sessions.user], 0, sessions.measures["skips"])
    habits = {"skip_rate": np.where(never, 0.0, sessions.habits["skip_rate"])}
    return replace(sessions.with_measure("skips", skips), habits=habits)


REGIMES = {
    "stationary": Regime(_regime(presence.stationary)),
    "entry": Regime(_regime(presence.entry)),
    "bursty": Regime(_regime(presence.bursty)),
    "heavy": Regime(_regime(presence.stationary, replace(USUAL, spread=1.6, noise=1.4))),
    "few": Regime(_regime(presence.stationary), users=(100, 150), boundary_only=True),
    "extreme": Regime(_extreme, boundary_only=True),
    "rare_skips": Regime(_rare_skips, boundary_only=True),
    # One experiment of 400 looks takes as long as six others.
    "long": Regime(_regime(presence.stationary), days=400, fewer=5, boundary_only=True),
}


def with_other_skip_rate(random: Generator, sessions: Sessions, treated: Flags, lift: float) -> Sessions:
    """The sessions with treated users skipping (1 + `lift`) times as often, drawn anew for them."""
    rate = np.minimum(sessions.habits["skip_rate"] * np.where(treated, 1.0 + lift, 1.0), 1.0)
    again = random.binomial(sessions.measures["plays"], rate[sessions.user])
    return sessions.with_measure("skips", np.where(treated[sessions.user], again, sessions.measures["skips"]))
