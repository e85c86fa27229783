"""The engine of a study: `step` at every tick, `preview` between them. Pure: state and sums in, state and verdict out.

Everything that is kept or decides changes in `step` only, and `step` depends on the ticks' sums alone: so the history of
verdicts is a function of the data (promise P1).
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelift.errors import StateError, VersionError
from livelift.event_time import DAY
from livelift.study import Study
from livelift.tick_sums import TickSums
from stats.boundaries import Spending, calendar, constants, harm_spending, obrien_fleming
from stats.classic import classic
from stats.classic_opinion import classic_opinion
from stats.clock import Clock, first_day, reachable
from stats.decision import Findings, decide, illness, left_out_gates
from stats.estimates import Estimate, Lowest, Totals, direction, estimate_of, totals_of
from stats.flips import Crossing, Tail, advance, flip_matrix, statistics
from stats.guarantee import guarantee
from stats.guardrail_readings import guardrail_means, margin_statistics, read_guardrails, worse_classically
from stats.guardrails import failures
from stats.health import read_health
from stats.planning import read_planning
from stats.power import days_remaining
from stats.primary import read_primary
from stats.rules import guardrail_values, rules_of
from stats.stopping import conditional_median
from stats.summary import summarise
from stats.user_means import as_lift
from stats.verdict import Alarm, Crossed, Decided, Decision, Guardrail, Primary, Progress, Readings, Verdict, Why
from stats.words import improvement_of, is_harmed, percent
from stats.words import limit as as_written

SCHEMA = 2

Floats = NDArray[np.float64]


class Final(msgspec.Struct, frozen=True, array_like=True):
    """A decision that stands: taken at tick `time` (ms), with `look` looks taken, at the adjusted `lift`."""

    decision: Decision
    why: Why | None
    time: int
    look: int
    lift: float | None


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
    lowest
        What is kept of the always-valid layer.
    corrected
        "ship" or "harm" → the log lift at which that boundary was crossed, corrected for having crossed.
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
    lowest: Lowest = Lowest()
    corrected: dict[str, float] = msgspec.field(default_factory=dict)
    failed: dict[str, int] = msgspec.field(default_factory=dict)
    sample_ratio_p: float | None = None
    final: Final | None = None
    closed: bool = False
    deviations: tuple[str, ...] = ()


def initial(study: Study) -> EngineState:
    """The state before the first tick."""
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
    return _evaluate(state, sums, study, _clock(state, sums, study), scores, preview=False)


def preview(state: EngineState, sums: TickSums, study: Study) -> Verdict:
    """The verdict if this moment were shown now: nothing is kept, nothing decided, no flips.

    From totals alone, so `sums.users` may also hold few buckets with everything, shape (2, any, 6).
    """
    _check(state, study)
    clock = Clock(state.look, _planned(study), False)
    return _evaluate(state, sums, study, clock, None, preview=True)[1]


def close_early(state: EngineState, sums: TickSums, study: Study, reason: str) -> tuple[EngineState, Verdict]:
    """A person ends the study at this tick, for good, and the deviation from the plan is recorded.

    The look of this tick spends what the calendar releases by then and no more: a person who picks the moment and were
    given the rest of the error would ship 12 % of the studies without an effect (docs/decisions/0040-closing-early.md).

    Raises
    ------
    StateError
        If the study is decided, complete or closed already.
    """
    _check(state, study)
    days = study.experiment.days
    if state.final is not None or state.closed or state.look >= days:
        raise StateError(f"study '{study.name}' has ended already", "nothing is left to close: read its verdict")
    clock = _clock(state, sums, study)
    clock = Clock(clock.look, clock.times, clock.look > 0)  # the last look once more, with what it left unspent
    said = f"closed early after {clock.look} of {days} looks: {reason}"
    closed = msgspec.structs.replace(state, closed=True, deviations=(*state.deviations, said))
    return _evaluate(closed, sums, study, clock, None, preview=False)


def _clock(state: EngineState, sums: TickSums, study: Study) -> Clock:
    look = look_at(sums, study)
    now = not state.closed and look > state.look
    return Clock(look if now else state.look, _planned(study), now)


def _planned(study: Study) -> tuple[float, ...]:
    """Information times of the registered looks."""
    return calendar(study.experiment.days, study.experiment.days)


def _check(state: EngineState, study: Study) -> None:
    if state.study != study.fingerprint:
        raise StateError("the stored state belongs to another study file", "start a new run: a changed study is one")


def _evaluate(
    state: EngineState, sums: TickSums, study: Study, clock: Clock, scores: Floats | None, preview: bool
) -> tuple[EngineState, Verdict]:
    """State and verdict after a tick; a preview's state is the caller's to drop."""
    totals = totals_of(sums)
    estimate = estimate_of(*totals[study.decision.primary], study)
    health = read_health(sums, study, state.sample_ratio_p)
    crossings: tuple[Crossing | None, Crossing | None] = (None, None)
    if clock.now:
        state, crossings = _look(state, sums, study, clock, totals, estimate, scores)
    state = msgspec.structs.replace(
        state, lowest=state.lowest.after(estimate, study), sample_ratio_p=health.sample_ratio_p_lowest
    )
    ship = _crossed(state.ship, crossings[0], obrien_fleming, study, clock)
    harm = _crossed(state.harm, crossings[1], harm_spending, study, clock)
    primary = read_primary(sums, study, totals, estimate, clock, state.lowest, ship, harm)
    guardrails = read_guardrails(sums, study, totals, clock, state.failed)
    complete = sums.period_complete or state.closed
    found = Findings(
        enough_users=min(sums.included) >= study.statistics.minimum_users,
        readable=primary.log_lift is not None,
        ill=illness(health, study),
        harm_crossed=state.harm.crossed_at is not None,
        ship_crossed=state.ship.crossed_at is not None,
        guardrail_failed=bool(state.failed),
        guardrail_gates=any(reading.status == "gate" for reading in guardrails.values()),
        guardrail_unreadable=any(reading.status == "unreadable" for reading in guardrails.values()),
        left_out_gates=left_out_gates(health, study),
        improvement=improvement_of(study, primary.lift),
        deciding=not preview and (clock.now or complete),
        complete=complete,
        ended=sums.ended,
    )
    state, decision, why = _latch(state, found, study, sums.time, clock.look, primary.lift)
    readings = Readings(
        study=study,
        included=sums.included,
        health=health,
        primary=primary,
        guardrails=guardrails,
        progress=_progress(sums, study, clock),
        decided=_decided(state, study),
        alarms=_alarms(state, study, primary, guardrails),
    )
    planning = read_planning(study, estimate, clock)
    of_sessions = classic(*sums.classic[study.decision.primary])
    verdict = Verdict(
        time=sums.time,
        preview=preview,
        decision=decision,
        why=why,
        decided=readings.decided,
        alarms=readings.alarms,
        summary=summarise(readings, decision, why),
        reasons=rules_of(readings),
        primary=primary,
        guardrails=guardrails,
        health=health,
        progress=readings.progress,
        planning=planning,
        classic=classic_opinion(study, decision, of_sessions.lift, of_sessions.p, worse_classically(sums, study)),
        deviations=state.deviations,
        guarantee=guarantee(study, planning, state.closed),
    )
    return state, verdict


def _progress(sums: TickSums, study: Study, clock: Clock) -> Progress:
    return Progress(
        look=clock.look,
        looks=study.experiment.days,
        information=clock.information,
        days_remaining=days_remaining(sums.time, study.experiment.end_ms),
        ship_from=first_day(study, obrien_fleming),
        harm_from=first_day(study, harm_spending),
        period_complete=sums.period_complete,
        ended=sums.ended,
    )


def _decided(state: EngineState, study: Study) -> Decided | None:
    """The decision that stands, with the lift corrected for having stopped at it."""
    final = state.final
    if final is None:
        return None
    tail = {"ship": "ship", "dont_ship": "harm"}[final.decision] if final.why in (None, "harm") else ""
    corrected = state.corrected.get(tail)
    return Decided(
        decision=final.decision,
        why=final.why,
        time=final.time,
        look=final.look,
        lift=final.lift,
        lift_corrected=None if corrected is None else as_lift(corrected),
    )


def _alarms(state: EngineState, study: Study, primary: Primary, guardrails: dict[str, Guardrail]) -> tuple[Alarm, ...]:
    """What was proven against a *ship* after it had been decided."""
    if state.final is None or state.final.decision != "ship":
        return ()
    found = []
    at = state.harm.crossed_at
    if at is not None:
        title = study.metrics[study.decision.primary].title
        words = f"{title} {is_harmed(study)}, shown at look {at} ({percent(primary.lift)} now)"
        found.append(Alarm(name="harm", look=at, words=words))
    for name, look in state.failed.items():
        words = (
            f"{study.metrics[name].title} is worse by more than {as_written(study.decision.guardrail_margin)}, shown at look "
            f"{look} ({guardrail_values(study, name, guardrails[name])})"
        )
        found.append(Alarm(name=f"guardrail:{name}", look=look, words=words))
    return tuple(found)


def _look(
    state: EngineState,
    sums: TickSums,
    study: Study,
    clock: Clock,
    totals: Totals,
    estimate: Estimate,
    scores: Floats | None,
) -> tuple[EngineState, tuple[Crossing | None, Crossing | None]]:
    """Move every boundary by one look."""
    primary, decision, toward = study.decision.primary, study.decision, direction(study)
    crossings: tuple[Crossing | None, Crossing | None] = (None, None)
    allowed = state.allowed
    if study.experiment.assignment == "observed":
        z = estimate.z
        ship = _cross_constant(state.ship, None if z is None else toward * z, obrien_fleming, decision.alpha, clock)
        harm = _cross_constant(state.harm, None if z is None else -toward * z, harm_spending, decision.alpha, clock)
    else:
        scores = flip_scores(sums.users[primary], study) if scores is None else scores
        ship, up = advance(state.ship, toward * scores, _spent(obrien_fleming, study, clock), clock.look)
        harm, low = advance(state.harm, -toward * scores, _spent(harm_spending, study, clock), clock.look)
        crossings = up, low
        allowed = (*(row for row in allowed if row[0] != clock.look), (clock.look, up.allowed, low.allowed))
    corrected = dict(state.corrected)
    for name, tail, sign, spending in (("ship", ship, toward, obrien_fleming), ("harm", harm, -toward, harm_spending)):
        if tail.crossed_at is not None and name not in corrected and estimate.z is not None and estimate.se is not None:
            corrected[name] = sign * _corrected(sign * estimate.z, estimate.se, spending, study, clock)
    means = {name: guardrail_means(sums, study, totals, name) for name in study.guardrails if name not in state.failed}
    readable = {name: z for name, z in margin_statistics(study, means).items() if z is not None}
    fallen = failures(
        readable, len(state.failed), len(study.guardrails), clock.times, clock.look, decision.guardrail_alpha
    )
    failed = {**state.failed, **dict.fromkeys(fallen, clock.look)}
    after = msgspec.structs.replace(
        state, look=clock.look, ship=ship, harm=harm, allowed=allowed, failed=failed, corrected=corrected
    )
    return after, crossings


def _corrected(z: float, standard_error: float, spending: Spending, study: Study, clock: Clock) -> float:
    """The effect at a crossing of this look, corrected for having crossed, on the log scale toward the crossed tail."""
    limits = reachable(study, clock.times, spending, constants(clock.times, study.decision.alpha / 2, spending))
    return conditional_median(z, standard_error, clock.times, limits, clock.look)


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
        limit=None if crossing is None else crossing.limit,
        at=tail.crossed_at,
    )


def _latch(
    state: EngineState, found: Findings, study: Study, time: int, look: int, lift: float | None
) -> tuple[EngineState, Decision, Why | None]:
    """The decision, kept once it is final. Ill health overrides what is said, and never what was decided."""
    if state.final is not None:
        if found.enough_users and found.ill is not None:
            return state, "unhealthy", found.ill
        return state, state.final.decision, state.final.why
    decision, why = decide(found, study.decision.minimum_lift)
    if decision in ("ship", "dont_ship"):
        state = msgspec.structs.replace(state, final=Final(decision, why, time, look, lift))
    return state, decision, why
