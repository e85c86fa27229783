"""Learns who does not come back, from the users' rows, at each midnight: river's logistic regression, one outcome after the other.

A row changes only with an event, so that the row before a change is the user as of the last active day: no features are kept beside it. The
order of learning is that of the midnights and of the users' names, so that the model does not depend on partitions, batches or restarts.
"""

from collections.abc import Callable, Mapping
from math import log
from typing import Any

from livelift.churn import BINS, ChurnModel, last_day_value
from livelift.event_time import DAY
from livelift.output_log import END_DUE
from livelift.row_source import compiled, quotient
from livelift.study import Study
from livelift.table_plan import TablePlan

LEAST = 1e-9
"""A prediction counts as at least this, and at most as 1 less it, in the log loss."""

Row = list[int]


class ChurnLearner:
    """The model of a run, and which users' outcomes are not known yet."""

    def __init__(self, study: Study, plan: TablePlan) -> None:
        self._churn = study.churn
        self._features = feature_reader(plan, study.churn.features)
        last_day = last_day_value(study.users.values)
        assert last_day is not None, "the study's checks leave no other"
        (self._last_day,) = plan.places[last_day]
        self.model = ChurnModel()
        self._scaler, self._regression = _made(self.model)
        self._changed: dict[str, tuple[Row | None, Row]] = {}
        self._by_day: dict[int, set[str]] = {}  # last day → users whose outcome is not known

    def note(self, user: str, before: Row | None, after: Row) -> None:
        """A midnight has changed the user's row."""
        self._changed[user] = before, after

    def settle(self, due: int, rows: Mapping[str, Row]) -> None:
        """All changes of the midnight `due` (ms), or of the end, are noted: learn what is known now. `rows` are all users'."""
        for user, (before, after) in sorted(self._changed.items()):
            if before is not None and user in (waiting := self._by_day.get(before[self._last_day], set())):
                waiting.discard(user)
                self._learn(before, churned=False)
            self._by_day.setdefault(after[self._last_day], set()).add(user)
        self._changed.clear()
        if due != END_DUE:  # else the last day is not over
            through = due // DAY - 1 - self._churn.days
            for day in sorted(day for day in self._by_day if day <= through):
                for user in sorted(self._by_day.pop(day)):
                    self._learn(rows[user], churned=True)
            self.model.through = max(self.model.through, through)
        self._keep()

    def _keep(self) -> None:
        """Let the model have what river's objects have learned."""
        model = self.model
        model.means, model.variances = dict(self._scaler.means), dict(self._scaler.vars)
        model.weights, model.intercept = dict(self._regression.weights), float(self._regression.intercept)

    def restore(self, model: ChurnModel, rows: Mapping[str, Row]) -> None:
        """Go on with a model that was kept together with the users' rows."""
        self.model = model
        self._scaler, self._regression = _made(model)
        self._by_day = {}
        for user, row in rows.items():
            if row[self._last_day] > model.through:
                self._by_day.setdefault(row[self._last_day], set()).add(user)

    def _learn(self, row: Row, *, churned: bool) -> None:
        """Judge the prediction by the outcome, then learn it."""
        model, features = self.model, self._features(row)
        predicted = self._regression.predict_proba_one(self._scaler.transform_one(features))[True]
        calibration = model.calibration[min(BINS - 1, int(predicted * BINS))]
        calibration.number += 1
        calibration.predicted += predicted
        calibration.churned += churned
        model.log_loss -= log(min(max(predicted if churned else 1 - predicted, LEAST), 1 - LEAST))
        self._scaler.learn_one(features)
        self._regression.learn_one(self._scaler.transform_one(features), churned)
        model.learned += 1


def feature_reader(plan: TablePlan, features: list[str]) -> Callable[[Row], dict[str, float]]:
    """What takes the features of a user's row as numbers: written out once, as each outcome that is learned needs them."""
    parts = (f"{name!r}: {' / '.join(quotient(plan, name))}" for name in features)
    return compiled("features", f"def features(r):\n    return {{{', '.join(parts)}}}")


def _made(model: ChurnModel) -> tuple[Any, Any]:
    """River's own objects, as they were when the model was kept. Its learning rates are constants, so that nothing else is to be kept."""
    from river.linear_model import LogisticRegression
    from river.preprocessing import StandardScaler
    from river.utils import VectorDict

    scaler: Any = StandardScaler()
    for name, mean in model.means.items():
        scaler.counts[name] = model.learned
        scaler.means[name] = mean
        scaler.vars[name] = model.variances[name]
    regression: Any = LogisticRegression(intercept_init=model.intercept)
    regression._weights = VectorDict(dict(model.weights))
    return scaler, regression
