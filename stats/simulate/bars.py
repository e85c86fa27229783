"""Acceptance limits of the simulation: error rates that the verdict promises of every study, and how a bar is judged.

A bar reads one figure of one cell (a regime with a known truth) and judges it against a limit. What has to be found of
effects is the study's to say (`livelift.simulation.model.Simulation.bars`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livelift.errors import StudyError
from livelift.simulation.model import Simulation
from livelift.simulation.truth import Bar, Cell
from livelift.study import Study
from stats.estimates.distributions import binomial_at_least, normal_exceeded_with
from stats.simulate.tally import binomial_error

Outcome = Mapping[str, Any]
"""As `report.simulate` and `report.resalt` return it."""

CHANCE = 0.01
"""An error rate passes unless its count is less likely than this at the limit (one-sided binomial): of 2,000 experiments
68 are enough for a limit of 0.025, and 124 for 0.05."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`count` of `trials` (None where the figure is no share), its value and the value's standard error."""

    value: float
    error: float
    count: int | None = None
    trials: int = 0


Measure = Callable[[Outcome], Figure]


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
    >>> bar = Bar("ship", Cell("entry"), ("share", "deciding_ship"), 0.025, at_most=True, error_rate=True)
    >>> found = judge(bar, outcome)
    >>> found.passed, round(found.allowed * 2000), round(found.figure.error, 4)
    (True, 68, 0.0041)
    """
    figure = _figure(bar, outcome)
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


def _figure(bar: Bar, outcome: Outcome) -> Figure:
    """What the bar asks of the outcome."""
    name, *of = bar.figure or ("",)
    if name not in FIGURES or len(of) != FIGURES[name][0]:
        raise StudyError(
            f"the bar '{bar.words}' asks for the figure {bar.figure!r}, which there is not",
            f"use one of: {', '.join(FIGURES)}, with what it is asked of (stats/simulate/bars.py)",
        )
    try:
        return FIGURES[name][1](*of)(outcome)
    except KeyError as error:
        raise StudyError(
            f"the bar '{bar.words}' asks for '{name}' of {error}, which the simulation does not tell",
            f"use one of: {', '.join((*outcome.get('readings', {}), *outcome.get('decisions', {})))}",
        ) from None


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


def alarmed() -> Measure:
    """Of the experiments that shipped, the share in which something was proven against it later."""
    return lambda outcome: _share(outcome["alarmed_after_ship"], outcome["decisions"]["ship"])


def mean_stop() -> Measure:
    """The mean share of the period until the ship boundary is crossed, 1 where it is not."""
    return lambda outcome: Figure(outcome["mean_stop"], outcome["mean_stop_error"])


FIGURES: dict[str, tuple[int, Callable[..., Measure]]] = {
    "share": (1, share_of),
    "coverage": (1, coverage_of),
    "relative": (2, relative),
    "failed": (1, failed),
    "decided": (1, decided),
    "alarmed": (0, alarmed),
    "mean_stop": (0, mean_stop),
}
"""Name of a figure in a bar → of how many names it is asked, and how it is read."""


def _share(count: int, trials: int) -> Figure:
    value = count / trials if trials else 0.0
    # Relative to another reading a share may exceed 1.
    return Figure(value, binomial_error(min(value, 1.0), max(trials, 1)), count, max(trials, 1))


RESALTED = Cell("resalted")


def error_rates(study: Study, cell: Cell, boundary_only: bool = False) -> tuple[Bar, ...]:
    """What is promised of every study where nothing has an effect, in the cell's regime."""
    alpha = study.decision.alpha
    boundary = (
        Bar("no effect: ship boundary crossed", cell, ("share", "deciding_ship"), alpha / 2, True, True),
        Bar("no effect: ship or harm boundary crossed", cell, ("share", "deciding"), alpha, True, True),
    )
    alarm = study.health.inclusion_alpha
    left_out = Bar("no effect: left-out test alarms, at any look", cell, ("share", "left_out"), alarm, True, True)
    if boundary_only:
        return (*boundary, left_out)
    watched = "no effect: display rejects, watched after every session"
    covers = "no effect: display covers the truth all the time"
    limit = study.decision.guardrail_alpha
    guardrails = (Bar("no effect: some guardrail wrongly failed", cell, ("failed", "any"), limit, True),)
    return (
        *boundary,
        Bar(watched, cell, ("share", "always_valid"), alpha, True),
        Bar(covers, cell, ("coverage", "always_valid"), 1 - alpha),
        *(guardrails if study.guardrails else ()),
        left_out,
    )


def bars_of(study: Study, simulation: Simulation) -> tuple[Bar, ...]:
    """The error rates in every regime of the study's simulation, then what it has to find of effects."""
    regimes = simulation.regimes.items()
    promised = [bar for name, regime in regimes for bar in error_rates(study, Cell(name), regime.boundary_only)]
    return (*promised, *simulation.bars)


def resalted_bars(study: Study) -> tuple[Bar, ...]:
    """What the salts of one log have to meet: the certified boundary. The log is one draw of users, so the other readings'
    rates are that draw's."""
    return error_rates(study, RESALTED)[:2]


def cells(bars: Iterable[Bar]) -> tuple[Cell, ...]:
    """What has to be simulated for the bars, each once, in their order."""
    return tuple(dict.fromkeys(bar.cell for bar in bars))


def judge_all(bars: Iterable[Bar], outcomes: Mapping[Cell, Outcome], chance: float | None = None) -> list[Judged]:
    """Every bar whose cell has an outcome."""
    return [judge(bar, outcomes[bar.cell], chance) for bar in bars if bar.cell in outcomes]
