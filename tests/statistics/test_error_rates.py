"""The simulation's acceptance limits (`stats.simulate.bars`), with fewer experiments.

`make simulate` judges them at 2,000 experiments a regime. Here a figure passes unless it is less likely than 0.001 at its
limit; the seed is fixed.
"""

from functools import cache
from typing import Any

import pytest

from livelift.simulation.truth import Bar, Cell, Truth
from stats.simulate.bars import Judged, bars_of, cells, judge, judge_all
from stats.simulate.jobs import processes
from stats.simulate.population import population
from stats.simulate.report import simulate
from tests.statistics.support import STUDY

SIMULATION = population(STUDY)
BARS = bars_of(STUDY, SIMULATION)
WORSE_SKIPS = Truth(others=(("skip_rate", 0.30),))

FEW, MANY = 20, 300
CHANCE = 0.001


@cache
def outcome(cell: Cell, experiments: int, jobs: int = 1) -> dict[str, Any]:
    return simulate(STUDY, cell.regime, experiments, cell.truth, seed=2009, jobs=jobs)


def not_met(found: list[Judged]) -> list[str]:
    return [f"{each.bar.words}: {each.figure.value}, allowed {each.allowed}" for each in found if not each.passed]


def name_of(cell: Cell) -> str:
    return f"{cell.regime} {cell.truth.lift:+} {dict(cell.truth.others)}"


@pytest.mark.parametrize(
    "cell",
    [
        Cell("bursty"),
        *(
            pytest.param(cell, marks=pytest.mark.slow)
            for cell in (
                Cell("stationary", Truth(0.10)),
                Cell("stationary", Truth(-0.10)),
                Cell("stationary", WORSE_SKIPS),
            )
        ),
    ],
    ids=lambda cell: name_of(cell),
)
def test_a_few_experiments_speak_against_no_bar(cell: Cell) -> None:
    found = judge_all(BARS, {cell: outcome(cell, FEW)}, CHANCE)
    assert found and not_met(found) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("cell", cells(BARS), ids=name_of)
def test_hundreds_of_experiments_speak_against_no_bar(cell: Cell) -> None:
    some = MANY // SIMULATION.regimes[cell.regime].fewer
    found = judge_all(BARS, {cell: outcome(cell, some, processes())}, CHANCE)
    assert found and not_met(found) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("regime", ["stationary", "entry", "bursty"])
def test_the_watched_classic_reading_errs_in_most_experiments(regime: str) -> None:
    found = outcome(Cell(regime), MANY, processes())
    assert found["readings"]["classic_watched"]["rejections"] >= 0.7 * MANY


def test_the_classic_reading_would_fail_the_deciding_one_s_bars() -> None:
    """The bars can fail: 20 experiments are enough to refuse the t-test over sessions."""
    cell = Cell("bursty")
    readings = outcome(cell, FEW)["readings"]
    wrong = {**outcome(cell, FEW), "readings": {**readings, "deciding_ship": readings["classic_watched"]}}
    assert not_met(judge_all(BARS, {cell: wrong}, CHANCE))


@pytest.mark.parametrize(("rejections", "passed"), [(0, True), (50, True), (68, True), (69, False), (2000, False)])
def test_error_rates_are_judged_by_what_2000_experiments_tell(rejections: int, passed: bool) -> None:
    bar = BARS[0]
    found = judge(bar, {"experiments": 2000, "readings": {"deciding_ship": {"rejections": rejections}}})
    assert (found.passed, bar.limit) == (passed, 0.025)
    assert found.figure.error == pytest.approx((rejections / 2000 * (1 - rejections / 2000) / 2000) ** 0.5)


@pytest.mark.parametrize(("ship", "passed"), [(949, False), (950, True), (1001, True)])
def test_power_is_judged_as_it_is(ship: int, passed: bool) -> None:
    bar = next(bar for bar in BARS if bar.cell == Cell("entry", Truth(0.10)))
    readings = {"deciding_ship": {"rejections": ship}, "fixed_up": {"rejections": 1000}}
    assert judge(bar, {"experiments": 2000, "readings": readings}).passed is passed


def test_a_rate_of_zero_where_one_look_finds_nothing_is_no_proof() -> None:
    bar: Bar = next(bar for bar in BARS if bar.cell == Cell("entry", Truth(0.10)))
    nothing = {"deciding_ship": {"rejections": 0}, "fixed_up": {"rejections": 0}}
    assert not judge(bar, {"experiments": 10, "readings": nothing}).passed
