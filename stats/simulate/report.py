"""Runs thousands of simulated experiments and reports how often each test was wrong or right.

`simulate` is what `livelift simulate` runs. Experiment i of a seed is the same whoever runs it: parts of the work can be
run anywhere and their tallies added.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from math import log1p
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelift.errors import SettingsError
from livelift.simulation.loading import draw
from livelift.simulation.model import Sessions
from livelift.simulation.truth import NOTHING, Truth
from livelift.study import Study
from livelift.tick_sums import TickSums
from stats.decision.engine import EngineState, draw_scores, initial, step
from stats.decision.verdict import Verdict
from stats.estimates import mixture
from stats.estimates.classic import classic
from stats.estimates.distributions import normal_exceeded_with
from stats.estimates.estimates import direction
from stats.estimates.user_means import log_lift
from stats.sequential.boundaries import obrien_fleming
from stats.sequential.rerandomisation import Floats, Tail, advance
from stats.simulate.effects import is_exact, with_leaving, with_own_effect
from stats.simulate.experiment import Assigned, Observed, assign, observe
from stats.simulate.jobs import Progress, tally_in_parts
from stats.simulate.population import population
from stats.simulate.sums import changes_with_sessions, ticks, watched
from stats.simulate.tally import USERS, Tally, result


def _quietly(done: int, total: int) -> None:
    """Progress that nobody watches."""


def simulate(
    study: Study,
    regime: str,
    experiments: int,
    truth: Truth = NOTHING,
    seed: int = 1,
    users: int = USERS,
    progress: Progress = _quietly,
    jobs: int = 1,
) -> dict[str, Any]:
    """Run `experiments` whole experiments of `regime` with a known `truth`, and say how every reading fared.

    Parameters
    ----------
    progress
        Called with (done, total) after each part of some experiments.
    jobs
        Processes that share the work; the result does not depend on it.

    Returns
    -------
    dict
        JSON-able: `regime`, `experiments`, `looks`, `readings` {name: {`rejections` (a count), `rejection_rate`,
        `coverage`}}, `decisions` {name: count}, `guardrails`, `mean_stop` … (`result`).

    Raises
    ------
    SettingsError
        For an unknown regime, or no experiment.
    StudyError
        If the study's simulation is wrong, or does not make what a metric needs.
    """
    regimes = population(study).regimes
    if regime not in regimes:
        raise SettingsError(f"there is no regime '{regime}'", f"use one of: {', '.join(regimes)}")
    if experiments < 1 or users < 2:
        raise SettingsError("a simulation needs an experiment and two users", "give larger numbers")
    part = partial(_part, study, regime, truth, seed, users)
    tally = tally_in_parts(part, experiments, jobs, progress)
    return result(tally, regime, truth, seed, users, is_exact(study, truth))


def _part(study: Study, regime: str, truth: Truth, seed: int, users: int, first: int, end: int) -> Tally:
    """Experiments `first` … `end` − 1 of a simulation."""
    return sum((run_one(study, regime, truth, seed, index, users) for index in range(first, end)), Tally())


def run_one(study: Study, regime: str, truth: Truth, seed: int, index: int, users: int = USERS) -> Tally:
    """Experiment number `index` of a seed: its own users, sessions and salt."""
    random, model = np.random.default_rng([seed, index]), population(study)
    kind = model.regimes[regime]
    if kind.users is not None:
        users = int(random.integers(kind.users[0], kind.users[1] + 1))
    study = with_days(study, kind.days)
    sessions = draw(model, regime, random, users, study)
    salted = with_salt(study, f"{study.experiment.salt}:{regime}:{seed}:{index}")
    assigned = assign([f"user_{number:06d}" for number in range(users)], salted)
    sessions = with_own_effect(random, sessions, assigned.treated, salted, model, truth)
    if truth.leaving:
        sessions = with_leaving(random, sessions, assigned.treated, truth.leaving)
    return judge(observe(sessions, assigned, salted, truth, random), assigned, salted, truth)


def resalt(
    study: Study,
    sessions: Sessions,
    users: Sequence[str],
    salts: int,
    seed: int = 1,
    jobs: int = 1,
    progress: Progress = _quietly,
    truth: Truth = NOTHING,
    draw_users: int | None = None,
) -> dict[str, Any]:
    """Sessions in which no treatment exists as `salts` experiments: each salt another assignment of the users.

    Parameters
    ----------
    sessions
        Of a log, `batch.observed.observe_log`.
    users
        The users' ids, in the order of `sessions.user`.
    salts, seed
        Experiment i has the salt "<the study's>:resalted:<seed>:<i>".
    jobs, progress
        As in `simulate`.
    truth
        An effect that is planted under each salt, by scaling; nobody can be made to leave.
    draw_users
        So many users are drawn from those of the log, with replacement and anew for each experiment; None: all of them, once.

    Returns
    -------
    dict
        As `simulate`, regime "resalted", or "resampled" where users are drawn.

    Raises
    ------
    SettingsError
        Without a salt, or where the ids do not fit the users.
    StudyError
        If the sessions do not have what a metric needs.
    """
    if salts < 1 or len(users) != sessions.users or (draw_users is not None and draw_users < 2):
        raise SettingsError("re-salting needs a salt, an id for every user of the sessions, and two users", "give them")
    if truth.leaving:
        raise SettingsError("nobody leaves a log that exists", "simulate leaving without a log")
    part = partial(_salted_part, study, sessions, users, seed, truth, draw_users)
    tally, regime = tally_in_parts(part, salts, jobs, progress), "resalted" if draw_users is None else "resampled"
    return result(tally, regime, truth, seed, draw_users or len(users), is_exact(study, truth))


def _salted_part(
    study: Study,
    sessions: Sessions,
    users: Sequence[str],
    seed: int,
    truth: Truth,
    draw_users: int | None,
    first: int,
    end: int,
) -> Tally:
    tally = Tally()
    for index in range(first, end):
        random = np.random.default_rng([seed, index])
        drawn, names = sessions, users
        if draw_users is not None:
            drawn = sessions.draw_users(random.integers(0, sessions.users, draw_users))
            names = [f"user_{number:06d}" for number in range(draw_users)]
        salted = with_salt(study, f"{study.experiment.salt}:resalted:{seed}:{index}")
        assigned = assign(names, salted)
        drawn = with_own_effect(random, drawn, assigned.treated, salted, None, truth)
        tally += judge(observe(drawn, assigned, salted, truth, random), assigned, salted, truth)
    return tally


def with_salt(study: Study, salt: str) -> Study:
    """The study under another salt: another assignment, other buckets, other draws."""
    return msgspec.structs.replace(study, experiment=msgspec.structs.replace(study.experiment, salt=salt))


def with_days(study: Study, days: int | None) -> Study:
    """The study with a period of `days`; as it is where none are given."""
    if days is None:
        return study
    end = study.experiment.period_start + timedelta(days=days)
    return msgspec.structs.replace(study, experiment=msgspec.structs.replace(study.experiment, period_end=end))


def judge(seen: Observed, assigned: Assigned, study: Study, truth: Truth) -> Tally:
    """One experiment through the engine, look by look, and through the other readings."""
    sums = ticks(seen, assigned, study)
    scores = draw_scores(np.array([tick.users[study.decision.primary] for tick in sums]), study)
    state, verdicts = initial(study), []
    for tick, score in zip(sums, scores, strict=True):
        state, verdict = step(state, tick, study, score)
        verdicts.append(verdict)
    tally, exact = Tally(experiments=1, looks=len(sums)), is_exact(study, truth)
    _deciding(tally, state, verdicts, truth, exact)
    _left_out(tally, verdicts, study)
    _closing(tally, scores, study)
    _fixed(tally, verdicts[-1], study, truth, exact)
    paths = watched(seen, assigned, study) if changes_with_sessions(seen, study) else _at_looks(sums, study)
    _always_valid(tally, paths, study, truth, exact)
    p_values = [classic(*tick.classic[study.decision.primary]).p for tick in sums]
    last = classic(*sums[-1].classic[study.decision.primary])
    known = last.lift_ci95 if exact else None
    holds = None if known is None else known[0] <= truth.lift <= known[1]
    alpha = study.decision.alpha
    tally.reading("classic_final", last.p is not None and last.p < alpha, holds, last.p is not None)
    started = [
        p for p, tick in zip(p_values, sums, strict=True) if min(tick.included) >= study.statistics.minimum_users
    ]
    tally.reading("classic_watched", any(p is not None and p < alpha for p in started), None, bool(started))
    return tally


def _at_looks(sums: list[TickSums], study: Study) -> Floats:
    """(K, 2, 6): the primary's sums as of every look."""
    return np.array([tick.users[study.decision.primary].sum(axis=1, dtype=np.float64) for tick in sums])


