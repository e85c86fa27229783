"""Alarms: what was proven against a *ship* after it had been decided."""

import msgspec

from livelift.document.decision import Alarm
from livelift.document.readings import Guardrail, Primary
from livelift.study import Study
from stats.decision.primary import is_clear
from stats.decision.rules import guardrail_values
from stats.sequential.engine_state import Alarmed, EngineState
from stats.words.formatting import harmed, limit, percent

HARM = "harm"


def take_alarms(state: EngineState, study: Study, primary: Primary, guardrails: dict[str, Guardrail]) -> EngineState:
    """The state after a look: an alarm is kept with its look and the value then.

    A boundary that was crossed before the *ship*, while something else decided, raises one only when a later look shows the
    harm again.
    """
    if state.final is None or state.final.decision != "ship" or state.look <= state.final.look:
        return state
    raised = dict(state.alarmed)
    if HARM not in raised and state.harm.crossed_at is not None and is_clear(primary, study, harm=True):
        raised[HARM] = Alarmed(state.look, primary.lift)
    for name, look in state.failed.items():
        if name not in raised and look > state.final.look:
            raised[name] = Alarmed(look, guardrails[name].worsening)
    return msgspec.structs.replace(state, alarmed=raised)


def alarms_of(
    state: EngineState, study: Study, primary: Primary, guardrails: dict[str, Guardrail]
) -> tuple[Alarm, ...]:
    """The alarms in words: what was shown and when; where it holds no more, what held then and what holds now."""
    found = []
    for name, alarm in state.alarmed.items():
        if name == HARM:
            words = _harm(state, study, primary, alarm)
            found.append(Alarm(name=HARM, look=alarm.look, words=words))
        else:
            words = _guardrail(state, study, name, guardrails[name], alarm)
            found.append(Alarm(name=f"guardrail:{name}", look=alarm.look, words=words))
    return tuple(found)


def _harm(state: EngineState, study: Study, primary: Primary, alarm: Alarmed) -> str:
    title = study.metrics[study.decision.primary].title
    if alarm.look == state.look or is_clear(primary, study, harm=True):
        return f"{title} is {harmed(study)}, shown at look {alarm.look} ({percent(primary.lift)} now)"
    then, now = percent(alarm.value), percent(primary.lift)
    return f"{title} was shown to be {harmed(study)} at look {alarm.look} ({then} then, {now} now)"


def _guardrail(state: EngineState, study: Study, name: str, reading: Guardrail, alarm: Alarmed) -> str:
    worse = f"worse by more than {limit(study.decision.guardrail_margin)}"
    values, title = guardrail_values(study, name, reading), study.metrics[name].title
    if alarm.look == state.look or (reading.worsening or 0.0) > study.decision.guardrail_margin:
        return f"{title} is {worse}, shown at look {alarm.look} ({values})"
    then = "" if alarm.value is None else f" ({percent(abs(alarm.value), signed=False)} worse then)"
    return f"{title} was shown to be {worse} at look {alarm.look}{then}, now {values}"
