"""What a study declares of churn: who does not come back, and the model of it that is kept of a run.

Of each day on which a user was active: is there an event on one of the next `days` UTC days? The model learns that when it is known, and says for
each user how probable it is that there is none.
"""

from collections.abc import Mapping
from datetime import date
from math import exp, sqrt

import msgspec

from livelift.checked import Check
from livelift.source import one_of
from livelift.table_plan import Shown
from livelift.tables import TableValue

BINS = 10
"""Of predicted probabilities, for the calibration."""


class Churn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who does not come back.

    days
        So many UTC days without an event after a day with one are churn; 0: the study has no such model.
    features
        Values of the users' rows, as of the day with an event.
    """

    days: int = 0
    features: list[str] = []


class Calibration(msgspec.Struct, array_like=True):
    """Predictions of one bin, each made before its outcome was learned: how many, their sum, and how many were churn."""

    number: int = 0
    predicted: float = 0.0
    churned: int = 0


class ChurnModel(msgspec.Struct):
    """A logistic regression over standardised features, as it is kept in Redis.

    Attributes
    ----------
    through
        The latest day (since 1970) whose outcome is known: of users whose last day is not after it nothing is left to be learned.
    learned
        How many outcomes it has learned.
    means, variances
        Of each feature, over what was learned.
    weights, intercept
        Of the standardised features; a missing weight is 0.
    log_loss
        Σ −ln p of the outcomes that came, p as predicted before.
    """

    through: int = -1
    learned: int = 0
    means: dict[str, float] = {}
    variances: dict[str, float] = {}
    weights: dict[str, float] = {}
    intercept: float = 0.0
    log_loss: float = 0.0
    calibration: list[Calibration] = msgspec.field(default_factory=lambda: [Calibration() for _ in range(BINS)])


def probability(model: ChurnModel, features: Mapping[str, float]) -> float:
    """How probable it is that the user does not come back: 1 / (1 + e^−(w · z + b)), z the standardised features.

    >>> model = ChurnModel(learned=2, means={"views": 3.0}, variances={"views": 4.0}, weights={"views": -0.5}, intercept=0.1)
    >>> round(probability(model, {"views": 5.0}), 6)
    0.401312
    """
    score = model.intercept
    for name, weight in model.weights.items():
        variance = model.variances.get(name, 0.0)
        score += weight * ((features[name] - model.means[name]) / sqrt(variance) if variance > 0 else 0.0)
    return 1 / (1 + exp(-score)) if score >= 0 else exp(score) / (1 + exp(score))


def shown_probability(
    churn: Churn, values: Mapping[str, TableValue], model: ChurnModel, row: Mapping[str, Shown]
) -> float:
    """Of a user's row as it is shown: how probable it is that the user does not come back; 1 where the days are over."""
    last_day = row[last_day_value(values) or ""]
    if (date.fromisoformat(str(last_day)) - date(1970, 1, 1)).days <= model.through:
        return 1.0
    return probability(model, {name: float(row[name] or 0) for name in churn.features})


def last_day_value(values: Mapping[str, TableValue]) -> str | None:
    """The value of the users' rows that is the day of the last event."""
    return next(
        (name for name, one in values.items() if one.max is not None and one.is_day and not one.has_condition), None
    )


def checks(churn: Churn, values: Mapping[str, TableValue]) -> list[Check]:
    """(key, is it wrong, what it has to be) for all that types alone cannot say."""
    if churn == Churn():
        return []
    fitting = [name for name, one in values.items() if is_always_there(one, values)]
    known = one_of(fitting) if fitting else "declare [users.values]"
    return [
        ("churn.days", not 1 <= churn.days <= 366, "use 1 to 366 days"),
        ("churn.features", not churn.features, known),
        ("churn.features", not set(churn.features) <= set(fitting), known),
        ("churn.features", len(set(churn.features)) < len(churn.features), "name each once"),
        ("churn", last_day_value(values) is None, 'declare users.values.last_day = {max = "day"}: a return is counted from it'),
        ("churn", "churn" in values, "call the value 'churn' otherwise: the probability is shown under that name"),
    ]  # fmt: skip


def is_always_there(value: TableValue, values: Mapping[str, TableValue]) -> bool:
    """Is it a number that every user has? A mean, minimum or maximum of only some events may have none."""
    if value.aggregate == "difference":
        of = [values[name] for name in value.difference or () if name in values]
        return bool(of) and not any(one.aggregate in ("min", "max") and one.has_condition for one in of)
    if value.aggregate in ("mean", "min", "max"):
        return not value.has_condition and not value.is_day
    return value.aggregate in ("count", "sum", "distinct")
