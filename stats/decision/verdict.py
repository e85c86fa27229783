"""The verdict as of a tick: the decision, why, and every number behind it.

Values only; `stats.decision.engine` makes them. Their parts stand in `livelift/document/`, since the document has them as they are.
"""

import msgspec

from livelift.document.decision import Alarm, ClassicOpinion, Decision, Rule, Why
from livelift.document.progress import Health, Planning, Progress
from livelift.document.readings import Guardrail, Primary
from livelift.study import Study


class Decided(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A decision that stands, with what held when it was taken. An array when stored: it is part of the engine's state.

    time, look
        The tick (ms) and the looks taken by then.
    lift
        The primary's adjusted lift at that tick.
    lift_corrected
        `lift` corrected for having stopped there: such an estimate is too large on average (`stats.sequential.stopping`).
        None where no boundary of the primary decided.
    """

    decision: Decision
    why: Why | None
    time: int
    look: int
    lift: float | None
    lift_corrected: float | None


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known at a tick and from which words are made: what decides, and what stands beside it.

    time, preview
        As of when (ms), and whether it is between ticks.
    exposed, included
        Users of (control, treatment) that were exposed, and those of them in the analysis.
    unfinished
        Sessions that began in the period and are not counted in it: still open, or longer than the study waits.
    held_back
        What keeps a crossed boundary from being a *ship*; None where nothing does.
    closed
        A person closed the study early.
    """

    study: Study
    time: int
    preview: bool
    exposed: tuple[int, int]
    included: tuple[int, int]
    health: Health
    primary: Primary
    guardrails: dict[str, Guardrail]
    progress: Progress
    decided: Decided | None
    alarms: tuple[Alarm, ...]
    held_back: Why | None
    closed: bool
    unfinished: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The decision as of `time` (ms), or a preview between ticks.

    summary
        The decision and its reason in one sentence.
    decided
        The final decision (ship, dont_ship), which stands from its tick on; None before.
    alarms
        What was proven against a *ship* after it had been decided.
    deviations
        What departed from the plan, in words: a study closed early.
    guarantee
        What is promised of the verdict's errors, and what is not.
    """

    time: int
    preview: bool
    decision: Decision
    why: Why | None
    decided: Decided | None
    alarms: tuple[Alarm, ...]
    summary: str
    reasons: tuple[Rule, ...]
    primary: Primary
    guardrails: dict[str, Guardrail]
    health: Health
    progress: Progress
    planning: Planning
    classic: ClassicOpinion
    deviations: tuple[str, ...]
    guarantee: tuple[str, ...]
