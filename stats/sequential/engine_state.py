"""State that the engine carries from tick to tick, and its encoding."""

import msgspec

from livelift.errors import NEW_RUN, VersionError
from livelift.study import Study
from stats.decision.verdict import Decided
from stats.estimates.estimates import LowestP
from stats.sequential.rerandomisation import Tail

SCHEMA = 3


class Alarmed(msgspec.Struct, frozen=True, array_like=True):
    """The look after a *ship* at which a harm was shown; the lift, or the guardrail's worsening, then."""

    look: int
    value: float | None


class EngineState(msgspec.Struct, frozen=True, array_like=True):
    """What is carried from tick to tick, under 1 KB.

    Attributes
    ----------
    schema, study
        Version of this record; fingerprint of the study file it belongs to.
    look
        Looks taken.
    ship, harm
        The primary's tails: draws alive, used, and where the study crossed.
    allowed
        (look, m of the ship tail, m of the harm tail) of every look taken.
    lowest
        What is kept of the always-valid layer.
    readable_from
        The first look at which the primary could be read.
    failed
        Guardrail → the look at which it failed.
    sample_ratio_p
        LowestP sequential p so far.
    final
        The decision that stands.
    alarmed
        What was shown after a *ship*: "harm" or the guardrail's name → when.
    closed, deviations
        Closed early by a person; what departed from the plan, in words.
    """

    schema: int
    study: str
    look: int
    ship: Tail
    harm: Tail
    allowed: tuple[tuple[int, int, int], ...] = ()
    lowest: LowestP = LowestP()
    readable_from: int | None = None
    failed: dict[str, int] = msgspec.field(default_factory=dict)
    sample_ratio_p: float | None = None
    final: Decided | None = None
    closed: bool = False
    deviations: tuple[str, ...] = ()
    alarmed: dict[str, Alarmed] = msgspec.field(default_factory=dict)


def initial(study: Study) -> EngineState:
    """The state before the first tick."""
    tail = Tail.of(study.statistics.draws)
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
    try:
        schema = msgspec.msgpack.decode(data)[0]
        if schema == SCHEMA:
            return msgspec.msgpack.decode(data, type=EngineState)
    except (msgspec.MsgspecError, TypeError, IndexError, KeyError):
        raise VersionError("the stored engine state cannot be read", NEW_RUN) from None
    raise VersionError(f"the stored engine state has schema {schema}, this program reads {SCHEMA}", NEW_RUN)
