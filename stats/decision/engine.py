"""Sequential engine: `step` at every tick, `preview` between ticks. Pure: state and sums in, state and verdict out.

Everything that is kept or decides changes in `step` only, and `step` depends on the ticks' sums alone: so the history of
verdicts is a function of the data (promise P1).
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelift.document.decision import Decision, Why
from livelift.document.progress import Progress
from livelift.document.readings import Primary
from livelift.errors import StateError
from livelift.event_time import DAY
from livelift.study import Study
from livelift.tick_sums import TickSums
from stats.checks.guardrail_readings import guardrail_means, read_guardrails, worse_classically
from stats.checks.health import read_health
from stats.decision.alarms import alarms_of, take_alarms
from stats.decision.classic_opinion import classic_opinion
from stats.decision.decision import Findings, blocker, decide, health_problem, left_out_gates
from stats.decision.primary import is_clear, read_primary
from stats.decision.rules import rules_of
from stats.decision.verdict import Decided, Readings, Verdict
from stats.estimates.classic import classic
from stats.estimates.estimates import Estimate, estimate_of, totals_of
from stats.estimates.power import days_remaining
from stats.sequential.boundaries import calendar, harm_spending, obrien_fleming
from stats.sequential.clock import Clock, first_day
from stats.sequential.engine_state import EngineState as EngineState
from stats.sequential.engine_state import from_bytes as from_bytes
from stats.sequential.engine_state import initial as initial
from stats.sequential.engine_state import to_bytes as to_bytes
from stats.sequential.look import corrected_lift, crossed, take_look
from stats.sequential.look import draw_scores as draw_scores
from stats.sequential.planning import read_planning
from stats.sequential.rerandomisation import Crossing
from stats.words.formatting import improvement_of
from stats.words.guarantee import guarantee
from stats.words.summary import summarise

Floats = NDArray[np.float64]


def look_at(sums: TickSums, study: Study) -> int:
    """The number of the look that this tick is, 0 if none: k at P + k days inside the period, K at its completion."""
    experiment = study.experiment
    if sums.period_complete:
        return experiment.days
    days, rest = divmod(sums.time - experiment.start_ms, DAY)
    return days if not sums.ended and rest == 0 and 0 < days < experiment.days else 0


def step(state: EngineState, sums: TickSums, study: Study, scores: Floats | None = None) -> tuple[EngineState, Verdict]:
    """Take a tick into the state, and say the verdict as of it.

    At a look the boundaries move: the two tails of the primary by re-randomisation of buckets, the guardrails by their constants. A
    missed look is made up for by the next, since spending is by calendar. Other ticks only carry the display on.

    Parameters
    ----------
    scores
        Z of every draw, (draws,), where the caller has computed many looks at once (`draw_scores`); computed here
        otherwise.

    Raises
    ------
    StateError
        If the state belongs to another study file, or at a look the sums have other buckets than the study.

    Examples
    --------
    A simulated study in which treatment makes sessions 80 % longer:

    >>> from livelift.simulation.truth import Truth
    >>> from livelift.study import load_study
    >>> from stats.simulate.experiment import assign, observe
    >>> from stats.simulate.population import population
    >>> from stats.simulate.sums import ticks
    >>> from studies import DEFAULT
    >>> study = load_study(DEFAULT)
    >>> sessions = population(study).regimes["stationary"].draw(np.random.default_rng(1), 150, study)
    >>> assigned, state = assign([str(user) for user in range(150)], study), initial(study)
    >>> for sums in ticks(observe(sessions, assigned, study, Truth(0.8)), assigned, study):
    ...     state, verdict = step(state, sums, study)
    >>> verdict.decision, verdict.progress.look, from_bytes(to_bytes(state)) == state, look_at(sums, study)
    ('ship', 61, True, 61)
    """
    _check(state, study)
    return _evaluate(state, sums, study, _clock(state, sums, study), scores, preview=False)


def preview(state: EngineState, sums: TickSums, study: Study) -> Verdict:
    """The verdict if this moment were shown now: nothing is kept, nothing decided, no draws.

    From totals alone, so `sums.users` may also hold few buckets with everything, shape (2, any, 6).
    """
    _check(state, study)
    clock = Clock(state.look, _planned(study), False)
    return _evaluate(state, sums, study, clock, None, preview=True)[1]


def close_early(state: EngineState, sums: TickSums, study: Study, reason: str) -> tuple[EngineState, Verdict]:
    """A person ends the study at this tick, for good, and the deviation from the plan is recorded.

    The look of this tick spends what the calendar releases by then and no more: a person who picks the moment and were
    given the rest of the error would ship one in six studies without an effect (docs/decisions/0040-closing-early.md).

    Raises
    ------
    StateError
        If the study is decided or closed already, or complete with this tick.
    """
    _check(state, study)
    if state.final is not None or state.closed or look_at(sums, study) == study.experiment.days:
        raise StateError(f"study '{study.name}' has ended already", "nothing is left to close: read its verdict")
    clock = _clock(state, sums, study)
    clock = Clock(clock.look, clock.times, clock.look > 0)  # the last look once more, with what it left unspent
    said = f"closed early after {clock.look} of {study.experiment.days} looks: {reason}"
    closed = msgspec.structs.replace(state, closed=True, deviations=(*state.deviations, said))
    return _evaluate(closed, sums, study, clock, None, preview=False)


def _clock(state: EngineState, sums: TickSums, study: Study) -> Clock:
    """A decided study goes on with its looks: what they show then is an alarm."""
    look = look_at(sums, study)
    now = look > state.look
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
    means = guardrail_means(sums, study, totals)
    health = read_health(sums, study, state.sample_ratio_p)
    crossings: tuple[Crossing | None, Crossing | None] = (None, None)
    if clock.now:
        state, crossings = take_look(state, sums, study, clock, means, estimate, scores)
    state = msgspec.structs.replace(
        state, lowest=state.lowest.after(estimate, study), sample_ratio_p=health.sample_ratio_p_lowest
    )
    ship = crossed(state.ship, crossings[0], obrien_fleming, study, clock)
    harm = crossed(state.harm, crossings[1], harm_spending, study, clock)
    primary = read_primary(sums, study, totals, estimate, clock, state.lowest, ship, harm)
    guardrails = read_guardrails(sums, study, totals, means, clock, state.failed)
    closing = state.closed and state.final is None
    complete = sums.period_complete or closing
    least = study.statistics.minimum_users
    found = Findings(
        enough_exposed=sum(sums.exposed) >= 2 * least,
        enough_users=min(sums.included) >= least,
        readable=primary.lift is not None,
        problem=health_problem(health, study, sums.exposed),
        harm_crossed=state.harm.crossed_at is not None,
        harm_clear=is_clear(primary, study, harm=True),
        ship_crossed=state.ship.crossed_at is not None,
        ship_clear=is_clear(primary, study, harm=False),
        guardrail_failed=bool(state.failed),
        guardrail_gates=any(reading.status == "gate" for reading in guardrails.values()),
        guardrail_unreadable=any(reading.status == "unreadable" for reading in guardrails.values()),
        left_out_gates=left_out_gates(health, study),
        improvement=improvement_of(study, primary.lift),
        deciding=not preview and (clock.now or complete),
        complete=complete,
        ended=sums.ended,
    )
    state, decision, why = _latch(state, found, study, sums.time, clock, primary, estimate, closing)
    if clock.now:
        state = take_alarms(state, study, primary, guardrails)
    readings = Readings(
        study=study,
        time=sums.time,
        preview=preview,
        exposed=sums.exposed,
        included=sums.included,
        health=health,
        primary=primary,
        guardrails=guardrails,
        progress=_progress(sums, study, clock),
        decided=state.final,
        alarms=alarms_of(state, study, primary, guardrails),
        held_back=blocker(found, study.decision.minimum_lift),
        closed=state.closed,
        unfinished=sums.sessions_unfinished,
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


def _latch(
    state: EngineState,
    found: Findings,
    study: Study,
    time: int,
    clock: Clock,
    primary: Primary,
    estimate: Estimate,
    closing: bool,
) -> tuple[EngineState, Decision, Why | None]:
    """The decision, kept once it is final. A health problem overrides what is said, and never what was decided.

    A study that is being closed is decided at this tick, whatever it can say.
    """
    if state.final is not None:
        if found.problem is not None:
            return state, "unhealthy", found.problem
        return state, state.final.decision, state.final.why
    decision, why = decide(found, study.decision.minimum_lift)
    if closing and decision not in ("ship", "dont_ship"):
        decision, why = "dont_ship", "closed"
    if decision in ("ship", "dont_ship"):
        by_primary = decision == "ship" or why == "harm"
        fixed = corrected_lift(state, estimate, study, clock, harm=why == "harm") if by_primary else None
        final = Decided(decision=decision, why=why, time=time, look=clock.look, lift=primary.lift, lift_corrected=fixed)
        state = msgspec.structs.replace(state, final=final)
        if found.problem is not None:
            return state, "unhealthy", found.problem
    return state, decision, why
