"""Formats numbers and findings as text: percentages, amounts, chances, better and worse."""

from math import floor

from livelift.assignment import VARIANTS
from livelift.document.progress import Health
from livelift.study import Metric, Study


def percent(fraction: float | None, signed: bool = True) -> str:
    """An estimate as a percentage with one decimal; below 0.1 % with as many as it takes; 0 without a sign of its own.

    >>> percent(0.0412), percent(-0.00041), percent(-1e-17), percent(None), percent(0.304, signed=False)
    ('+4.1%', '-0.04%', '+0.0%', 'unknown', '30.4%')
    """
    if fraction is None:
        return "unknown"
    value = 100.0 * fraction
    digits = next((digits for digits in (1, 2, 3) if abs(value) >= 0.5 * 10**-digits), 1)
    rounded = round(value, digits) + 0.0  # −0.0 + 0.0 is 0.0
    return f"{rounded:{'+' if signed else ''}.{digits}f}%"


def limit(fraction: float) -> str:
    """A limit as it was written down: 0.01 is 1%, 0.005 is 0.5%.

    >>> limit(0.01), limit(0.005), limit(0.0125)
    ('1%', '0.5%', '1.25%')
    """
    return f"{100.0 * fraction:.10g}%"


def chance(probability: float) -> str:
    """A small probability as people say it, 1 in 40: never less than it is.

    >>> chance(0.025), chance(0.1), chance(0.03)
    ('1 in 40', '1 in 10', '1 in 33')
    """
    return f"1 in {floor(1.0 / probability + 1e-9)}"


def amount(value: float | None, metric: Metric) -> str:
    """A value of a metric with its unit.

    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> metrics = load_study(DEFAULT).metrics
    >>> amount(41.23, metrics["session_duration"]), amount(0.0301, metrics["skip_rate"])
    ('41.2 minutes', '3.0%')
    """
    if value is None:
        return "unknown"
    if metric.unit == "share":
        return percent(value, signed=False)
    return f"{value:,.3g} {metric.unit}" if abs(value) < 999.5 else f"{value:,.0f} {metric.unit}"


def days(number: int, one: str, several: str) -> str:
    """So many days with their verb.

    >>> days(1, "remains", "remain"), days(2, "remains", "remain")
    ('1 day remains', '2 days remain')
    """
    return f"1 day {one}" if number == 1 else f"{number} days {several}"


def p_value(p: float) -> str:
    """A p-value with three decimals.

    >>> p_value(0.03058), p_value(1e-9)
    ('0.031', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def improvement_of(study: Study, lift: float | None) -> float | None:
    """The primary's lift turned so that more is better, a fraction.

    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> improvement_of(load_study(DEFAULT), -0.02)
    -0.02
    """
    if lift is None or study.metrics[study.decision.primary].higher_is_better:
        return lift
    return -lift


def needed(study: Study) -> str:
    """What the rule asks of the primary's lift, in the metric's own direction.

    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> needed(load_study(DEFAULT))
    'more than +2%'
    """
    least = limit(study.decision.minimum_lift)
    return f"more than +{least}" if study.metrics[study.decision.primary].higher_is_better else f"less than -{least}"


def is_better(study: Study) -> str:
    """The verb of a primary that is proven better. Groups that were only observed differ, whatever the cause."""
    return "is better" if study.experiment.assignment == "randomised" else f"is better in {study.names.treatment}"


def is_harmed(study: Study) -> str:
    """The verb of a primary that is proven worse."""
    return f"is {harmed(study)}"


def harmed(study: Study) -> str:
    """What a primary is that is proven worse."""
    return "harmed" if study.experiment.assignment == "randomised" else f"worse in {study.names.treatment}"


CAUSES = {
    "few_values": "too few users have a value",
    "all_zero": "it is 0 for everybody",
    "zero_control": "it is 0 for everybody in {control}",
    "zero_treatment": "it is 0 for everybody in {treatment}",
    "all_equal": "it is the same for everybody",
    "no_spread": "it is the same for everybody in an arm, and another value in the other",
}
"""Why a metric cannot be read."""


def cause_of(study: Study, cause: str, users: tuple[int, int]) -> str:
    """Why a metric cannot be read, in words; `users` of (control, treatment) with a value.

    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> cause_of(load_study(DEFAULT), "few_values", (200, 0))
    'too few users have a value: 200 in control, 0 in variant B, each needs 50'
    """
    names = study.names
    words = CAUSES[cause].format(control=names.control, treatment=names.treatment)
    if cause == "few_values":
        least = study.statistics.minimum_users
        words += f": {users[0]} in {names.control}, {users[1]} in {names.treatment}, each needs {least}"
    return words


def unnamed_arms(study: Study, health: Health) -> str:
    """What follows a reason where events name the arms and no session has named one of them: perhaps a value is mistyped."""
    experiment = study.experiment
    if not experiment.arm_field:
        return ""
    values = zip((experiment.control_value, experiment.treatment_value), VARIANTS, strict=True)
    unseen = [f"{value!r}" for value, variant in values if health.excluded_shares[variant] is None]
    if not unseen:
        return ""
    return f"; no closed session of the period has an event whose '{experiment.arm_field}' is {' or '.join(unseen)}"
