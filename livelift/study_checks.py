"""What is wrong with a study file that its types allow: each check names a key, and what it has to be."""

import re
from math import ceil, floor, inf
from typing import TYPE_CHECKING

from livelift.assignment import exchange_bits
from livelift.checked import Check
from livelift.churn import checks as churn_checks
from livelift.lookups import checks as lookup_checks
from livelift.measures import checks as measure_checks
from livelift.retention import checks as retention_checks
from livelift.source import LARGEST
from livelift.source import checks as source_checks
from livelift.table_checks import checks as table_checks
from livelift.user_table_checks import checks as user_table_checks

if TYPE_CHECKING:
    from livelift.source import Field
    from livelift.study import Health, Metric, Study

SCHEMA = 1

MILLIONTHS = 1_000_000

USERS, SESSIONS = OWN_TOTALS = ("users", "sessions")
"""A user's own totals, known without any measure: 1 for each user of the population (included, or exposed), and sessions. No measure
can have one of these names."""


def checks(study: "Study") -> list[Check]:
    """(key, is it wrong, what it has to be) for all that types alone cannot say. NaN is wrong wherever a number is asked."""
    sou, win, exp = study.source, study.windows, study.experiment
    rows = [
        ("schema", study.schema != SCHEMA, f"this program reads schema {SCHEMA}"),
        ("name", not re.fullmatch(r"[a-z][a-z0-9_]*", study.name), "use lower-case letters, digits and _"),
        ("windows.gap_seconds", win.kind == "gap" and win.gap_seconds <= 0, "use a positive number of seconds"),
        ("windows.gap_seconds", win.kind == "row" and win.gap_seconds != 0, "leave it out: a row has no gap"),
        ("windows.allowed_lateness_seconds", win.allowed_lateness_seconds < 0, "use 0 or more seconds"),
        ("experiment.salt", not exp.salt, "give a salt, chosen before the period opens"),
        ("experiment.control_percent", not 0 < exp.control_percent < 100, "use a whole number from 1 to 99"),
        (
            "experiment.control_percent",
            exp.can_be_drawn_again and exp.control_percent != 50,
            f"a randomised split of {exp.control_percent}:{100 - exp.control_percent} cannot be certified yet: set "
            "experiment.control_percent = 50, or assignment = 'observed'",
        ),
        ("experiment.period_end", exp.period_end <= exp.period_start, "it has to be after experiment.period_start"),
        (
            "experiment.period_start",
            exp.period_start < sou.not_before,
            f"rows are accepted from {sou.not_before} on (source.not_before), and the period begins before",
        ),
        (
            "experiment.period_end",
            exp.period_end > sou.before,
            f"rows are accepted until {sou.before} (source.before), and the period ends later",
        ),
        ("experiment.pre_period_days", exp.pre_period_days < 0, "use 0 or more days"),
        ("experiment.minimum_sessions", exp.minimum_sessions < 1, "use 1 or more"),
        ("experiment.wait_days", not 0 <= exp.wait_days <= 366, "use a whole number of days from 0 to 366"),
        *_arm_checks(study),
        *source_checks(sou, study.fields),
        *lookup_checks(sou, study.fields, study.lookups),
        *_name_checks(study),
        *measure_checks(study.fields, study.measures, rows=win.kind == "row"),
        *table_checks(study.fields, study.tables, declares_measures=bool(study.measures)),
        *user_table_checks(study),
        *churn_checks(study.churn, study.users.values),
        *_decision_checks(study),
        *_statistics_checks(study),
        *_health_checks(study.health),
    ]
    for name, metric in study.metrics.items():
        key = f"metrics.{name}"
        rows += _metric_checks(key, metric, exp.days)
    return rows


