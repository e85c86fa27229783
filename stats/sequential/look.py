"""One interim analysis: advances the primary's re-randomisation boundary and the guardrails' critical values."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelift.document.readings import Crossed
from livelift.errors import StateError
from livelift.study import Study
from livelift.tick_sums import TickSums
from stats.checks.guardrail_readings import Means, margin_statistics
from stats.checks.guardrails import failures
from stats.estimates.estimates import Estimate, direction
from stats.estimates.user_means import as_lift
from stats.sequential.boundaries import Spending, harm_spending, obrien_fleming
from stats.sequential.clock import Clock, reachable
from stats.sequential.engine_state import EngineState
from stats.sequential.rerandomisation import Crossing, Tail, advance, draw_matrix, statistics
from stats.sequential.stopping import corrected

Floats = NDArray[np.float64]


def draw_scores(sums: NDArray[np.int64], study: Study) -> Floats:
    """Z of the primary under every draw of the study's salt, for one look or many.

    Parameters
    ----------
    sums
        The primary's sums, int64 (..., 2, buckets, 6).

    Returns
    -------
    float64 (..., draws), NaN where missing

    Raises
    ------
    StateError
        If the sums have other buckets than the study.
    """
    wanted = study.statistics
    if sums.shape[-2] != wanted.buckets:
        raise StateError(f"the sums have {sums.shape[-2]} buckets, the study {wanted.buckets}", "start a new run")
    return statistics(draw_matrix(study.experiment.salt, wanted.buckets, wanted.draws), sums, wanted.minimum_users)


def take_look(
    state: EngineState,
    sums: TickSums,
    study: Study,
    clock: Clock,
    means: Means,
    estimate: Estimate,
    scores: Floats | None,
) -> tuple[EngineState, tuple[Crossing | None, Crossing | None]]:
    """Move every boundary by one look."""
    primary, decision, toward = study.decision.primary, study.decision, direction(study)
    crossings: tuple[Crossing | None, Crossing | None] = (None, None)
    allowed = state.allowed
    if not study.experiment.can_be_drawn_again:
        z = estimate.z
        ship = _cross_constant(state.ship, None if z is None else toward * z, obrien_fleming, study, clock)
        harm = _cross_constant(state.harm, None if z is None else -toward * z, harm_spending, study, clock)
    else:
        scores = draw_scores(sums.users[primary], study) if scores is None else scores
        ship, up = advance(state.ship, toward * scores, _spent(obrien_fleming, study, clock), clock.look)
        harm, low = advance(state.harm, -toward * scores, _spent(harm_spending, study, clock), clock.look)
        crossings = up, low
        allowed = (*(row for row in allowed if row[0] != clock.look), (clock.look, up.allowed, low.allowed))
    readable = margin_statistics(study, {name: mean for name, mean in means.items() if name not in state.failed})
    fallen = failures(
        readable, len(state.failed), len(study.guardrails), clock.times, clock.look, decision.guardrail_alpha
    )
    failed = {**state.failed, **dict.fromkeys(fallen, clock.look)}
    after = msgspec.structs.replace(
        state,
        look=clock.look,
        ship=ship,
        harm=harm,
        allowed=allowed,
        failed=failed,
        readable_from=_first(state, estimate, clock),
    )
    return after, crossings


def _first(state: EngineState, estimate: Estimate, clock: Clock) -> int | None:
    """The first look at which the primary could be read; None before."""
    if state.readable_from is not None or estimate.log_lift is None:
        return state.readable_from
    return clock.look


def corrected_lift(state: EngineState, estimate: Estimate, study: Study, clock: Clock, harm: bool) -> float | None:
    """The lift of a study that stops at the clock's look because a tail was crossed, corrected for that."""
    if estimate.log_lift is None or estimate.se is None or not clock.look:
        return None
    spending = harm_spending if harm else obrien_fleming
    sign = -direction(study) if harm else direction(study)
    limits = reachable(study, clock.times, spending)
    first = state.readable_from or 1
    possible = tuple(limit if look >= first else np.inf for look, limit in enumerate(limits, 1))
    return as_lift(sign * corrected(sign * estimate.log_lift, estimate.se, clock.times, possible, clock.look))


def _spent(spending: Spending, study: Study, clock: Clock) -> float:
    """Error that a tail, which has half of α, may have spent by the look of the clock."""
    return float(spending(np.asarray(clock.information), study.decision.alpha / 2)) if clock.look else 0.0


def _cross_constant(tail: Tail, score: float | None, spending: Spending, study: Study, clock: Clock) -> Tail:
    """An assignment that this program did not make has no re-assignments: its tail crosses the calendar's constant instead (approximate)."""
    limit = reachable(study, clock.times, spending)[clock.look - 1]
    if tail.crossed_at is not None or score is None or score <= limit:
        return tail
    return msgspec.structs.replace(tail, crossed_at=clock.look)


def crossed(tail: Tail, crossing: Crossing | None, spending: Spending, study: Study, clock: Clock) -> Crossed:
    return Crossed(
        spent=_spent(spending, study, clock),
        allowed=None if crossing is None else crossing.allowed,
        rank=None if crossing is None else crossing.rank,
        running=None if crossing is None else crossing.running,
        limit=None if crossing is None else crossing.limit,
        at=tail.crossed_at,
    )