def _deciding(tally: Tally, state: EngineState, verdicts: list[Verdict], truth: Truth, exact: bool) -> None:
    """The certified boundary: crossings of its tails, the interval shown beside it, decisions, guardrails."""
    ship, harm = state.ship.crossed_at, state.harm.crossed_at
    shown = [verdict.primary.interval for verdict in verdicts if verdict.primary.interval is not None]
    covered = all(low <= truth.lift <= high for low, high in shown)
    tally.reading("deciding", ship is not None or harm is not None, covered if exact else None, bool(shown))
    tally.reading("deciding_ship", ship is not None, None)
    tally.reading("deciding_harm", harm is not None, None)
    stop = ship if ship is not None else tally.looks
    tally.ship_looks += stop
    tally.ship_looks_squared += stop * stop
    last = verdicts[-1]
    decision, why = (state.final.decision, state.final.why) if state.final else (last.decision, last.why)
    tally.decisions[f"{decision}_{why}" if decision == "dont_ship" else decision] += 1
    if last.decided is not None and decision == "ship":
        tally.shipped_lift += last.decided.lift or 0.0
        tally.shipped_corrected += last.decided.lift_corrected or 0.0
    tally.guardrails["any"] += bool(state.failed)
    tally.guardrails.update(state.failed.keys())
    if last.primary.log_lift is not None:
        tally.squared_error += (last.primary.log_lift - log1p(truth.lift)) ** 2


