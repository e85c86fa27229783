"""A log re-assigned by many salts as A/A tests: the study's own salt gives the oracle's sums, others rarely a verdict."""

from pathlib import Path

import numpy as np
import pytest

from batch.observed import observe_log
from batch.oracle import Oracle
from livelift.errors import InputError
from livelift.simulation.truth import Truth
from stats.simulate.bars import RESALTED, judge_all, resalted_bars
from stats.simulate.experiment import assign, observe
from stats.simulate.report import resalt
from stats.simulate.sums import ticks
from studies.lastfm import generator as lastfm_generator
from tests.statistics.support import STUDY


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("without_effect") / "log.tsv"
    lastfm_generator.generate(path, events=60_000, users=400, lift=0.0, seed=11, study=STUDY)
    return path


def test_under_the_studys_own_salt_a_logs_sums_are_the_oracles(log: Path) -> None:
    sessions, users = observe_log(log, STUDY)
    assigned = assign(users, STUDY)
    ours = ticks(observe(sessions, assigned, STUDY), assigned, STUDY)
    with Oracle(log, STUDY) as oracle:
        of_oracle = [tick for tick in oracle.ticks() if not tick.ended]
    theirs = [*of_oracle[: STUDY.experiment.days - 1], next(tick for tick in of_oracle if tick.period_complete)]
    assert len(ours) == len(theirs) == STUDY.experiment.days
    for mine, exact in zip(ours, theirs, strict=True):
        for part in ("exposed", "included", "sessions", "events", "sessions_in_period", "sessions_one_event"):
            assert getattr(mine, part) == getattr(exact, part), part
        for name in STUDY.metrics:
            assert np.array_equal(mine.users[name].sum(axis=1), exact.users[name].sum(axis=1)), name
            for moments, other in zip(mine.classic[name], exact.classic[name], strict=True):
                assert (moments.n, moments.mean, moments.m2) == pytest.approx((other.n, other.mean, other.m2), rel=1e-9)
        primary = STUDY.decision.primary
        assert np.array_equal(mine.users[primary], exact.users[primary])
        assert (mine.ratios, mine.exposed_sums) == (exact.ratios, exact.exposed_sums)


@pytest.mark.slow
def test_salts_of_a_log_without_effect_hardly_ever_find_one(log: Path) -> None:
    seen, users = observe_log(log, STUDY)
    found = resalt(STUDY, seen, users, salts=40)
    assert all(judged.passed for judged in judge_all(resalted_bars(STUDY), {RESALTED: found}, chance=0.001))
    assert found["readings"]["classic_watched"]["rejections"] >= 15


@pytest.mark.parametrize("lift", [0.6, -0.5])
def test_the_length_of_a_log_s_sessions_moves_their_close(log: Path, lift: float) -> None:
    sessions, users = observe_log(log, STUDY)
    assigned, random = assign(users, STUDY), np.random.default_rng(3)
    plain, lifted = observe(sessions, assigned, STUDY), observe(sessions, assigned, STUDY, Truth(lift), random)
    treated = assigned.treated[sessions.user]
    moved = 1000 * (lifted.measures["seconds"] - plain.measures["seconds"])
    assert np.array_equal(lifted.due - plain.due, moved) and np.all(moved[~treated] == 0)
    assert np.all((moved[treated] >= 0) == (lift > 0) | (moved[treated] == 0))
    assert lifted.measures["seconds"][treated].sum() / plain.measures["seconds"][treated].sum() == pytest.approx(
        1 + lift, rel=1e-3
    )
    for tick in ticks(lifted, assigned, STUDY):
        assert tick.included[0] <= tick.exposed[0] and tick.included[1] <= tick.exposed[1]


def test_a_lift_that_is_planted_in_a_log_is_found(log: Path) -> None:
    sessions, users = observe_log(log, STUDY)
    found = resalt(STUDY, sessions, users, salts=3, truth=Truth(0.8))
    assert found["readings"]["deciding_ship"]["rejections"] == 3 and found["typical_error"] < 0.3


def test_a_log_outside_the_period_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.tsv"
    path.write_text("user_000001\t2008-01-01T00:00:00Z\ta\tA\tt\tT\n")
    with pytest.raises(InputError, match="no session in the period"):
        observe_log(path, STUDY)
