"""Acceptance limits of the simulation: error rates and power that the verdict promises.

A bar reads one figure of one cell (a regime with a known truth) and judges it against a limit.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stats.estimates.distributions import binomial_at_least, normal_exceeded_with
from stats.simulate.special_regimes import SPECIAL
from stats.simulate.tally import NOTHING, Truth, binomial_error

Outcome = Mapping[str, Any]
"""As `report.simulate` and `report.resalt` return it."""

CHANCE = 0.01
"""An error rate passes unless its count is less likely than this at the limit (one-sided binomial): of 2,000 experiments
68 are enough for a limit of 0.025, and 124 for 0.05."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A regime of `special_regimes.ALL` with a known truth, or "resalted": a listening log under many salts."""

    regime: str
    truth: Truth = NOTHING


@dataclass(frozen=True, slots=True)
class Figure:
    """`count` of `trials` (None where the figure is no share), its value and the value's standard error."""

    value: float
    error: float
    count: int | None = None
    trials: int = 0


Measure = Callable[[Outcome], Figure]


@dataclass(frozen=True, slots=True)
class Bar:
    """`measure` of a cell has to be `at_most` or at least `limit`.

    error_rate
        Judged by `CHANCE`; other figures have to meet the limit as they are.
    """

    words: str
    cell: Cell
    measure: Measure
    limit: float
    at_most: bool = False
    error_rate: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A bar with its figure; `allowed` is what the figure may at most, or has at least to, be."""

    bar: Bar
    figure: Figure
    allowed: float
    passed: bool


def judge(bar: Bar, outcome: Outcome, chance: float | None = None) -> Judged:
    """Is the bar met?

    Parameters
    ----------
    outcome
        The simulated cell of the bar.
    chance
        With few experiments: let a figure pass unless it is less likely than this at the limit. None: as `Bar` says.

    Examples
    --------
    >>> outcome = {"experiments": 2000, "readings": {"deciding_ship": {"rejections": 68}}}
    >>> bar = Bar("ship", Cell("entry"), share_of("deciding_ship"), 0.025, at_most=True, error_rate=True)
    >>> found = judge(bar, outcome)
    >>> found.passed, round(found.allowed * 2000), round(found.figure.error, 4)
    (True, 68, 0.0041)
    """
    figure = bar.measure(outcome)
    if bar.error_rate and figure.count is not None:
        allowed = enough(figure.trials, bar.limit, chance or CHANCE) / figure.trials
    elif chance is None:
        allowed = bar.limit
    else:
        # A share's error at the limit: its own would be 0 where all or none of a few experiments count.
        error = binomial_error(bar.limit, figure.trials) if figure.count is not None else figure.error
        allowed = bar.limit + (1 if bar.at_most else -1) * normal_exceeded_with(chance) * error
    passed = figure.value <= allowed if bar.at_most else figure.value >= allowed
    return Judged(bar, figure, allowed, passed)


def enough(trials: int, rate: float, chance: float) -> int:
    """The smallest count that `trials` of probability `rate` reach with a probability of at most `chance`.

    >>> enough(2000, 0.025, 0.01), enough(2000, 0.05, 0.01)
    (68, 124)
    """
    count = int(trials * rate)
    while binomial_at_least(count, trials, rate) > chance:
        count += 1
    return count


def share_of(reading: str) -> Measure:
    """The share of experiments in which a reading ever rejected.

    >>> share_of("fixed")({"experiments": 100, "readings": {"fixed": {"rejections": 4}}}).value
    0.04
    """

    def measure(outcome: Outcome) -> Figure:
        return _share(outcome["readings"][reading]["rejections"], outcome["experiments"])

    return measure


def coverage_of(reading: str) -> Measure:
    """The share of experiments in which all intervals of a reading held the truth."""

    def measure(outcome: Outcome) -> Figure:
        trials = outcome["experiments"]
        return _share(round((outcome["readings"][reading]["coverage"] or 0.0) * trials), trials)

    return measure


def relative(reading: str, to: str) -> Measure:
    """How often a reading rejected, relative to another: of what that one finds, the share (it finds nearly the same).

    >>> readings = {"deciding_ship": {"rejections": 48}, "fixed_up": {"rejections": 50}}
    >>> relative("deciding_ship", "fixed_up")({"experiments": 100, "readings": readings}).value
    0.96
    """

    def measure(outcome: Outcome) -> Figure:
        readings = outcome["readings"]
        return _share(readings[reading]["rejections"], readings[to]["rejections"])

    return measure


def failed(guardrail: str) -> Measure:
    """The share of experiments in which a guardrail ("any": some guardrail) failed."""

    def measure(outcome: Outcome) -> Figure:
        return _share(outcome["guardrails_failed"].get(guardrail, 0), outcome["experiments"])

    return measure


def decided(decision: str) -> Measure:
    """The share of experiments that end in a decision."""

    def measure(outcome: Outcome) -> Figure:
        return _share(outcome["decisions"][decision], outcome["experiments"])

    return measure


def alarmed(outcome: Outcome) -> Figure:
    """Of the experiments that shipped, the share in which something was proven against it later."""
    return _share(outcome["alarmed_after_ship"], outcome["decisions"]["ship"])


def mean_stop(outcome: Outcome) -> Figure:
    """The mean share of the period until the ship boundary is crossed, 1 where it is not."""
    return Figure(outcome["mean_stop"], outcome["mean_stop_error"])


def _share(count: int, trials: int) -> Figure:
    value = count / trials if trials else 0.0
    # Relative to another reading a share may exceed 1.
    return Figure(value, binomial_error(min(value, 1.0), max(trials, 1)), count, max(trials, 1))


REGIMES = ("stationary", "entry", "bursty")
RESALTED = Cell("resalted")


def _without_effect(regime: str) -> tuple[Bar, ...]:
    cell = Cell(regime)
    return (
        Bar("no effect: ship boundary crossed", cell, share_of("deciding_ship"), 0.025, True, True),
        Bar("no effect: ship or harm boundary crossed", cell, share_of("deciding"), 0.05, True, True),
        Bar("no effect: display rejects, watched after every session", cell, share_of("always_valid"), 0.05, True),
        Bar("no effect: display covers the truth all the time", cell, coverage_of("always_valid"), 0.95),
        Bar("no effect: some guardrail wrongly failed", cell, failed("any"), 0.10, True),
        Bar("no effect: left-out test alarms, at any look", cell, share_of("left_out"), 0.01, True, True),
    )


def _with_an_effect(regime: str) -> tuple[Bar, ...]:
    up, down, skips = (Cell(regime, truth) for truth in (Truth(0.10), Truth(-0.10), Truth(worse_skips=0.30)))
    found = 0.92 if regime == "bursty" else 0.95
    return (
        Bar("+10 %: ship boundary, relative to one look at the end", up, relative("deciding_ship", "fixed_up"), found),
        *((Bar("+10 %: mean share of the period until it is crossed", up, mean_stop, 0.72, True),)
          if regime == "stationary" else ()),
        Bar("−10 %: harm boundary, relative to one look", down, relative("deciding_harm", "fixed_down"), 0.93),
        Bar("30 % worse skip rate found", skips, failed("skip_rate"), 0.75),
    )  # fmt: skip


LEAVING, TURNING = Truth(0.20, leaving=0.15), Truth(0.30, later_lift=-0.60)
SMALL_EFFECT = Cell("stationary", Truth(0.05))
"""No bar: what an estimate is worth when the study stops at it (docs/02-error-rates.md)."""


def _special() -> tuple[Bar, ...]:
    """The regimes of `special_regimes`, and the effects that once were hidden."""
    leaving, turning = Cell("stationary", LEAVING), Cell("stationary", TURNING)
    found = []
    for regime in SPECIAL:
        cell = Cell(regime)
        found += [
            Bar("no effect: ship boundary crossed", cell, share_of("deciding_ship"), 0.025, True, True),
            Bar("no effect: ship or harm boundary crossed", cell, share_of("deciding"), 0.05, True, True),
            Bar("no effect: left-out test alarms, at any look", cell, share_of("left_out"), 0.01, True, True),
        ]
    return (
        *found,
        Bar("no effect: some guardrail wrongly failed", Cell("rare_skips"), failed("any"), 0.10, True),
        Bar("15 % leave, +20 % for the others: decided ship", leaving, decided("ship"), 0.025, True, True),
        Bar("15 % leave, +20 % for the others: left-out test alarms", leaving, share_of("left_out"), 0.95),
        Bar("+30 %, then −60 %: alarm after a ship", turning, alarmed, 0.90),
    )


BARS: tuple[Bar, ...] = (
    *(bar for regime in (*REGIMES, "heavy") for bar in _without_effect(regime)),
    *(bar for regime in REGIMES for bar in _with_an_effect(regime)),
    *_special(),
)
"""Those of the simulated regimes; *heavy* has no effect planted."""

RESALTED_BARS = _without_effect(RESALTED.regime)[:2]
"""What 1,000 salts of one log have to meet: the certified boundary. The log is one draw of users, so the other readings'
rates are that draw's."""


def cells(bars: Iterable[Bar] = BARS) -> tuple[Cell, ...]:
    """What has to be simulated for the bars, each once, in their order.

    >>> len(cells()), cells()[0].regime
    (19, 'stationary')
    """
    return tuple(dict.fromkeys(bar.cell for bar in bars))


def judge_all(bars: Iterable[Bar], outcomes: Mapping[Cell, Outcome], chance: float | None = None) -> list[Judged]:
    """Every bar whose cell has an outcome."""
    return [judge(bar, outcomes[bar.cell], chance) for bar in bars if bar.cell in outcomes]
