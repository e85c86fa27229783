"""The simulator's sums equal those of its sessions, and its report equals what the engine decides."""

import json

import msgspec
import numpy as np
import pytest

from livelift.errors import SettingsError
from livelift.event_time import DAY
from livelift.plan import DECISECONDS, MILLIONTHS
from livelift.retention import Retention
from livelift.simulation.model import Sessions
from livelift.simulation.truth import Truth
from stats.simulate.experiment import Assigned, Observed, assign, observe
from stats.simulate.population import population
from stats.simulate.report import resalt, run_one, simulate
from stats.simulate.sums import ticks, watched
from stats.simulate.tally import DECISIONS, Tally, result
from stats.sums.user_value import in_units
from tests.statistics.support import STUDY

USERS = 120
NAMES = [f"user_{number}" for number in range(USERS)]
PRIMARY = STUDY.decision.primary
NEXT_DAY = Retention("every_day", 1)
REGIMES = population(STUDY).regimes


def _experiment(regime: str, lift: float = 0.1) -> tuple[Sessions, Assigned, Observed]:
    sessions = REGIMES[regime].draw(np.random.default_rng(4), USERS, STUDY)
    assigned = assign(NAMES, STUDY)
    return sessions, assigned, observe(sessions, assigned, STUDY, Truth(lift))


def _slow_sums(seen: Observed, assigned: Assigned, metric: str, before: int) -> list[list[int]]:
    """User by user, session by session: sums (2, 6) over sessions due before `before`, ms since the period's start."""
    sums = [[0] * 6, [0] * 6]
    for user in range(USERS):
        mine = [index for index in np.flatnonzero(seen.user == user) if seen.due[index] < before]
        if len(mine) < STUDY.experiment.minimum_sessions:
            continue
        measured = {name: sum(int(values[index]) for index in mine) for name, values in seen.measures.items()}
        if metric == "session_duration":
            y = in_units(measured["seconds"], len(mine), DECISECONDS)
        elif metric == "skip_rate":
            y = in_units(measured["skips"], measured["plays"], MILLIONTHS)
        elif metric == "artist_diversity":
            y = in_units(measured["artists"], len(mine), MILLIONTHS)
        else:
            y = len(mine)
        x = int(seen.covariates[metric][user])
        for column, part in enumerate((1, y, y * y, x, x * x, x * y)):
            sums[int(assigned.treated[user])][column] += part
    return sums


@pytest.mark.parametrize("metric", ["session_duration", "skip_rate", "sessions_per_user", "artist_diversity"])
@pytest.mark.parametrize("regime", ["entry", "bursty"])
def test_the_sums_of_a_look_are_those_of_the_users_sessions(regime: str, metric: str) -> None:
    _, assigned, seen = _experiment(regime)
    made = ticks(seen, assigned, STUDY)
    for look in (1, 20, 61):
        before = look * DAY if look < 61 else 10**15
        assert made[look - 1].users[metric].sum(axis=1).tolist() == _slow_sums(seen, assigned, metric, before)


