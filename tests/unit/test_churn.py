"""The churn model: what it learns is what plain Python says happened, in an order that nothing changes, by river's own regression."""

import random
from collections import defaultdict
from math import log
from pathlib import Path
from typing import Any

import msgspec
import pytest
from river import linear_model, preprocessing

from livelift.churn import Calibration, Churn, ChurnModel, probability, shown_probability
from livelift.errors import StudyError
from livelift.event_time import DAY
from livelift.study import load_study, parse_study
from stats.sums.churn_learner import feature_reader
from stats.sums.run_state import RunState
from tests.studies.viewings import make
from tests.support.pure_pipeline import run_state
from tests.unit.test_tables import WITHOUT
from tests.unit.test_user_tables import people_of, row_of

DECLARED = """
[users.values]
views = {count = "event"}
first_view = {min = "day"}
last_view = {max = "day"}
days_active = {difference = ["last_view", "first_view"]}
share = {mean = ["watched", "length"], at_most = 1, times = 100}

[churn]
days = 7
features = ["views", "days_active", "share"]
"""
STUDY = parse_study(f"{WITHOUT}\n{DECLARED}".encode(), "study.toml")


@pytest.fixture(scope="module")
def viewings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("viewings") / "input"
    make.main(path)
    return path


def model_of(state: RunState) -> ChurnModel:
    assert state.tables.churn is not None
    return state.tables.churn.model


def by_hand(data: Path) -> tuple[dict[str, float], float, list[Calibration], int]:
    """Weights, intercept, calibration and number of outcomes, by river over a list of outcomes in the order in which they are known."""
    people = people_of(data)
    last = max(event[0] for events in people.values() for event in events)
    outcomes = []
    for user, events in people.items():
        days = sorted({time // DAY for time, *_ in events})
        for day, following in zip(days, [*days[1:], None], strict=True):
            seen = row_of([event for event in events if event[0] // DAY <= day])
            features = {name: float(seen[name]) for name in ("views", "days_active", "share")}
            if following is not None and following - day <= 7:
                # Known at the midnight that ends the day of the return, or at the end of the stream.
                outcomes.append((following + 1, 0, user, day, features, False))
            elif (day + 8) * DAY <= last:
                outcomes.append((day + 8, 1, user, day, features, True))
    scaler, regression = preprocessing.StandardScaler(), linear_model.LogisticRegression()
    calibration = [Calibration() for _ in range(10)]
    for _, _, _, _, features, churned in sorted(
        outcomes, key=lambda one: (one[0], one[1], one[3] if one[1] else 0, one[2])
    ):
        predicted = regression.predict_proba_one(scaler.transform_one(features))[True]
        one = calibration[min(9, int(predicted * 10))]
        one.number, one.predicted, one.churned = one.number + 1, one.predicted + predicted, one.churned + churned
        scaler.learn_one(features)
        regression.learn_one(scaler.transform_one(features), churned)
    return dict(regression.weights), regression.intercept, calibration, len(outcomes)


@pytest.mark.parametrize("partitions", [1, 4])
def test_the_model_is_rivers_over_what_plain_python_says_happened(
    partitions: int, viewings: Path, tmp_path: Path
) -> None:
    model = model_of(run_state(viewings, tmp_path / "cache", STUDY, partitions=partitions, seed=partitions))
    weights, intercept, calibration, number = by_hand(viewings)
    assert model.learned == number > 2_000
    assert model.weights == pytest.approx(weights, rel=1e-6)
    assert model.intercept == pytest.approx(intercept, rel=1e-6)
    assert [(one.number, one.churned) for one in model.calibration] == [
        (one.number, one.churned) for one in calibration
    ]
    assert [one.predicted for one in model.calibration] == pytest.approx(
        [one.predicted for one in calibration], rel=1e-6
    )
    assert 0 < model.log_loss / model.learned < log(2)  # better than a coin


def test_a_model_that_was_kept_goes_on_as_if_nothing_had_been(viewings: Path, tmp_path: Path) -> None:
    """Put away as JSON with the users' rows at every tick."""
    whole = model_of(run_state(viewings, tmp_path / "a", STUDY))

    def put_away(state: RunState) -> None:
        learner = state.tables.churn
        assert learner is not None
        kept = msgspec.json.decode(msgspec.json.encode(learner.model), type=ChurnModel)
        learner.restore(kept, state.tables.groups["users"])

    again = model_of(run_state(viewings, tmp_path / "b", STUDY, at_ticks=put_away))
    assert again == whole


def test_the_shown_probability_is_the_models(viewings: Path, tmp_path: Path) -> None:
    state = run_state(viewings, tmp_path / "cache", STUDY)
    model, plan = model_of(state), state.tables.plans["users"]
    found = defaultdict(int)
    for key, row in state.tables.groups["users"].items():
        shown = plan.shown([0, key], row)
        chance = shown_probability(STUDY.churn, STUDY.users.values, model, shown)
        over = row[plan.places["last_view"][0]] <= model.through
        assert chance == (
            1.0 if over else pytest.approx(probability(model, feature_reader(plan, STUDY.churn.features)(row)))
        )
        found[over] += 1
    assert min(found.values()) > 10


def test_a_probability_is_rivers() -> None:
    chance = random.Random(3)
    scaler, regression = preprocessing.StandardScaler(), linear_model.LogisticRegression()
    for number in range(300):
        features = {"a": chance.gauss(5, 3), "b": 7.0, "c": float(number % 3)}
        model = ChurnModel(
            learned=number,
            means=dict(scaler.means),
            variances=dict(scaler.vars),
            weights=dict(regression.weights),
            intercept=regression.intercept,
        )
        theirs: Any = regression.predict_proba_one(scaler.transform_one(features))
        assert probability(model, features) == pytest.approx(theirs[True], rel=1e-12)
        scaler.learn_one(features)
        regression.learn_one(scaler.transform_one(features), features["a"] > 5)


@pytest.mark.parametrize(
    ("declared", "key", "fix"),
    [
        ("days = 0", "churn.days", "1 to 366"),
        ("features = []", "churn.features", "use one of: views, days_active, share"),
        ('features = ["first_view"]', "churn.features", "use one of: views"),
        ('features = ["views", "views"]', "churn.features", "once"),
        ('features = ["views"]\ncolour = 1', "churn", "docs/14-tables.md"),
    ],
)
def test_a_wrong_declaration_is_refused(declared: str, key: str, fix: str) -> None:
    own = declared.partition(" = ")[0]
    lines = [line for line in DECLARED.splitlines() if not line.startswith(f"{own} = ")]
    with pytest.raises(StudyError) as error:
        parse_study(f"{WITHOUT}\n{chr(10).join(lines)}\n{declared}\n".encode(), "study.toml")
    assert f"key '{key}'" in error.value.what, error.value.what
    assert fix in f"{error.value.what} {error.value.fix}"


def test_churn_needs_the_last_day() -> None:
    with pytest.raises(StudyError, match="'churn'"):
        parse_study(f"{WITHOUT}\n{DECLARED}".replace('{max = "day"}', '{min = "day"}').encode(), "study.toml")


def test_shows_declares_it() -> None:
    assert load_study("shows").churn == Churn(
        7, ["total_views", "days_active", "completion", "average_watch_minutes", "unique_genres"]
    )
