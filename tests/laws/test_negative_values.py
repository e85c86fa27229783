"""Measures below zero, such as refunds: stream, oracle and plain Python round a user's mean alike, halves up."""

import json
import random
from collections import defaultdict
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batch.document import batch_document
from batch.oracle import Oracle
from livelift.churn import Churn
from livelift.errors import StateError
from livelift.source import Field
from livelift.study import Study, load_study
from livelift.user_tables import Users
from local.equality import differences
from tests.support.pure_pipeline import run_pure

replace = msgspec.structs.replace
ARMS = ("still", "playing")


def study_of_balances() -> Study:
    """The viewings, with a length that may be negative: its mean in whole units, and its share of the time in tenths."""
    study = load_study("tests/studies/viewings")
    metrics = dict(study.metrics)
    metrics["dramas"] = replace(metrics["dramas"], numerator="offered", resolution=1)
    metrics["completion"] = replace(metrics["completion"], numerator="offered", denominator="seconds", resolution=10)
    length = Field("integer", column="show_duration_seconds")
    return replace(
        study,
        metrics=metrics,
        fields=study.fields | {"length": length},
        tables={},
        users=Users(),
        segments={},
        user_tables={},
        churn=Churn(),
    )


STUDY = study_of_balances()

Row = dict[str, Any]


def rows(largest: int) -> list[Row]:
    chance = random.Random(largest)
    return [
        {
            "user_id": user,
            "created_at": f"2024-05-{chance.randrange(7, 31):02}T12:00:{user % 60:02}",
            "show_duration_seconds": chance.randrange(-largest, largest // 2),
            "user_watch_duration_seconds": chance.randrange(1, 9),
            "experiment": {"arm": ARMS[user % 2]},
        }
        for user in range(200)
        for _ in range(chance.randrange(2, 9))
    ] + [
        {
            "user_id": 0,
            "created_at": "2024-06-20T12:00:00",
            "show_duration_seconds": 1,
            "user_watch_duration_seconds": 1,
        }
    ]


def written(folder: Path, found: list[Row]) -> Path:
    file = folder / "streaming_data.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    return file


@pytest.mark.parametrize("largest", [4, 1_000_000])
def test_stream_and_oracle_agree_below_zero(largest: int, tmp_path: Path) -> None:
    found = rows(largest)
    file = written(tmp_path, found)
    live = run_pure(file, tmp_path / "cache", STUDY).document
    assert not list(differences(live, batch_document(file, STUDY)[0]))
    lengths: dict[Any, list[Row]] = defaultdict(list)
    for row in found[:-1]:
        lengths[row["user_id"]].append(row)
    unique = {user: list({json.dumps(row): row for row in mine}.values()) for user, mine in lengths.items()}
    with Oracle(file, STUDY) as oracle:
        sums = oracle.final().users["dramas"][:, :, 1].sum(axis=1).tolist()
    assert sums == [
        sum(
            floor(Fraction(sum(row["show_duration_seconds"] for row in mine), len(mine)) + Fraction(1, 2))
            for user, mine in unique.items()
            if user % 2 == arm and len(mine) >= STUDY.experiment.minimum_sessions
        )
        for arm in (0, 1)
    ]


def test_a_total_too_far_below_zero_is_refused(tmp_path: Path) -> None:
    """Its square would leave 64 bits as that of a positive one."""
    found = rows(4)
    found[0]["show_duration_seconds"] = found[1]["show_duration_seconds"] = -2_000_000_000
    with pytest.raises(StateError, match="too large to be squared exactly"):
        run_pure(written(tmp_path, found), tmp_path / "cache", STUDY)