def test_returns_are_counted_two_midnights_after_an_active_day() -> None:
    """Only active days of the period count."""
    sessions, _, seen = _experiment("stationary")
    active = {(int(user), int(at // DAY)) for user, at in zip(sessions.user, sessions.start, strict=True)}
    ends = sessions.start + seen.measures["seconds"] * 1000
    active |= {(int(user), int(at // DAY)) for user, at in zip(sessions.user, ends, strict=True) if at < 61 * DAY}
    for look in (1, 2, 30, 61):
        days = [(user, day) for user, day in active if day + 2 <= look or (look == 61 and day + 1 < 61)]
        eligible, returned = seen.daily[NEXT_DAY.eligible], seen.daily[NEXT_DAY.returned]
        assert eligible[:, look - 1].sum() == len([1 for _, day in days if day + 1 < 61])
        assert returned[:, look - 1].sum() == len([1 for user, day in days if (user, day + 1) in active])


def test_sums_watched_after_each_session_agree_with_the_looks() -> None:
    """At each look, the sums after the last session closed by then are the look's sums."""
    _, assigned, seen = _experiment("bursty")
    paths, made = watched(seen, assigned, STUDY), ticks(seen, assigned, STUDY)
    for look in (5, 30, 61):
        closed = int((seen.look <= look).sum())
        assert paths[closed - 1].tolist() == made[look - 1].users[PRIMARY].sum(axis=1).tolist()


def test_a_lift_multiplies_the_durations_of_treatment_only() -> None:
    sessions, assigned, plain = _experiment("stationary", lift=0.0)
    _, _, lifted = _experiment("stationary", lift=0.5)
    treated = assigned.treated[sessions.user]
    before, after = plain.measures["seconds"], lifted.measures["seconds"]
    assert np.array_equal(before[~treated], after[~treated])
    assert np.all(np.abs(after[treated] - 1.5 * before[treated]) <= 1)
    assert np.array_equal(plain.measures["skips"], lifted.measures["skips"])


@pytest.mark.parametrize("regime", ["stationary", "entry", "bursty", "heavy"])
def test_sessions_lie_in_the_period_and_are_possible(regime: str) -> None:
    sessions, _, _ = _experiment(regime)
    seconds, plays, skips, artists = (sessions.measures[name] for name in STUDY.measures)
    assert sessions.start.min() >= 0 and sessions.start.max() < 61 * DAY
    assert np.all(skips <= plays) and np.all(artists <= plays)
    assert seconds.max() <= 86_400 and 0.05 < (sessions.pre_sessions == 0).mean() < 0.5


def test_a_seed_gives_one_experiment_and_its_parts_add_up() -> None:
    parts = [run_one(STUDY, "stationary", Truth(0.1), 7, index, USERS) for index in range(2)]
    steps: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        steps.append((done, total))

    whole = simulate(STUDY, "stationary", 2, Truth(0.1), 7, USERS, progress)
    assert result(parts[1] + parts[0], "stationary", Truth(0.1), 7, USERS)["decisions"] == whole["decisions"]
    assert steps == [(2, 2)]
    assert simulate(STUDY, "stationary", 2, Truth(0.1), 7, USERS) == whole


def test_the_report_is_json_and_each_experiment_has_one_decision() -> None:
    report = simulate(STUDY, "entry", 3, users=USERS)
    assert json.loads(json.dumps(report)) == report
    assert report["looks"] == 61 and report["regime"] == "entry"
    assert set(report["decisions"]) == set(DECISIONS) and sum(report["decisions"].values()) == 3
    assert {"deciding", "always_valid", "classic_final", "classic_watched"} <= set(report["readings"])
    for reading in report["readings"].values():
        assert 0 <= reading["rejections"] <= 3


def test_a_large_planted_lift_ships_and_a_large_harm_does_not() -> None:
    good = simulate(STUDY, "stationary", 3, Truth(lift=0.6), users=300)
    bad = simulate(STUDY, "stationary", 3, Truth(lift=-0.4), users=300)
    assert good["decisions"]["ship"] >= 2 and good["readings"]["deciding_ship"]["rejections"] == 3
    assert bad["decisions"]["dont_ship_harm"] == 3
    assert good["mean_stop"] < 1 == bad["mean_stop"]


def test_planted_skips_fail_their_guardrail() -> None:
    report = simulate(STUDY, "stationary", 4, Truth(others=(("skip_rate", 2.0),)), users=300)
    assert report["guardrails_failed"]["skip_rate"] == 4 == report["decisions"]["dont_ship_guardrail"]


def test_without_effect_only_the_session_t_test_errs_often() -> None:
    """10 A/A experiments: the classic reading is wrong in most, the certified boundary in at most 3 (p 0.001 at 0.05)."""
    tally = Tally()
    for index in range(10):
        tally += run_one(STUDY, "bursty", Truth(), 3, index, 300)
    assert tally.rejections["classic_watched"] >= 7
    assert tally.rejections["deciding"] <= 3
    assert tally.rejections["always_valid"] <= 3


def test_without_enough_users_an_experiment_has_no_data() -> None:
    report = simulate(STUDY, "stationary", 1, users=60)
    assert report["decisions"]["no_data"] == 1
    assert report["readings"]["fixed"]["coverage"] is None


def _seen(users: int) -> Sessions:
    return REGIMES["entry"].draw(np.random.default_rng(4), users, STUDY)


def test_one_population_under_many_salts_is_many_experiments() -> None:
    """Each salt is an experiment without effect."""
    names = [f"listener {number}" for number in range(200)]
    report = resalt(STUDY, _seen(200), names, salts=3)
    assert report["experiments"] == 3 == sum(report["decisions"].values())
    assert resalt(STUDY, _seen(200), names, salts=3) == report != resalt(STUDY, _seen(200), names, salts=3, seed=2)


def test_re_salting_without_an_id_for_every_user_is_refused() -> None:
    with pytest.raises(SettingsError, match="every user"):
        resalt(STUDY, _seen(5), ["only one"], salts=1)


@pytest.mark.slow
def test_two_processes_tally_what_one_does() -> None:
    one, two = (simulate(STUDY, "stationary", 30, Truth(0.1), users=110, jobs=jobs) for jobs in (1, 2))
    assert one == two


@pytest.mark.parametrize(("regime", "experiments"), [("chaotic", 1), ("entry", 0)])
def test_a_simulation_of_nothing_is_refused(regime: str, experiments: int) -> None:
    with pytest.raises(SettingsError):
        simulate(STUDY, regime, experiments)


def test_another_salt_is_another_assignment() -> None:
    salted = msgspec.structs.replace(STUDY, experiment=msgspec.structs.replace(STUDY.experiment, salt="other"))
    assert not np.array_equal(assign(NAMES, STUDY).treated, assign(NAMES, salted).treated)
