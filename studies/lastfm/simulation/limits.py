"""What has to be found of planted effects among simulated listeners: the limits of docs/02-error-rates.md."""

from livelift.simulation.truth import Bar, Cell, Truth

WORSE_SKIPS = Truth(others=(("skip_rate", 0.30),))
LEAVING, TURNING = Truth(0.20, leaving=0.15), Truth(0.30, later_lift=-0.60)
SMALL_EFFECT = Cell("stationary", Truth(0.05))
"""No bar: what an estimate is worth when the study stops at it."""


def _with_an_effect(regime: str) -> tuple[Bar, ...]:
    up, down, skips = (Cell(regime, truth) for truth in (Truth(0.10), Truth(-0.10), WORSE_SKIPS))
    found = 0.92 if regime == "bursty" else 0.95
    one_look = ("relative", "deciding_ship", "fixed_up"), ("relative", "deciding_harm", "fixed_down")
    return (
        Bar("+10 %: ship boundary, relative to one look at the end", up, one_look[0], found),
        *((Bar("+10 %: mean share of the period until it is crossed", up, ("mean_stop",), 0.72, True),)
          if regime == "stationary" else ()),
        Bar("−10 %: harm boundary, relative to one look", down, one_look[1], 0.93),
        Bar("30 % worse skip rate found", skips, ("failed", "skip_rate"), 0.75),
    )  # fmt: skip


def _once_hidden() -> tuple[Bar, ...]:
    """Effects that once were hidden."""
    leaving, turning = Cell("stationary", LEAVING), Cell("stationary", TURNING)
    return (
        Bar("no effect: some guardrail wrongly failed", Cell("rare_skips"), ("failed", "any"), 0.10, True),
        Bar("15 % leave, +20 % for the others: decided ship", leaving, ("decided", "ship"), 0.025, True, True),
        Bar("15 % leave, +20 % for the others: left-out test alarms", leaving, ("share", "left_out"), 0.95),
        Bar("+30 %, then −60 %: alarm after a ship", turning, ("alarmed",), 0.90),
    )


BARS = (*(bar for regime in ("stationary", "entry", "bursty") for bar in _with_an_effect(regime)), *_once_hidden())