def _left_out(tally: Tally, verdicts: list[Verdict], study: Study) -> None:
    """Did the test of *left out × arm* alarm at any look?"""
    p_values = [verdict.health.inclusion_p for verdict in verdicts if verdict.health.inclusion_p is not None]
    alarmed = any(p <= study.health.inclusion_alpha for p in p_values)
    tally.reading("left_out", alarmed, None, bool(p_values))
    tally.alarmed += bool(verdicts[-1].alarms)


def _closing(tally: Tally, scores: Floats, study: Study) -> None:
    """What closing at the best moment would ship, if the look of the close were given the rest of the error."""
    looks, draws = scores.shape
    tail, shipped = Tail.of(draws), False
    toward = direction(study)
    spent = obrien_fleming(np.arange(1, looks + 1) / looks, study.decision.alpha / 2)
    for look in range(looks):
        rest, _ = advance(tail, toward * scores[look], study.decision.alpha / 2, look + 1)
        shipped = shipped or rest.crossed_at is not None
        tail, _ = advance(tail, toward * scores[look], float(spent[look]), look + 1)
    tally.reading("closing_with_the_rest", shipped, None)


def _fixed(tally: Tally, last: Verdict, study: Study, truth: Truth, exact: bool) -> None:
    """The test that looks once, at the end: what the sequential one is measured against."""
    critical = normal_exceeded_with(study.decision.alpha / 2)
    z, se, estimate = last.primary.z, last.primary.se, last.primary.log_lift
    if z is None or se is None or estimate is None:
        for name in ("fixed", "fixed_up", "fixed_down"):
            tally.reading(name, False, None, readable=False)
        return
    holds = abs(estimate - log1p(truth.lift)) <= critical * se
    tally.reading("fixed", abs(z) > critical, holds if exact else None)
    tally.reading("fixed_up", z > critical, None)
    tally.reading("fixed_down", z < -critical, None)


def _always_valid(tally: Tally, paths: NDArray[np.int64] | Floats, study: Study, truth: Truth, exact: bool) -> None:
    """The display layer, watched whenever the primary changes."""
    lifts = log_lift(paths[:, 0], paths[:, 1], study.statistics.minimum_users)
    shown = ~np.isnan(lifts.value)
    value, variance = lifts.value[shown], lifts.variance[shown]
    rho, alpha = mixture.tuned_rho(study.statistics.planned_standard_error), study.decision.alpha
    rejected = bool(np.any(mixture.p_value(value, variance, rho) <= alpha))
    covered = bool(np.all(np.abs(value - log1p(truth.lift)) <= mixture.radius(variance, rho, alpha)))
    tally.reading("always_valid", rejected, covered if exact else None, bool(value.size))
