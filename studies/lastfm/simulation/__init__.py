"""Listeners as the simulator knows them: regimes of listening, worse skipping, and what has to be found of effects.

listening  what is played in the sessions of simulated users
limits     acceptance limits of power, docs/02-error-rates.md
"""

from livelift.simulation.model import Simulation
from livelift.study import Study
from studies.lastfm.simulation.limits import BARS, SMALL_EFFECT
from studies.lastfm.simulation.listening import REGIMES, with_other_skip_rate


def simulation(study: Study) -> Simulation:
    """The study's simulation (`livelift.simulation`)."""
    return Simulation(REGIMES, {"skip_rate": with_other_skip_rate}, BARS, (SMALL_EFFECT,))
