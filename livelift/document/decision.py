"""What is decided, why, and what was found against it."""

from typing import Literal

import msgspec

Decision = Literal["no_data", "unhealthy", "keep_running", "ship", "dont_ship"]

Why = Literal[
    "too_few_users", "unreadable",  # no_data
    "missing_events", "sample_ratio", "left_out", "users_in_both", "late_rows", "rejected_rows",  # unhealthy
    "minimum_lift", "guardrail_gate", "guardrail_unreadable", "left_out_gate", "not_clear", "ended_early",  # keep_running
    "harm", "guardrail", "not_proven", "closed",  # dont_ship
]  # fmt: skip


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the decision: a number against its threshold.

    name
        Which rule; a guardrail's is "guardrail:<metric>".
    number, threshold
        What was found, and what it is held against, both in the rule's own unit: a count is a whole number. None where there is none.
    passed
        None: cannot be judged.
    words
        The same for a person.
    """

    name: str
    number: int | float | None
    threshold: int | float | None
    passed: bool | None
    words: str


class FinalDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that stands, with what held when it was taken.

    decision
        What was decided.
    why
        For which reason.
    time
        The tick, ISO 8601 in UTC.
    look
        Looks taken by then.
    lift
        The primary's adjusted lift at that tick, a fraction.
    lift_corrected
        `lift` corrected for having stopped there: such an estimate is too large on average. None where no boundary of the
        primary decided.
    """

    decision: Decision
    why: Why | None
    time: str
    look: int
    lift: float | None
    lift_corrected: float | None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Harm, or a failed guardrail, that was proven after *ship* had been decided.

    name
        "harm", or "guardrail:<metric>".
    look
        The look at which it was proven.
    words
        The same for a person.
    """

    name: str
    look: int
    words: str


class ClassicOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """What the original batch rule would say now.

    decision
        None where it cannot be read.
    opposite
        Is that the opposite of the verdict?
    words
        The same for a person, with what this rule's answers are worth.
    """

    decision: Literal["ship", "dont_ship"] | None
    opposite: bool
    words: str
