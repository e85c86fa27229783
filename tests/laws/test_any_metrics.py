"""Promise P1 for any metrics a study may declare: stream and oracle agree in every number, whatever the kinds and measures."""

import random
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from batch.document import batch_document
from livelift.document import Document
from livelift.measures import Measure
from livelift.retention import FirstDays, Retention
from livelift.source import Field
from livelift.study import Metric, Study, load_study
from livelift.study_checks import checks
from local.equality import differences
from tests.support.made_log import Listening, User, made_log
from tests.support.pure_pipeline import run_pure

LASTFM = load_study("lastfm")
replace = msgspec.structs.replace

MEAN, RATIO, COUNT, SUM, RETURN = "mean", "ratio", "count", "sum", "return"


def metric(kind: str, measure: str = "", per: str = "", divide_by: int = 1) -> Metric:
    totals = {
        MEAN: (measure, "sessions"),
        RATIO: (measure, per),
        COUNT: ("sessions", "users"),
        SUM: (measure, "users"),
        RETURN: ("", ""),
    }
    numerator, denominator = totals[kind]
    returned = Retention("every_day", 1) if kind == RETURN else None
    return Metric(
        title=kind,
        unit="units",
        higher_is_better=measure != "skips",
        numerator=numerator,
        denominator=denominator,
        retention=returned,
        divide_by=divide_by,
    )


def retention(anchor: Literal["every_day", "first_activity", "exposure"], days: int) -> Metric:
    return msgspec.structs.replace(metric(RETURN), retention=Retention(anchor, days))


def first_days(anchor: Literal["first_activity", "exposure"], days: int) -> Metric:
    return msgspec.structs.replace(metric(COUNT), numerator="", denominator="", first_days=FirstDays(anchor, days))


def study_of(*metrics: Metric) -> Study:
    """lastfm with these metrics, the first one primary, over eight days."""
    named = {f"m{number}": one for number, one in enumerate(metrics)}
    return replace(
        LASTFM,
        metrics=named,
        simulated=None,
        decision=replace(LASTFM.decision, primary="m0"),
        experiment=replace(LASTFM.experiment, period_end=date(2009, 3, 9), pre_period_days=7),
        statistics=replace(LASTFM.statistics, buckets=64, draws=100, minimum_users=5),
    )