def _arm_checks(study: "Study") -> list[Check]:
    exp, key = study.experiment, "experiment.arm_field"
    values = {"experiment.control_value": exp.control_value, "experiment.treatment_value": exp.treatment_value}
    if not exp.arm_field:
        return [
            (name, value != "", "leave it out: without experiment.arm_field a hash assigns")
            for name, value in values.items()
        ]
    if exp.arm_field not in study.fields:
        return [(key, True, f"use one of: {', '.join(study.fields) or 'none, as [fields] declares none'}")]
    field = study.fields[exp.arm_field]
    of_type = int if field.type == "integer" else str
    rows: list[Check] = [
        (name, not isinstance(value, of_type) or value == "", f"give the {field.type} that names this arm")
        for name, value in values.items()
    ]
    rows += [
        (name, bool(field.values) and value not in field.values, f"use one of: {', '.join(map(str, field.values))}")
        for name, value in values.items()
    ]
    rows += [
        (
            name,
            isinstance(value, int) and not _admits(field, value),
            f"let minimum and maximum of '{exp.arm_field}' admit it",
        )
        for name, value in values.items()
    ]
    return [
        *rows,
        (
            "experiment.treatment_value",
            exp.control_value == exp.treatment_value,
            "name another value than control_value",
        ),
        (key, not study.measures, "declare [measures]: those of a study.py do not read it"),
    ]


def _admits(field: "Field", value: int) -> bool:
    """May an event have this value? Rows that break a bound of their field are rejected."""
    least = -LARGEST if field.minimum is None else field.minimum
    most = LARGEST if field.maximum is None else field.maximum
    return least <= value <= most


def _metric_checks(key: str, metric: "Metric", period: int) -> list[Check]:
    rows: list[Check] = [
        (f"{key}.divide_by", metric.divide_by < 1, "use 1 or more"),
        (f"{key}.resolution", not 0 <= metric.resolution <= MILLIONTHS, f"use 1 to {MILLIONTHS:,} units per raw unit"),
    ]
    if metric.later_day is not None:
        kind = "retention" if metric.retention is not None else "first_days"
        own = f"leave it out: {kind} has its own totals"
        both = metric.retention is not None and metric.first_days is not None
        whole = metric.first_days is not None and metric.resolution != 0
        return [
            *rows,
            (f"{key}.numerator", metric.numerator != "", own),
            (f"{key}.denominator", metric.denominator != "", own),
            (f"{key}.first_days", both, "give one of the two: retention or first_days"),
            (f"{key}.resolution", whole, "leave it out: a number of sessions is whole"),
            *retention_checks(f"{key}.{kind}", metric.later_day, period),
        ]
    return [
        *rows,
        (
            f"{key}.numerator",
            not metric.numerator,
            "name a measure, or sessions (or give retention, or first_days, in place of both)",
        ),
        (
            f"{key}.denominator",
            not metric.denominator,
            "name users, sessions or a measure: what the numerator is divided by",
        ),
        (
            f"{key}.denominator",
            metric.numerator == metric.denominator == SESSIONS,
            "use users: sessions per session are always 1",
        ),
        (
            f"{key}.resolution",
            metric.denominator == USERS and metric.resolution != 0,
            "leave it out: a user's total is whole",
        ),
    ]


def _decision_checks(study: "Study") -> list[Check]:
    dec = study.decision
    return [
        ("decision.primary", dec.primary not in study.metrics, f"use one of: {', '.join(study.metrics)}"),
        ("decision.minimum_lift", not 0 <= dec.minimum_lift < 1, "use a fraction from 0 to below 1: 0.02 for 2 %"),
        ("decision.alpha", not 0 < dec.alpha <= 0.5, "use a number above 0, at most 0.5: 0.05 for 5 %"),
        ("decision.guardrail_margin", not 0 <= dec.guardrail_margin < 1, "use a fraction from 0 to below 1: 0.01 for 1 %"),
        ("decision.guardrail_alpha", not 0 < dec.guardrail_alpha <= 0.5, "use a number above 0, at most 0.5: 0.1 for 10 %"),
    ]  # fmt: skip


