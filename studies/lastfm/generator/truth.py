"""The truth about a generated file, stored beside it as `<file>.truth.json`."""

from math import log1p, sqrt
from pathlib import Path

import msgspec

from livelift.study import Study

_PLANNED_USERS = 1_000  # for whom `statistics.planned_standard_error` holds
_CERTAIN = 3.0  # standard errors beyond the rule's lift at which chance hardly decides any more


class VariantTruth(msgspec.Struct, frozen=True):
    """One variant: users in the file; users with at least the study's minimum of sessions in the period; sessions that
    start in the period and their mean duration in minutes, as written and as it would be without the lift (null
    without a session)."""

    users: int
    users_included: int
    sessions_in_period: int
    mean_minutes: float | None
    mean_minutes_without_lift: float | None


class Truth(msgspec.Struct, frozen=True):
    """What a generated file holds.

    Attributes
    ----------
    seed, events, lift
        As asked for; `events` counts the plays without lift.
    first_day, end_day
        The calendar, [first_day, end_day), ISO dates; a busy user's last sessions may run past its end.
    rows
        Lines of the file = accepted + Σ rejected + duplicates.
    rejected
        Bad rows by reason.
    sessions
        All sessions, at a gap of 30 min.
    control, treatment
        See `VariantTruth`.
    realised_lift
        Mean duration of the treatment users' in-period sessions as written over the same without lift, minus 1 (null
        without a session).
    expected_decision
        At the end of the file: `ship`, `dont_ship` or `no_data`; null where chance decides.
    """

    seed: int
    events: int
    users: int
    lift: float
    salt: str
    control_percent: int
    first_day: str
    end_day: str
    rows: int
    accepted: int
    rejected: dict[str, int]
    duplicates: int
    sessions: int
    control: VariantTruth
    treatment: VariantTruth
    realised_lift: float | None
    expected_decision: str | None
    schema: int = 1


def truth_path(file: Path) -> Path:
    """Where the truth of `file` is kept."""
    return file.with_name(f"{file.name}.truth.json")


def read_truth(file: Path) -> Truth:
    """The truth beside `file`.

    Raises
    ------
    FileNotFoundError
        If `file` was not generated.
    """
    return msgspec.json.decode(truth_path(file).read_bytes(), type=Truth)


def encode_truth(truth: Truth) -> bytes:
    """`truth` as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(truth), indent=2) + b"\n"


def realised_lift(variant: VariantTruth) -> float | None:
    """The lift of mean session duration that really is in the file, as a fraction."""
    if variant.mean_minutes is None or not variant.mean_minutes_without_lift:
        return None
    return variant.mean_minutes / variant.mean_minutes_without_lift - 1


def expected_decision(study: Study, lift: float, control: VariantTruth, treatment: VariantTruth) -> str | None:
    """What the rule should say at the end of the file; None where chance decides."""
    if min(control.users_included, treatment.users_included) < study.statistics.minimum_users:
        return "no_data"
    if lift <= 0:
        return "dont_ship"
    included = control.users_included + treatment.users_included
    error = study.statistics.planned_standard_error * sqrt(_PLANNED_USERS / included)
    return "ship" if log1p(lift) >= log1p(study.decision.minimum_lift) + _CERTAIN * error else None
