"""The population that is simulated for a study: its own model, else a general one made of its declaration.

The general one knows what is declared and nothing of the study's users. Error rates depend little on what it makes up: they
hold for heavy-tailed, clustered and changing populations. Power does, so it has no bars for it; a log of the study's own
users (`livelift simulate --data`) is the better answer to how much a study would find.

Sessions are as in `livelift.simulation.presence`, with a median of the study's `prior_session_seconds`. A session has
more events the longer it lasts, and each user a habit for each measure: how often the condition holds, how large the
values are, how many different ones there are.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from livelift.errors import StudyError
from livelift.measures import Measure
from livelift.plan import metric_plans
from livelift.simulation import presence
from livelift.simulation.loading import simulation_of
from livelift.simulation.model import Floats, Integers, Regime, Sessions, Simulation
from livelift.simulation.presence import Usual, Visits
from livelift.source import LARGEST, Field
from livelift.study import Study
from livelift.totals import LARGEST as SQUARED

SESSIONS_A_DAY = 0.75
"""Of a user who is there all the period; more where the study includes users of many sessions only."""

EVENTS_A_GAP = 8
"""Events follow each other so much faster than the pause that ends a session."""

TYPICAL = 20
"""The median value of an integer field, in shown units of the metric that reads it."""

MEAN_ROOM, TOTAL_ROOM = 2_000, 10_000_000
"""How many times the median value the largest user's mean over sessions and sum over the period may be, in *heavy*."""

USUAL_SHARE = 0.1
"""How often a condition holds, for the median user."""


def population(study: Study) -> Simulation:
    """The study's own model, else the general one.

    Raises
    ------
    StudyError
        If its own is wrong, or it has none and does not declare its measures.
    """
    own = simulation_of(study)
    if own is not None:
        return own
    if not study.measures:
        raise StudyError(
            f"study '{study.name}' does not declare its measures, so nothing is known of what a session's could be",
            "write a simulation.py beside its study.toml (docs/12-studies.md)",
        )
    return GENERAL


def _regime(
    visit: Callable[[Generator, int, Usual], Visits], spread: float = 1.1, noise: float = 1.0
) -> Callable[[Generator, int, Study], Sessions]:
    def draw(random: Generator, users: int, study: Study) -> Sessions:
        return _measured(random, visit(random, users, replace(_usual(study), spread=spread, noise=noise)), study)

    return draw


GENERAL = Simulation(
    {
        "stationary": Regime(_regime(presence.stationary)),
        "entry": Regime(_regime(presence.entry)),
        "bursty": Regime(_regime(presence.bursty)),
        "heavy": Regime(_regime(presence.stationary, spread=1.6, noise=1.4)),
        "few": Regime(_regime(presence.stationary), users=(130, 190), boundary_only=True),
    }
)
"""`livelift.simulation.presence`, *heavy* with longer tails of users and sessions, *few* with 130 to 190 users, some of whom are not included."""


def _usual(study: Study) -> Usual:
    experiment = study.experiment
    sessions = max(SESSIONS_A_DAY * experiment.days, 3.0 * experiment.minimum_sessions)
    return Usual(sessions, study.statistics.prior_session_seconds / 60.0)


def _measured(random: Generator, visits: Visits, study: Study) -> Sessions:
    """The sessions with their measures, and the pre-period."""
    experiment = study.experiment
    if study.windows.kind == "row":
        events = np.ones(visits.user.size, dtype=np.int64)
    else:
        events = 1 + random.poisson(60.0 * visits.minutes / (study.windows.gap_seconds / EVENTS_A_GAP))
    measures: dict[str, NDArray[Any]] = {}
    for name, measure in study.measures.items():
        if measure.length:
            measures[name] = np.where(events > 1, np.round(60.0 * visits.minutes), 0.0)
        else:
            measures[name] = _measure(random, name, measure, visits, events, study)
    pre_sessions, pre_seconds = presence.pre_period(random, visits, experiment.pre_period_days / experiment.days)
    pre = {name: _pre_sum(measures[name], visits, pre_sessions) for name in _pre_measures(study)}
    pre |= {name: pre_seconds for name, measure in study.measures.items() if measure.length}
    return Sessions(visits.user, visits.start(experiment.days), measures, pre_sessions, pre)