def _statistics_checks(study: "Study") -> list[Check]:
    """A study that could never ship is wrong: its boundary needs draws enough for one to cross, and that these differ."""
    sta, randomised = study.statistics, study.experiment.can_be_drawn_again
    alpha = study.decision.alpha
    fewest = ceil(2 / alpha - 1e-9) if 0 < alpha < 1 else 0
    buckets, unmoved = max(1, sta.draws - 1).bit_length(), _unmoved(study)
    return [
        ("statistics.buckets", not 1 <= sta.buckets <= 65_536, "use a whole number from 1 to 65536"),
        (
            "statistics.draws",
            sta.buckets * sta.draws > 100_000_000,
            "use fewer draws or buckets: their product is the size of a table, at most 100,000,000",
        ),
        ("statistics.draws", not 100 <= sta.draws <= 100_000, "use a whole number from 100 to 100000"),
        (
            "statistics.draws",
            randomised and sta.draws < fewest,
            f"with decision.alpha = {alpha:g} nothing could ever ship: use {fewest} or more, or a larger alpha",
        ),
        (
            "statistics.buckets",
            randomised and sta.buckets < buckets,
            f"{sta.draws} draws of so few buckets repeat each other, so nothing could ever ship: use {buckets} or more",
        ),
        (
            "statistics.buckets",
            randomised and 0 < fewest <= sta.draws and unmoved > floor(alpha / 2 * sta.draws + 1e-9),
            f"{unmoved} of {sta.draws} draws exchange no bucket, so they tie with the study and nothing could ever ship: "
            "use more buckets",
        ),
        ("statistics.minimum_users", sta.minimum_users < 2, "use 2 or more"),
        (
            "statistics.planned_standard_error",
            not 0 < sta.planned_standard_error < 1,
            "use a fraction between 0 and 1: 0.035 for 3.5 %",
        ),
        ("statistics.prior_session_seconds", sta.prior_session_seconds <= 0, "use a positive number of seconds"),
    ]


MANY_BUCKETS = 64
"""With so many nobody sees a re-assignment that exchanges none."""


def _unmoved(study: "Study") -> int:
    """How many re-assignments leave every bucket as it is, the study itself included."""
    buckets, draws = study.statistics.buckets, study.statistics.draws
    if buckets > MANY_BUCKETS or not 100 <= draws <= 100_000:
        return 1
    moved = 0
    for bucket in range(buckets):
        moved |= int.from_bytes(exchange_bits(study.experiment.salt, bucket, draws), "little")
    others = moved >> 1 & ((1 << draws - 1) - 1)  # without number 0, the study
    return draws - others.bit_count()


def _health_checks(hea: "Health") -> list[Check]:
    return [
        ("health.sample_ratio_concentration", not 0 < hea.sample_ratio_concentration < inf, "use a positive number"),
        ("health.sample_ratio_alpha", not 0 < hea.sample_ratio_alpha <= 0.5, "use a number above 0, at most 0.5"),
        ("health.inclusion_alpha", not 0 < hea.inclusion_alpha <= 0.5, "use a number above 0, at most 0.5"),
        (
            "health.maximum_in_both_share",
            not 0 <= hea.maximum_in_both_share < 1,
            "use a share from 0 to below 1: 0.01 for 1 %",
        ),
        (
            "health.maximum_late_share",
            not 0 <= hea.maximum_late_share < 1,
            "use a share from 0 to below 1: 0.01 for 1 %",
        ),
        (
            "health.maximum_rejected_share",
            not 0 <= hea.maximum_rejected_share < 1,
            "use a share from 0 to below 1: 0.05 for 5 %",
        ),
    ]


def _name_checks(study: "Study") -> list[Check]:
    return [
        (f"measures.{name}", name in OWN_TOTALS, "call it otherwise: every user has a total of that name")
        for name in study.measures
    ]
