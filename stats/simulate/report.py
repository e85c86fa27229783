"""Thousands of simulated experiments, and how often each way of reading them was wrong (or right).

`simulate` is what `livelift simulate` runs. Experiment i of a seed is the same whoever runs it: parts of the work can be
run anywhere and their tallies added.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import expm1, log1p
from typing import Any

import msgspec
import numpy as np

from livelift.errors import SettingsError
from livelift.study import Study
from stats import mixture
from stats.classic import classic
from stats.distributions import normal_exceeded_with
from stats.engine import EngineState, flip_scores, initial, step
from stats.simulate.experiment import Assigned, Observed, assign, observe, ticks, watched
from stats.simulate.regimes import REGIMES, Sessions, with_worse_skips
from stats.user_means import log_lift
from stats.verdict import Verdict

USERS = 1000
"""Users of a simulated experiment, as in the study."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is planted: a lift of durations, and by how much treated users skip more; fractions."""

    lift: float = 0.0
    worse_skips: float = 0.0


@dataclass(slots=True)
class Tally:
    """Counts over experiments; `+` adds the parts of one job.

    Attributes
    ----------
    rejections, covered, readable
        Reading → experiments in which it ever rejected no effect; in which all its intervals held the truth; in which it
        could be read at all.
    decisions
        Final decision (with why) → experiments.
    ship_looks
        Σ of the look at which the ship boundary was crossed, the last look where it was not: for the mean stop.
    guardrails
        Guardrail → experiments in which it failed; `any`: in which some did.
    """

    experiments: int = 0
    looks: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    readable: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    guardrails: Counter[str] = field(default_factory=Counter)
    ship_looks: int = 0
    squared_error: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.experiments + other.experiments,
            max(self.looks, other.looks),
            _sum(self.rejections, other.rejections),
            _sum(self.covered, other.covered),
            _sum(self.readable, other.readable),
            _sum(self.decisions, other.decisions),
            _sum(self.guardrails, other.guardrails),
            self.ship_looks + other.ship_looks,
            self.squared_error + other.squared_error,
        )

    def reading(self, name: str, rejected: bool, covered: bool | None, readable: bool = True) -> None:
        """Count one experiment's outcome of a reading; `covered` None: it has no interval."""
        self.rejections[name] += rejected
        self.readable[name] += readable
        if covered is not None:
            self.covered[name] += covered and readable


def _sum(a: Counter[str], b: Counter[str]) -> Counter[str]:
    """The counts together; `a + b` would forget the names that counted nothing."""
    together = Counter(a)
    together.update(b)
    return together


