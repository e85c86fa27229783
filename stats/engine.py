"""The engine of a study: `step` at every tick, `preview` between them. Pure: state and sums in, state and verdict out.

Everything that is kept or decides changes in `step` only, and `step` depends on the ticks' sums alone: so the history of
verdicts is a function of the data (promise P1).
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelift.errors import StateError, StudyError, VersionError
from livelift.event_time import DAY
from livelift.study import Study
from livelift.tick_sums import TickSums
from stats.boundaries import Spending, calendar, constants, harm_spending, obrien_fleming
from stats.classic import classic
from stats.decision import Findings, classic_opinion, decide, illness, improvement_of, reasons
from stats.flips import Crossing, Tail, advance, flip_matrix, statistics
from stats.guardrails import failures
from stats.power import days_remaining
from stats.readings import (
    Clock,
    Display,
    Estimate,
    estimate_metrics,
    margin_z,
    read_guardrails,
    read_health,
    read_planning,
    read_primary,
    worse_classically,
)
from stats.summary import summarise
from stats.verdict import Crossed, Decision, Progress, Verdict, Why

SCHEMA = 1

Floats = NDArray[np.float64]


class Final(msgspec.Struct, frozen=True, array_like=True):
    """A decision that stands: taken at tick `time` (ms), with `look` looks taken."""

    decision: Decision
    why: Why | None
    time: int
    look: int


class EngineState(msgspec.Struct, frozen=True, array_like=True):
    """What is carried from tick to tick, under 1 KB.

    Attributes
    ----------
    schema, study
        Version of this record; fingerprint of the study file it belongs to.
    look
        Looks taken.
    ship, harm
        The primary's tails: flips alive, used, and where the study crossed.
    allowed
        (look, m of the ship tail, m of the harm tail) of every look taken.
    display
        The always-valid layer.
    failed
        Guardrail → the look at which it failed.
    sample_ratio_p
        Lowest sequential p so far.
    final
        The decision that stands.
    closed, deviations
        Closed early by a person; what departed from the plan, in words.
    """

    schema: int
    study: str
    look: int
    ship: Tail
    harm: Tail
    allowed: tuple[tuple[int, int, int], ...] = ()
    display: Display = Display()
    failed: dict[str, int] = msgspec.field(default_factory=dict)
    sample_ratio_p: float | None = None
    final: Final | None = None
    closed: bool = False
    deviations: tuple[str, ...] = ()


def initial(study: Study) -> EngineState:
    """The state before the first tick.

    Raises
    ------
    StudyError
        For a randomised split other than 50:50: its re-assignments need a row a user (`stats.flips.reassign`), which the
        ticks do not carry yet.
    """
    experiment = study.experiment
    if experiment.assignment == "randomised" and experiment.control_percent != 50:
        raise StudyError(
            f"study '{study.name}': a randomised split of {experiment.control_percent}:"
            f"{100 - experiment.control_percent} cannot be certified yet",
            "set experiment.control_percent = 50, or assignment = 'observed'",
        )
    tail = Tail.of(study.statistics.flips)
    return EngineState(SCHEMA, study.fingerprint, 0, tail, tail)


def to_bytes(state: EngineState) -> bytes:
    """The state as MessagePack, to be stored."""
    return msgspec.msgpack.encode(state)


def from_bytes(data: bytes) -> EngineState:
    """The state in `data`.

    Raises
    ------
    VersionError
        If another schema wrote it, or it is no engine state.
    """
    fix = "start a new run with this program: livelift reset, then livelift demo"
    try:
        schema = msgspec.msgpack.decode(data)[0]
        if schema == SCHEMA:
            return msgspec.msgpack.decode(data, type=EngineState)
    except (msgspec.MsgspecError, TypeError, IndexError, KeyError):
        raise VersionError("the stored engine state cannot be read", fix) from None
    raise VersionError(f"the stored engine state has schema {schema}, this program reads {SCHEMA}", fix)


def flip_scores(sums: NDArray[np.int64], study: Study) -> Floats:
    """Z of the primary under every flip of the study's salt, for one look or many.

    Parameters
    ----------
    sums
        The primary's sums, int64 (..., 2, buckets, 6).

    Returns
    -------
    float64 (..., flips), NaN where missing

    Raises
    ------
    StateError
        If the sums have other buckets than the study.
    """
    wanted = study.statistics
    if sums.shape[-2] != wanted.buckets:
        raise StateError(f"the sums have {sums.shape[-2]} buckets, the study {wanted.buckets}", "start a new run")
    return statistics(flip_matrix(study.experiment.salt, wanted.buckets, wanted.flips), sums, wanted.minimum_users)


def look_at(sums: TickSums, study: Study) -> int:
    """The number of the look that this tick is, 0 if none: k at P + k days inside the period, K at its completion."""
    experiment = study.experiment
    if sums.period_complete:
        return experiment.days
    days, rest = divmod(sums.time - experiment.start_ms, DAY)
    return days if not sums.ended and rest == 0 and 0 < days < experiment.days else 0


def step(state: EngineState, sums: TickSums, study: Study, scores: Floats | None = None) -> tuple[EngineState, Verdict]:
    """Take a tick into the state, and say the verdict as of it.

    At a look the boundaries move: the two tails of the primary by bucket flips, the guardrails by their constants. A
    missed look is made up for by the next, since spending is by calendar. Other ticks only carry the display on.

    Parameters
    ----------
    scores
        Z of every flip, (flips,), where the caller has computed many looks at once (`flip_scores`); computed here
        otherwise.

    Raises
    ------
    StateError
        If the state belongs to another study file, or at a look the sums have other buckets than the study.

    Examples
    --------
    A simulated study in which treatment makes sessions 80 % longer:

    >>> from livelift.study import load_study
    >>> from stats.simulate.experiment import assign, observe, ticks
    >>> from stats.simulate.regimes import REGIMES
    >>> study = load_study("lastfm")
    >>> sessions = REGIMES["stationary"](np.random.default_rng(1), 150, study.experiment.days)
    >>> assigned, state = assign([str(user) for user in range(150)], study), initial(study)
    >>> for sums in ticks(observe(sessions, assigned, study, lift=0.8), assigned, study):
    ...     state, verdict = step(state, sums, study)
    >>> verdict.decision, verdict.progress.look, from_bytes(to_bytes(state)) == state, look_at(sums, study)
    ('ship', 61, True, 61)
    """
    _check(state, study)
    look = look_at(sums, study)
    now = not state.closed and look > state.look
    clock = Clock(look if now else state.look, _times(state, study), now)
    return _evaluate(state, sums, study, clock, scores, preview=False)


def preview(state: EngineState, sums: TickSums, study: Study) -> Verdict:
    """The verdict if this moment were shown now: nothing is kept, nothing decided, no flips.

    From totals alone, so `sums.users` may also hold few buckets with everything, shape (2, any, 6).
    """
    _check(state, study)
    clock = Clock(state.look, _times(state, study), False)
    return _evaluate(state, sums, study, clock, None, preview=True)[1]


def close_early(state: EngineState, sums: TickSums, study: Study, reason: str) -> tuple[EngineState, Verdict]:
    """A person ends the study now: one last look that spends the rest of the error, recorded as a deviation.

    Raises
    ------
    StateError
        If the study is decided, complete or closed already.
    """
    _check(state, study)
    days = study.experiment.days
    if state.final is not None or state.closed or state.look >= days:
        raise StateError(f"study '{study.name}' has ended already", "nothing is left to close: read its verdict")
    clock = Clock(state.look + 1, (*calendar(state.look, days), 1.0), True)
    said = f"closed early after {state.look} of {days} looks, spending the rest of the error: {reason}"
    closed = msgspec.structs.replace(state, closed=True, deviations=(*state.deviations, said))
    return _evaluate(closed, sums, study, clock, None, preview=False)


def _times(state: EngineState, study: Study) -> tuple[float, ...]:
    """Information times of the looks: as planned, or up to the one that closed the study."""
    days = study.experiment.days
    return (*calendar(state.look - 1, days), 1.0) if state.closed else calendar(days, days)


def _check(state: EngineState, study: Study) -> None:
    if state.study != study.fingerprint:
        raise StateError("the stored state belongs to another study file", "start a new run: a changed study is one")


def _evaluate(
    state: EngineState, sums: TickSums, study: Study, clock: Clock, scores: Floats | None, preview: bool
) -> tuple[EngineState, Verdict]:
    """State and verdict after a tick; a preview's state is the caller's to drop."""
    estimates = estimate_metrics(sums, study)
    primary_estimate = estimates[study.decision.primary]
    health = read_health(sums, study, state.sample_ratio_p)
    crossings: tuple[Crossing | None, Crossing | None] = (None, None)
    if clock.now:
        state, crossings = _look(state, sums, study, clock, estimates, scores)
    state = msgspec.structs.replace(
        state,
        display=state.display.after(primary_estimate, study),
        sample_ratio_p=health.sample_ratio_p_lowest,
    )
    ship = _crossed(state.ship, crossings[0], obrien_fleming, study, clock)
    harm = _crossed(state.harm, crossings[1], harm_spending, study, clock)
    primary = read_primary(sums, study, primary_estimate, clock, state.display, ship, harm)
    guardrails = read_guardrails(sums, study, estimates, clock, state.failed)
    complete = sums.period_complete or state.closed
    progress = Progress(
        look=clock.look,
        looks=study.experiment.days,
        information=clock.information,
        days_remaining=days_remaining(sums.time, study.experiment.end_ms),
        period_complete=sums.period_complete,
        ended=sums.ended,
    )
    found = Findings(
        readable=min(sums.included) >= study.statistics.minimum_users and primary.log_lift is not None,
        ill=illness(health, study),
        harm_crossed=state.harm.crossed_at is not None,
        ship_crossed=state.ship.crossed_at is not None,
        guardrail_failed=bool(state.failed),
        guardrail_gates=any(reading.status == "gate" for reading in guardrails.values()),
        improvement=improvement_of(study, primary.lift),
        deciding=not preview and (clock.now or complete),
        complete=complete,
        ended=sums.ended,
    )
    state, decision, why = _settle(state, found, study, sums.time, clock.look)
    of_sessions = classic(*sums.classic[study.decision.primary])
    verdict = Verdict(
        time=sums.time,
        preview=preview,
        decision=decision,
        why=why,
        decided_at=state.final.time if state.final else None,
        summary=summarise(study, decision, why, sums.included, health, primary, guardrails, progress),
        reasons=reasons(study, sums.included, health, primary, guardrails, progress),
        primary=primary,
        guardrails=guardrails,
        health=health,
        progress=progress,
        planning=read_planning(study, primary_estimate, clock),
        classic=classic_opinion(study, decision, of_sessions.lift, of_sessions.p, worse_classically(sums, study)),
        deviations=state.deviations,
    )
    return state, verdict


def _look(
    state: EngineState,
    sums: TickSums,
    study: Study,
    clock: Clock,
    estimates: dict[str, Estimate],
    scores: Floats | None,
) -> tuple[EngineState, tuple[Crossing | None, Crossing | None]]:
    """Move every boundary by one look."""
    primary, decision = study.decision.primary, study.decision
    toward = 1.0 if study.metrics[primary].higher_is_better else -1.0
    if study.experiment.assignment == "observed":
        z = estimates[primary].z
        ship = _cross_constant(state.ship, None if z is None else toward * z, obrien_fleming, decision.alpha, clock)
        harm = _cross_constant(state.harm, None if z is None else -toward * z, harm_spending, decision.alpha, clock)
        crossings: tuple[Crossing | None, Crossing | None] = (None, None)
        allowed = state.allowed
    else:
        scores = flip_scores(sums.users[primary], study) if scores is None else scores
        ship, up = advance(state.ship, toward * scores, _spent(obrien_fleming, study, clock), clock.look)
        harm, low = advance(state.harm, -toward * scores, _spent(harm_spending, study, clock), clock.look)
        crossings = up, low
        allowed = (*state.allowed, (clock.look, up.allowed, low.allowed))
    every = {name: margin_z(study, name, estimates[name]) for name in study.guardrails if name not in state.failed}
    readable = {name: z for name, z in every.items() if z is not None}
    fallen = failures(
        readable, len(state.failed), len(study.guardrails), clock.times, clock.look, decision.guardrail_alpha
    )
    failed = {**state.failed, **dict.fromkeys(fallen, clock.look)}
    after = msgspec.structs.replace(state, look=clock.look, ship=ship, harm=harm, allowed=allowed, failed=failed)
    return after, crossings


def _spent(spending: Spending, study: Study, clock: Clock) -> float:
    """Error that a tail, which has half of α, may have spent by the look of the clock."""
    return float(spending(np.asarray(clock.information), study.decision.alpha / 2)) if clock.look else 0.0


def _cross_constant(tail: Tail, score: float | None, spending: Spending, alpha: float, clock: Clock) -> Tail:
    """An observed assignment has no re-assignments: its tail crosses the calendar's constant instead (approximate)."""
    limit = constants(clock.times, alpha / 2, spending)[clock.look - 1]
    if tail.crossed_at is not None or score is None or score <= limit:
        return tail
    return msgspec.structs.replace(tail, crossed_at=clock.look)


def _crossed(tail: Tail, crossing: Crossing | None, spending: Spending, study: Study, clock: Clock) -> Crossed:
    return Crossed(
        spent=_spent(spending, study, clock),
        allowed=None if crossing is None else crossing.allowed,
        rank=None if crossing is None else crossing.rank,
        at=tail.crossed_at,
    )


def _settle(
    state: EngineState, found: Findings, study: Study, time: int, look: int
) -> tuple[EngineState, Decision, Why | None]:
    """The decision, kept once it is final. Ill health overrides what is said, and never what was decided."""
    if state.final is not None:
        if found.readable and found.ill is not None:
            return state, "unhealthy", found.ill
        return state, state.final.decision, state.final.why
    decision, why = decide(found, study.decision.minimum_lift)
    if decision in ("ship", "dont_ship"):
        state = msgspec.structs.replace(state, final=Final(decision, why, time, look))
    return state, decision, why
