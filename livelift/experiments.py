"""Several experiments in one study, over the same events: each is a study of its own, called STUDY.EXPERIMENT.

It has its own run, topics, keys and verdict; source, fields, sessions, measures and metrics are the study's.
"""

import os
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from livelift.checked import Check, is_name
from livelift.errors import StudyError
from livelift.study_folders import is_path

if TYPE_CHECKING:
    from livelift.study import Study


class AnotherExperiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A further experiment of the study. What it leaves out is as in `[experiment]`, but for the arms: without an `arm_field` of its
    own they are a hash of its salt. It has tables `names` and `decision` of its own if it gives any, else the study's."""

    salt: str
    title: str | UnsetType = UNSET
    control_percent: int | UnsetType = UNSET
    assignment: Literal["randomised", "observed"] | UnsetType = UNSET
    period_start: date | UnsetType = UNSET
    period_end: date | UnsetType = UNSET
    pre_period_days: int | UnsetType = UNSET
    minimum_sessions: int | UnsetType = UNSET
    wait_days: int | UnsetType = UNSET
    arm_field: str | UnsetType = UNSET
    control_value: str | int | UnsetType = UNSET
    treatment_value: str | int | UnsetType = UNSET
    names: dict[str, str] | UnsetType = UNSET
    decision: dict[str, str | float] | UnsetType = UNSET


Experiments = dict[str, AnotherExperiment]


def split_reference(text: str) -> tuple[str, str]:
    """What was asked for as (the study's name or folder, the experiment); the experiment is empty for the study's own.

    >>> split_reference("shop"), split_reference("shop.checkout"), split_reference("./my.shop/")
    (('shop', ''), ('shop', 'checkout'), ('./my.shop/', ''))
    """
    folder, dot, experiment = text.rpartition(".")
    if not dot or not is_name(experiment):
        return text, ""
    if is_path(text) and not (os.path.isdir(folder) and not os.path.exists(text)):
        return text, ""
    return folder, experiment


def with_experiment(study: "Study", experiment: str) -> "Study":
    """The study of the further experiment called so.

    Raises
    ------
    StudyError
        If the study has none of that name.
    """
    if experiment not in study.experiments:
        there = ", ".join(f"{study.name}.{name}" for name in study.experiments)
        raise StudyError(
            f"study '{study.name}' has no [experiments.{experiment}]",
            f"use one of: {study.name}{', ' + there if there else ''}",
        )
    given: dict[str, Any] = msgspec.structs.asdict(study.experiments[experiment])
    by_hash = {"arm_field": "", "control_value": "", "treatment_value": ""}  # else two experiments had the same arms
    changed = by_hash | {key: value for key, value in given.items() if value is not UNSET}
    title = changed.pop("title", f"{study.title}: {experiment}")
    names, decision = changed.pop("names", {}), changed.pop("decision", {})
    return msgspec.structs.replace(
        study,
        name=f"{study.name}.{experiment}",
        title=title,
        experiment=msgspec.structs.replace(study.experiment, **changed),
        names=_replaced(study.names, names),
        decision=_replaced(study.decision, decision),
        simulated=None,
        experiments={},
    )


def _replaced(part: Any, given: dict[str, Any]) -> Any:
    """The table with other values, checked as if it stood in the file. Raises `msgspec.ValidationError`."""
    return msgspec.convert(msgspec.to_builtins(part) | given, type(part))


def checks(study: "Study") -> list[Check]:
    """(key, is it wrong, what it has to be) of the further experiments."""
    from livelift.study_checks import checks as study_checks

    rows: list[Check] = []
    own = {study.experiment.salt: "experiment"}
    for name, one in study.experiments.items():
        key = f"experiments.{name}"
        if not is_name(name):
            rows.append((key, True, "call it by lower-case letters, digits and _"))
            continue
        rows.append(
            (
                f"{key}.salt",
                one.salt in own,
                f"choose another one than that of {own.get(one.salt)}: the same splits the same way",
            )
        )
        own[one.salt] = key
        try:
            whole = with_experiment(study, name)
        except msgspec.ValidationError as error:
            rows.append((key, True, f"its names or decision: {error}"))
            continue
        for inner, wrong, fix in study_checks(msgspec.structs.replace(whole, name=study.name)):
            rows.append((_key_in(key, inner), wrong, fix))
    return rows


def _key_in(key: str, inner: str) -> str:
    """Where a wrong key of the expanded study stands in the file.

    >>> _key_in("experiments.b", "experiment.salt"), _key_in("experiments.b", "decision.alpha")
    ('experiments.b.salt', 'experiments.b.decision.alpha')
    """
    return f"{key}.{inner.removeprefix('experiment.')}"