def listens(user: User, day: int, chance: random.Random) -> list[Listening]:
    """None to three sessions a day, longer for some users than for others."""
    return [
        Listening(int(chance.lognormvariate(6.5, 0.8) * user.typical), chance.randrange(1, 6), chance.randrange(3))
        for _ in range(chance.randrange(4))
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week before the period, and the period."""
    weeks = replace(
        LASTFM, experiment=replace(LASTFM.experiment, period_start=date(2009, 2, 22), period_end=date(2009, 3, 9))
    )
    return made_log(tmp_path_factory.mktemp("made") / "log.tsv", weeks, listens, each=12)


@pytest.mark.parametrize(
    "metrics",
    [
        [metric(MEAN, "seconds"), metric(RATIO, "seconds", "plays"), metric(RATIO, "plays", "seconds", 3)],
        [metric(RATIO, "seconds", "plays", 60), metric(MEAN, "seconds"), metric(COUNT), metric(RETURN)],
        [metric(MEAN, "plays"), metric(RATIO, "seconds", "seconds"), metric(COUNT, divide_by=7)],
        [metric(COUNT), metric(MEAN, "artists"), metric(RATIO, "skips", "artists")],
        [metric(RETURN), metric(MEAN, "seconds", divide_by=7), metric(RETURN)],
        [metric(MEAN, "skips")],
        [metric(MEAN, "seconds"), retention("first_activity", 1), retention("exposure", 3), retention("every_day", 7)],
        [retention("exposure", 1), retention("every_day", 2), retention("first_activity", 7), metric(RETURN)],
        [metric(SUM, "seconds"), metric(SUM, "plays", divide_by=3), metric(SUM, "artists")],
        [metric(MEAN, "plays"), metric(SUM, "seconds", divide_by=60), metric(RATIO, "sessions", "plays")],
        [first_days("exposure", 3), first_days("first_activity", 2), retention("exposure", 2), metric(MEAN, "seconds")],
        [metric(MEAN, "plays"), first_days("exposure", 8), metric(RETURN)],
    ],
    ids=lambda metrics: ", ".join(f"{one.numerator}-{one.denominator}-{one.later_day}" for one in metrics),
)
def test_stream_and_oracle_agree_for_these_metrics(metrics: list[Metric], data: Path, tmp_path: Path) -> None:
    assert_they_agree(study_of(*metrics), data, tmp_path)


def test_stream_and_oracle_agree_for_other_measures(data: Path, tmp_path: Path) -> None:
    """None is called as one of lastfm's, but for the length."""
    study = replace(
        study_of(
            metric(MEAN, "tracks"), metric(RATIO, "quick", "events"), metric(MEAN, "seconds"), metric(MEAN, "of_two")
        ),
        fields={name: Field("text") for name in ("artist_id", "artist", "track")},
        measures={
            "seconds": Measure(length="session"),
            "tracks": Measure(distinct="track"),
            "events": Measure(count="event"),
            "of_two": Measure(count="event", where={"artist": ["a1", "a2"]}),
            "artists_of_b": Measure(distinct=["artist_id", "artist"], where={"track": "b3"}),
            "quick": Measure(count="event", where={"artist": ["a1", "a2", "a3"]}, follows_within=200),
        },
    )
    assert [(key, fix) for key, wrong, fix in checks(study) if wrong] == []
    assert_they_agree(study, data, tmp_path)


@pytest.mark.parametrize("minimum", [1, 3])
def test_stream_and_oracle_agree_where_rows_are_windows(minimum: int, data: Path, tmp_path: Path) -> None:
    """Each event is a closed window; its length is a field's."""
    declared = study_of(
        metric(COUNT), metric(MEAN, "seconds"), metric(RATIO, "first", "events"), metric(MEAN, "first"),
        metric(RETURN), retention("exposure", 2), retention("first_activity", 1), first_days("first_activity", 2),
    )  # fmt: skip
    study = replace(
        declared,
        windows=replace(declared.windows, kind="row", gap_seconds=0),
        experiment=replace(declared.experiment, minimum_sessions=minimum),
        fields={"track": Field("text"), "length": Field("integer", column="track_id", default=40, minimum=0)},
        measures={
            "seconds": Measure(sum="length"),
            "events": Measure(count="event"),
            "tracks": Measure(distinct="track"),
            "first": Measure(count="event", where={"track": ["a1", "b3"]}),
        },
    )
    assert [(key, fix) for key, wrong, fix in checks(study) if wrong] == []
    assert_they_agree(study, data, tmp_path)


@pytest.mark.parametrize("windows", ["gap", "row"])
@pytest.mark.parametrize("assignment", ["randomised", "observed"])
def test_stream_and_oracle_agree_where_events_name_the_arm(
    windows: str, assignment: str, data: Path, tmp_path: Path
) -> None:
    """The artist names the arm, of nine artists: some users see both, and of some the first session names none."""
    declared = study_of(
        metric(COUNT), metric(RATIO, "seconds", "events"), metric(RETURN), retention("exposure", 2),
        first_days("exposure", 2),
    )  # fmt: skip
    study = replace(
        declared,
        windows=replace(declared.windows, kind=windows, gap_seconds=1800 if windows == "gap" else 0),
        experiment=replace(
            declared.experiment,
            assignment=assignment,
            arm_field="arm",
            control_value="a1",
            treatment_value="a2",
            minimum_sessions=2,
        ),
        fields={
            "arm": Field("text", column="artist"),
            "length": Field("integer", column="track_id", default=40, minimum=0),
        },
        measures={
            "seconds": Measure(length="session") if windows == "gap" else Measure(sum="length"),
            "events": Measure(count="event"),
        },
    )
    assert [(key, fix) for key, wrong, fix in checks(study) if wrong] == []
    health = assert_they_agree(study, data, tmp_path).health
    assert health.users_in_both is not None and health.users_in_both > 0
    assert (health.sample_ratio_p is not None) == (assignment == "randomised")


def assert_they_agree(study: Study, data: Path, tmp_path: Path) -> Document:
    document, history = batch_document(data, study)
    run = run_pure(data, tmp_path, study, partitions=2, seed=1)
    assert (found := list(differences(run.document, document))) == [], "\n".join(map(str, found))
    live = {entry.as_of: entry for entry in run.history}
    for entry in history:
        assert list(differences(live[entry.as_of], entry)) == []
    assert len(history) > 8
    assert document.metrics["m0"].sequential.z is not None
    return document
