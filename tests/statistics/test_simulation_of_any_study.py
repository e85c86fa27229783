"""Studies that nobody wrote a model for are simulated: sums equal the batch oracle's, false alarms are rare, effects are planted."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from batch.observed import observe_log
from batch.oracle import Oracle
from livelift.assignment import TREATMENT
from livelift.errors import SettingsError, StudyError
from livelift.plan import metric_plan, metric_plans
from livelift.simulation.loading import draw
from livelift.simulation.model import Sessions
from livelift.simulation.truth import NOTHING, Cell, Truth
from livelift.study import Study, load_study
from stats.simulate.bars import error_rates, judge_all
from stats.simulate.effects import with_own_effect
from stats.simulate.experiment import Assigned, Observed, assign, observe
from stats.simulate.population import GENERAL, population
from stats.simulate.report import resalt, simulate
from stats.simulate.sums import changes_with_sessions, ticks, watched
from tests.statistics.support import STUDY as LASTFM

FOLDER = Path(__file__).parents[1] / "studies"
STUDIES = ("pageviews", "plays", "purchases", "viewings")
replace = msgspec.structs.replace


@cache
def study_of(name: str) -> Study:
    return load_study(str(FOLDER / name))


def judged_by(study: Study, metric: str) -> Study:
    return replace(study, decision=replace(study.decision, primary=metric))


@cache
def log_of(name: str, folder: Path) -> tuple[Path, Sessions, list[str]]:
    data = folder / name
    import_module(f"tests.studies.{name}.make").main(data)
    return data, *observe_log(data, study_of(name))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.mark.parametrize("name", STUDIES)
def test_a_logs_sums_are_the_oracles_for_any_study(name: str, folder: Path) -> None:
    study = study_of(name)
    data, sessions, users = log_of(name, folder)
    with Oracle(data, study) as oracle:
        of_oracle = [tick for tick in oracle.ticks() if not tick.ended]
        arms = {session.user: session.variant == TREATMENT for session in oracle.sessions() if session.variant}
    by_hash = assign(users, study)
    assigned = Assigned(np.array([arms[user] for user in users]), by_hash.bucket)
    assert study.experiment.arm_field or np.array_equal(assigned.treated, by_hash.treated)
    ours = ticks(observe(sessions, assigned, study), assigned, study)
    theirs = [*of_oracle[: study.experiment.days - 1], next(tick for tick in of_oracle if tick.period_complete)]
    assert len(ours) == len(theirs) == study.experiment.days
    for mine, exact in zip(ours, theirs, strict=True):
        for part in ("exposed", "included", "sessions", "events", "sessions_in_period", "sessions_one_event"):
            assert getattr(mine, part) == getattr(exact, part), part
        assert (mine.ratios, mine.exposed_sums) == (exact.ratios, exact.exposed_sums)
        for metric in study.metrics:
            assert np.array_equal(mine.users[metric].sum(axis=1), exact.users[metric].sum(axis=1)), metric
            for moments, other in zip(mine.classic[metric], exact.classic[metric], strict=True):
                assert (moments.n, moments.mean, moments.m2) == pytest.approx((other.n, other.mean, other.m2), rel=1e-9)
    assert min(ours[-1].included) > 30


@pytest.mark.parametrize("name", STUDIES)
def test_simulated_false_alarms_are_rare_for_any_study(name: str) -> None:
    """30 experiments without an effect: no rate is so high that its probability at the limit is below 0.001."""
    study, cell = study_of(name), Cell("bursty")
    found = simulate(study, "bursty", 30, seed=6, users=300)
    judged = judge_all(error_rates(study, cell), {cell: found}, chance=0.001)
    assert len(judged) == 6 and all(each.passed for each in judged)
    assert found["readings"]["always_valid"]["coverage"] is not None and found["looks"] == study.experiment.days
    assert found["decisions"]["no_data"] < 3


@pytest.mark.parametrize("name", STUDIES)
def test_a_large_planted_lift_is_found_in_any_study(name: str) -> None:
    better = 0.5 if study_of(name).metrics[study_of(name).decision.primary].higher_is_better else -0.4
    found = simulate(study_of(name), "stationary", 3, Truth(better), users=600)
    assert found["readings"]["fixed"]["rejections"] == found["readings"]["deciding_ship"]["rejections"] == 3


@pytest.mark.parametrize("name", STUDIES)
def test_salts_of_any_studys_log_hardly_ever_find_an_effect(name: str, folder: Path) -> None:
    study = study_of(name)
    _, sessions, users = log_of(name, folder)
    found = resalt(study, sessions, users, salts=30, seed=2)
    cell = Cell("resalted")
    assert all(each.passed for each in judge_all(error_rates(study, cell)[:2], {cell: found}, chance=0.001))
    assert (found["regime"], found["users"]) == ("resalted", len(users))


def test_more_users_are_drawn_from_a_log_and_find_an_effect(folder: Path) -> None:
    study = study_of("plays")
    _, sessions, users = log_of("plays", folder)
    found = resalt(study, sessions, users, 3, truth=Truth(0.4), draw_users=700)
    assert (found["regime"], found["users"]) == ("resampled", 700)
    assert found["readings"]["deciding_ship"]["rejections"] == 3
    assert resalt(study, sessions, users, 3, truth=Truth(0.4), draw_users=700) == found
    with pytest.raises(SettingsError, match="nobody leaves"):
        resalt(study, sessions, users, 3, truth=Truth(leaving=0.1))
    with pytest.raises(SettingsError, match="two users"):
        resalt(study, sessions, users, 3, draw_users=1)


ALL_METRICS = [(name, metric) for name in STUDIES for metric in study_of(name).metrics] + [
    ("lastfm", metric) for metric in LASTFM.metrics
]


def shown(seen: Observed, treated: Any, study: Study, metric: str) -> tuple[float, float]:
    """The mean over the users of either arm, session by session in plain Python; every user with a value counts."""
    reading = metric_plan(study, metric).included
    sums: list[dict[str, int]] = [
        {"users": 1, "sessions": 0} | {total: int(values[user, -1]) for total, values in seen.daily.items()}
        for user in range(treated.size)
    ]
    for index, user in enumerate(seen.user.tolist()):
        sums[user]["sessions"] += 1
        for measure, values in seen.measures.items():
            sums[user][measure] = sums[user].get(measure, 0) + int(values[index])
    arms: tuple[list[float], list[float]] = ([], [])
    for user, totals in enumerate(sums):
        if totals.get(reading.denominator, 0) > 0:
            arms[int(treated[user])].append(totals.get(reading.numerator, 0) / totals[reading.denominator])
    return sum(arms[0]) / len(arms[0]), sum(arms[1]) / len(arms[1])


@pytest.mark.parametrize("lift", [0.2, -0.2])
@pytest.mark.parametrize(("name", "metric"), ALL_METRICS)
def test_a_lift_of_any_metric_is_as_large_as_planted(name: str, metric: str, lift: float) -> None:
    """As a primary and as another metric: treatment's mean moves by the lift, control's not at all."""
    study = LASTFM if name == "lastfm" else study_of(name)
    study = judged_by(replace(study, experiment=replace(study.experiment, salt="lifted")), metric)
    other = next((each for each in study.metrics if each != metric), "")
    users = 2000 if name == "viewings" else 400
    sessions = draw(population(study), "stationary", np.random.default_rng(8), users, study)
    assigned = assign([str(user) for user in range(users)], study)
    plain = shown(observe(sessions, assigned, study), assigned.treated, study, metric)
    cases = [(study, Truth(lift))] + ([(judged_by(study, other), Truth(others=((metric, lift),)))] if other else [])
    for judged, truth in cases:
        random = np.random.default_rng(9)
        planted = sessions
        if truth.others:
            planted = with_own_effect(random, sessions, assigned.treated, judged, GENERAL, truth)
        lifted = shown(observe(planted, assigned, judged, truth, random), assigned.treated, study, metric)
        assert lifted[0] == plain[0]
        # Four standard errors of what is rounded or drawn at random, of a return that each user has once.
        few = metric.endswith(("d1", "d7", "d30"))
        error = 4 * (abs(lift) / (plain[1] * assigned.treated.sum() / (5 if "new" in metric else 1))) ** 0.5
        assert lifted[1] / plain[1] - 1 == pytest.approx(lift, abs=error if few else 0.03)


@pytest.mark.parametrize(("name", "metric"), ALL_METRICS)
def test_any_metric_can_be_the_primary_of_a_simulation(name: str, metric: str) -> None:
    study = judged_by(LASTFM if name == "lastfm" else study_of(name), metric)
    found = simulate(study, "entry", 1, Truth(0.1), users=240)
    known = metric_plan(study, metric).included.numerator in study.measures
    assert found["readings"]["fixed"]["rejections"] in (0, 1) and sum(found["decisions"].values()) == 1
    assert all((reading["coverage"] is None) or known for reading in found["readings"].values())
    assert (found["typical_error"] is not None) == known
    enough = 3000 if metric in ("d30", "new_d7") else 240  # who has a value at all
    assert simulate(study, "stationary", 1, users=enough)["readings"]["fixed"]["coverage"] in (0.0, 1.0)


@pytest.mark.parametrize("metric", LASTFM.metrics)
def test_what_is_watched_ends_in_the_sums_of_the_last_look(metric: str) -> None:
    study = judged_by(LASTFM, metric)
    sessions = draw(population(study), "entry", np.random.default_rng(4), 120, study)
    assigned = assign([str(user) for user in range(120)], study)
    seen = observe(sessions, assigned, study)
    assert changes_with_sessions(seen, study) == (metric != "d1_retention")
    if metric != "d1_retention":
        last = ticks(seen, assigned, study)[-1].users[metric].sum(axis=1)
        assert watched(seen, assigned, study)[-1].tolist() == last.tolist()


def test_sums_that_leave_an_int64_are_exact() -> None:
    """Squares of 400 users' sums of up to 3·10⁹ are more than an int64 holds."""
    study = study_of("plays")
    sessions = draw(population(study), "stationary", np.random.default_rng(4), 400, study)
    values = np.full(sessions.user.size, 3_000_000_000 // np.bincount(sessions.user).max())
    assigned = assign([str(user) for user in range(400)], study)
    last = ticks(observe(sessions.with_measure("listened", values), assigned, study), assigned, study)[-1]
    number = np.bincount(sessions.user, minlength=400)
    for arm in (0, 1):
        mine = [int(n) for n, treated in zip(number, assigned.treated, strict=True) if treated == arm and n >= 3]
        assert last.ratios["listened_per_session"][arm][3] == sum((n * int(values[0])) ** 2 for n in mine)
        of_all = [int(n) for n, treated in zip(number, assigned.treated, strict=True) if treated == arm and n]
        assert last.exposed_sums["listened_per_session"][arm][2] == sum((n * int(values[0])) ** 2 for n in of_all)
    larger = observe(sessions.with_measure("listened", values * 2), assigned, study)
    with pytest.raises(StudyError, match="too large to be squared"):
        ticks(larger, assigned, study)


def test_a_lift_that_needs_more_days_than_there_are_is_refused() -> None:
    with pytest.raises(SettingsError, match="'d1_retention' is not possible"):
        simulate(judged_by(LASTFM, "d1_retention"), "stationary", 1, Truth(5.0), users=120)


def test_an_effect_on_the_primary_leaves_coverage_out() -> None:
    study = judged_by(study_of("plays"), "skip_share")
    assert simulate(study, "stationary", 1, Truth(others=(("short", 0.1),)), users=240)["typical_error"] is not None
    twice = replace(study, metrics={**study.metrics, "again": study.metrics["skip_share"]})
    found = simulate(twice, "stationary", 1, Truth(others=(("again", 0.1),)), users=240)
    assert found["typical_error"] is None and found["readings"]["fixed"]["coverage"] is None


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("regime", sorted(GENERAL.regimes))
def test_a_general_population_is_possible(name: str, regime: str) -> None:
    study = study_of(name)
    sessions = draw(GENERAL, regime, np.random.default_rng(5), 150, study)
    assert list(sessions.measures) == list(study.measures)
    counting = next(iter(m for m, measure in study.measures.items() if measure.count and not measure.where))
    events = sessions.measures[counting]
    assert events.min() >= 1
    for measure, declared in study.measures.items():
        values = sessions.measures[measure]
        if declared.count or declared.distinct:
            assert np.all(values <= events) and np.all(values >= 0)
        elif declared.fields:
            field = study.fields[declared.fields[0]]
            assert field.minimum is None or values.min() >= field.minimum
            if field.maximum is not None and not declared.sum:
                assert values.max() <= field.maximum
    for plan in metric_plans(study):
        numerator = plan.included.numerator
        if numerator in sessions.measures:
            assert sessions.measures[numerator].std() > 0, numerator


@pytest.mark.parametrize(
    ("period_end", "pre_period_days", "minimum_sessions"), [("2024-10-16", 0, 1), ("2024-10-17", 0, 40)]
)
def test_unusual_periods_are_simulated(period_end: str, pre_period_days: int, minimum_sessions: int) -> None:
    study = study_of("purchases")
    experiment = replace(
        study.experiment,
        period_end=msgspec.convert(period_end, type(study.experiment.period_end)),
        pre_period_days=pre_period_days,
        minimum_sessions=minimum_sessions,
    )
    found = simulate(replace(study, experiment=experiment), "entry", 2, users=400)
    assert found["looks"] == experiment.days and found["decisions"]["no_data"] == 0


@pytest.mark.parametrize(("resolution", "divide_by"), [(0, 1), (0, 100), (1_000_000, 1_000_000), (1, 1)])
def test_made_up_values_fit_the_units_of_their_metric(resolution: int, divide_by: int) -> None:
    study = study_of("purchases")
    metric = replace(study.metrics["revenue_per_session"], resolution=resolution, divide_by=divide_by)
    found = simulate(replace(study, metrics={**study.metrics, "revenue_per_session": metric}), "heavy", 12)
    assert found["decisions"]["no_data"] == 0 and found["readings"]["fixed"]["coverage"] > 0.5


def test_an_observed_study_with_uneven_arms_is_simulated() -> None:
    study = study_of("purchases")
    experiment = replace(study.experiment, assignment="observed", control_percent=20)
    found = simulate(replace(study, experiment=experiment), "stationary", 2, NOTHING, users=500)
    assert sum(found["decisions"].values()) == 2 and found["decisions"]["no_data"] == 0