def _measure(
    random: Generator, name: str, measure: Measure, visits: Visits, events: Integers, study: Study
) -> Integers:
    """(S,): the measure of sessions of so many events."""
    taken = events
    if measure.where or measure.follows_within is not None:
        # What follows another event is at most all but one of them.
        possible = events - 1 if measure.follows_within is not None else events
        taken = random.binomial(possible, _habit(random, visits, USUAL_SHARE, 0.95, 0.7)[visits.user])
    if measure.aggregate == "count":
        return taken
    if measure.aggregate == "distinct":
        tastes = _habit(random, visits, 1.5, 0.5, np.inf)
        return np.minimum(taken, 1 + random.poisson(tastes[visits.user]))
    return _aggregated(random, name, measure, visits, taken, study)


def _habit(random: Generator, visits: Visits, median: float, spread: float, most: float) -> Floats:
    """(U,), log-normal."""
    return np.minimum(median * np.exp(spread * random.standard_normal(visits.users)), most)


def _aggregated(
    random: Generator, name: str, measure: Measure, visits: Visits, taken: Integers, study: Study
) -> Integers:
    """(S,): sum, min, max, first or last of a value for each event that is taken; 0 where there is none."""
    field = study.fields[measure.fields[0]]
    per_user = _habit(random, visits, _typical(name, field, study), 0.5, float(LARGEST))
    session = np.repeat(np.arange(taken.size), taken)
    values = per_user[visits.user[session]] * np.exp(0.5 * random.standard_normal(session.size))
    least, most = _bounds(field)
    whole = np.clip(np.round(values), least, most).astype(np.int64)
    found, some = np.zeros(taken.size, dtype=np.int64), taken > 0
    first = (np.cumsum(taken) - taken)[some]
    if first.size:
        match measure.aggregate:
            case "sum":
                found[some] = np.add.reduceat(whole, first)
            case "min":
                found[some] = np.minimum.reduceat(whole, first)
            case "max":
                found[some] = np.maximum.reduceat(whole, first)
            case "first":
                found[some] = whole[first]
            case _:
                found[some] = whole[first + taken[some] - 1]
    return found


def _bounds(field: Field) -> tuple[int, int]:
    return (-LARGEST if field.minimum is None else field.minimum), (LARGEST if field.maximum is None else field.maximum)


def _typical(name: str, field: Field, study: Study) -> float:
    """The median value: so many shown units of the metrics that read the measure, inside what is declared, and small enough
    for the squares of the largest user's mean and total."""
    reads = [plan for plan in metric_plans(study) if plan.included.numerator == name]
    shown = TYPICAL * max((plan.divide_by for plan in reads), default=1)
    scale = max((plan.included.scale for plan in reads), default=1)
    wanted, (least, most) = min(shown, SQUARED // (MEAN_ROOM * scale), SQUARED // TOTAL_ROOM), _bounds(field)
    if most - least <= 2 * TYPICAL or not least < wanted < most:
        # A narrow range, or one elsewhere: its middle, where there is one.
        wanted = (least + most) // 2 if field.minimum is not None and field.maximum is not None else max(least, 1)
    return float(max(wanted, 1))


def _pre_measures(study: Study) -> set[str]:
    """What covariates are made of."""
    readings = [reading for plan in metric_plans(study) for reading in (plan.included, plan.exposed)]
    covariates = [reading.covariate for reading in readings if reading is not None]
    return {covariate.measure for covariate in covariates if covariate is not None} - {""}


def _pre_sum(values: NDArray[Any], visits: Visits, sessions: Integers) -> Integers:
    """(U,): as in the period a session, times the sessions of the pre-period."""
    number = np.bincount(visits.user, minlength=visits.users)
    total = np.bincount(visits.user, values, visits.users)
    return np.round(total / np.maximum(number, 1) * sessions).astype(np.int64)