def simulate(
    study: Study,
    regime: str,
    experiments: int,
    truth: Truth = Truth(),
    seed: int = 1,
    users: int = USERS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Run `experiments` whole experiments of `regime` with a known `truth`, and say how every reading fared.

    Parameters
    ----------
    progress
        Called with (done, total) after each experiment.

    Returns
    -------
    dict
        JSON-able: `regime`, `experiments`, `looks`, `readings` {name: {`rejections` (a count), `rejection_rate`,
        `coverage`}}, `decisions` {name: count}, `guardrails`, `mean_stop` … (`result`).

    Raises
    ------
    SettingsError
        For an unknown regime, or no experiment.
    """
    if regime not in REGIMES:
        raise SettingsError(f"there is no regime '{regime}'", f"use one of: {', '.join(REGIMES)}")
    if experiments < 1 or users < 2:
        raise SettingsError("a simulation needs an experiment and two users", "give larger numbers")
    tally = Tally()
    for index in range(experiments):
        tally += run_one(study, regime, truth, seed, index, users)
        progress(index + 1, experiments)
    return result(tally, regime, truth, seed, users)


def run_one(study: Study, regime: str, truth: Truth, seed: int, index: int, users: int = USERS) -> Tally:
    """Experiment number `index` of a seed: its own users, sessions and salt."""
    random = np.random.default_rng([seed, index])
    sessions = REGIMES[regime](random, users, study.experiment.days)
    salted = with_salt(study, f"{study.experiment.salt}:{regime}:{seed}:{index}")
    assigned = assign([f"user_{number:06d}" for number in range(users)], salted)
    if truth.worse_skips:
        sessions = with_worse_skips(random, sessions, assigned.treated, truth.worse_skips)
    return judge(sessions, assigned, salted, truth)


def resalt(
    study: Study,
    sessions: Sessions,
    users: Sequence[str],
    salts: int,
    seed: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Real sessions, in which no treatment exists, as `salts` A/A experiments: each salt another assignment of the users.

    Parameters
    ----------
    sessions
        Sessions that start in the period, with the pre-period's totals (`Sessions.skip_rate` is not used).
    users
        Their ids, in the order of `Sessions.user`.

    Returns
    -------
    dict
        As `simulate`, regime "resalted".

    Raises
    ------
    SettingsError
        Without a salt, or where the users do not fit the sessions.
    """
    if salts < 1 or len(users) != sessions.users:
        raise SettingsError("re-salting needs a salt, and an id for every user of the sessions", "give both")
    tally = Tally()
    for index in range(salts):
        salted = with_salt(study, f"{study.experiment.salt}:resalted:{seed}:{index}")
        tally += judge(sessions, assign(users, salted), salted, Truth())
        progress(index + 1, salts)
    return result(tally, "resalted", Truth(), seed, len(users))


def with_salt(study: Study, salt: str) -> Study:
    """The study under another salt: another assignment, other buckets, other flips."""
    return msgspec.structs.replace(study, experiment=msgspec.structs.replace(study.experiment, salt=salt))


def judge(sessions: Sessions, assigned: Assigned, study: Study, truth: Truth) -> Tally:
    """One experiment through the engine, look by look, and through the other readings."""
    seen = observe(sessions, assigned, study, truth.lift)
    sums = ticks(seen, assigned, study)
    scores = flip_scores(np.array([tick.users[study.decision.primary] for tick in sums]), study)
    state, verdicts = initial(study), []
    for tick, score in zip(sums, scores, strict=True):
        state, verdict = step(state, tick, study, score)
        verdicts.append(verdict)
    tally = Tally(experiments=1, looks=len(sums))
    _deciding(tally, state, verdicts, truth)
    _fixed(tally, verdicts[-1], study, truth)
    _always_valid(tally, seen, assigned, study, truth)
    p_values = [classic(*tick.classic[study.decision.primary]).p for tick in sums]
    last = classic(*sums[-1].classic[study.decision.primary])
    holds = None if last.lift_ci95 is None else last.lift_ci95[0] <= truth.lift <= last.lift_ci95[1]
    alpha = study.decision.alpha
    tally.reading("classic_final", last.p is not None and last.p < alpha, holds, last.p is not None)
    started = [
        p for p, tick in zip(p_values, sums, strict=True) if min(tick.included) >= study.statistics.minimum_users
    ]
    tally.reading("classic_watched", any(p is not None and p < alpha for p in started), None, bool(started))
    return tally


def _deciding(tally: Tally, state: EngineState, verdicts: list[Verdict], truth: Truth) -> None:
    """The certified boundary: crossings of its tails, the interval shown beside it, decisions, guardrails."""
    ship, harm = state.ship.crossed_at, state.harm.crossed_at
    shown = [verdict.primary.interval for verdict in verdicts if verdict.primary.interval is not None]
    covered = all(low <= truth.lift <= high for low, high in shown)
    tally.reading("deciding", ship is not None or harm is not None, covered, bool(shown))
    tally.reading("deciding_ship", ship is not None, None)
    tally.reading("deciding_harm", harm is not None, None)
    tally.ship_looks += ship if ship is not None else tally.looks
    last = verdicts[-1]
    decision, why = (state.final.decision, state.final.why) if state.final else (last.decision, last.why)
    tally.decisions[f"{decision}_{why}" if decision == "dont_ship" else decision] += 1
    tally.guardrails["any"] += bool(state.failed)
    tally.guardrails.update(state.failed.keys())
    if last.primary.log_lift is not None:
        tally.squared_error += (last.primary.log_lift - log1p(truth.lift)) ** 2


def _fixed(tally: Tally, last: Verdict, study: Study, truth: Truth) -> None:
    """The test that looks once, at the end: what the sequential one is measured against."""
    critical = normal_exceeded_with(study.decision.alpha / 2)
    z, se, estimate = last.primary.z, last.primary.se, last.primary.log_lift
    if z is None or se is None or estimate is None:
        tally.reading("fixed", False, None, readable=False)
        return
    tally.reading("fixed", abs(z) > critical, abs(estimate - log1p(truth.lift)) <= critical * se)
    tally.reading("fixed_up", z > critical, None)
    tally.reading("fixed_down", z < -critical, None)


def _always_valid(tally: Tally, seen: Observed, assigned: Assigned, study: Study, truth: Truth) -> None:
    """The display layer, watched after every session."""
    paths = watched(seen, assigned, study)
    lifts = log_lift(paths[:, 0], paths[:, 1], study.statistics.minimum_users)
    shown = ~np.isnan(lifts.value)
    value, variance = lifts.value[shown], lifts.variance[shown]
    rho, alpha = mixture.tuned_rho(study.statistics.planned_standard_error), study.decision.alpha
    rejected = bool(np.any(mixture.p_value(value, variance, rho) <= alpha))
    covered = bool(np.all(np.abs(value - log1p(truth.lift)) <= mixture.radius(variance, rho, alpha)))
    tally.reading("always_valid", rejected, covered, bool(value.size))


def result(tally: Tally, regime: str, truth: Truth, seed: int, users: int = USERS) -> dict[str, Any]:
    """A tally as what `livelift simulate --json` prints."""
    number = max(tally.experiments, 1)

    def of(name: str) -> dict[str, Any]:
        readable = tally.readable[name]
        has_interval = name in tally.covered
        return {
            "rejections": tally.rejections[name],
            "rejection_rate": tally.rejections[name] / number,
            "coverage": tally.covered[name] / readable if has_interval and readable else None,
        }

    return {
        "regime": regime,
        "experiments": tally.experiments,
        "looks": tally.looks,
        "users": users,
        "seed": seed,
        "lift": truth.lift,
        "worse_skips": truth.worse_skips,
        "readings": {name: of(name) for name in tally.readable},
        "decisions": {name: tally.decisions[name] for name in DECISIONS},
        "guardrails_failed": dict(sorted(tally.guardrails.items())),
        "mean_stop": tally.ship_looks / (number * max(tally.looks, 1)),
        "typical_error": expm1((tally.squared_error / number) ** 0.5),
    }


DECISIONS = (
    "ship", "dont_ship_harm", "dont_ship_guardrail", "dont_ship_not_proven", "keep_running", "unhealthy", "no_data",
)  # fmt: skip
"""How an experiment can end, as counted in `decisions`."""
