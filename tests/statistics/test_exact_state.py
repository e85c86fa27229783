"""The running statistics after many random updates equal a recomputation with fractions."""

import random
from fractions import Fraction

import pytest

from livelift.assignment import bucket_of
from livelift.output_log import SCHEMA, ClosedSession, UserTotals
from livelift.sessions import session_measures
from livelift.totals import total_columns
from stats.sums.aggregate import Aggregate
from stats.sums.metric_rows import MetricRow
from tests.statistics.support import STUDY

MEASURES = session_measures(STUDY).names
MINIMUM = STUDY.experiment.minimum_sessions
START = STUDY.experiment.start_ms

COLUMNS = total_columns(STUDY, MEASURES).names
ELIGIBLE, RETURNED = "eligible.every_day.1", "returned.every_day.1"

Named = dict[str, int]
"""A user's totals by their names."""

Users = dict[str, tuple[int, Named]]
Values = dict[str, list[tuple[int, ...]]]


def _listen(chance: random.Random, aggregate: Aggregate, users: Users, values: Values, outputs: int) -> None:
    """`outputs` random closed sessions and resolved days of at most 700 users, into the aggregate and into `users`."""
    for number in range(outputs):
        user = f"user_{chance.randrange(700)}"
        variant, totals = users.get(user, (chance.randrange(2), _zero(chance)))
        if user in users and chance.random() < 0.2:
            returned = chance.random() < 0.4
            totals = _with_day(totals, returned)
            added = _row({ELIGIBLE: 1, RETURNED: returned})
            told = totals["sessions"] > 0
            aggregate.apply(UserTotals(SCHEMA, START + number, user, variant, _row(totals), added, 0, told, None))
        else:
            plays = chance.randrange(1, 40)
            made = {"seconds": chance.randrange(86_400), "plays": plays, "skips": chance.randrange(plays + 1)}
            made["artists"] = chance.randrange(1, plays + 1)
            measures = tuple(made[name] for name in MEASURES)
            values.setdefault(user, []).append(measures)
            totals = _with_session(totals, measures)
            first = START + number if totals["sessions"] == 1 else None
            row = _row(totals)
            aggregate.apply(
                ClosedSession(SCHEMA, START + number, user, variant, START, START, True, measures, row, first)
            )
        users[user] = variant, totals


def _row(totals: Named) -> tuple[int, ...]:
    return tuple(int(totals.get(name, 0)) for name in COLUMNS)


def _zero(chance: random.Random) -> Named:
    sessions = chance.randrange(0, 30)
    return {"pre.sessions": sessions, "pre.seconds": sessions * chance.randrange(4000), "sessions": 0, ELIGIBLE: 0}


def _with_session(totals: Named, measures: tuple[int, ...]) -> Named:
    more = totals | {"sessions": totals["sessions"] + 1}
    for name, value in zip(MEASURES, measures, strict=True):
        more[name] = more.get(name, 0) + value
        more[f"square.{name}"] = more.get(f"square.{name}", 0) + value * value
    return more


def _with_day(totals: Named, returned: bool) -> Named:
    return totals | {ELIGIBLE: totals[ELIGIBLE] + 1, RETURNED: totals.get(RETURNED, 0) + returned}


def _value(row: MetricRow, totals: Named) -> tuple[Fraction, Fraction, int] | None:
    """(numerator, denominator, y) of a user by fractions, halves up, from the study's definitions."""
    metric = STUDY.metrics[row.name]
    of = {name: Fraction(totals.get(name, 0)) for name in MEASURES}
    top, bottom, scale = {
        "sessions": (of.get(metric.numerator), Fraction(totals["sessions"]), 10 if metric.numerator == "seconds" else 10**6),
        "plays": (of.get(metric.numerator), of["plays"], 10**6),
        "users": (Fraction(totals["sessions"]), Fraction(1), 1),
        "": (Fraction(totals.get(RETURNED, 0)), Fraction(totals[ELIGIBLE]), 10**6),
    }[metric.denominator]  # fmt: skip
    assert top is not None and bottom is not None
    if bottom == 0:
        return None
    return top, bottom, (top / bottom * scale + Fraction(1, 2)).__floor__()


def _check_exposed(aggregate: Aggregate, users: Users) -> None:
    """The sums over all exposed users: everybody with a session, and for returns everybody with a resolved day."""
    for row in aggregate.exposed_metrics:
        metric, sums = STUDY.metrics[row.name], [[0] * 6, [0] * 6]
        for variant, totals in users.values():
            x = 0 if row.covariate is None else row.covariate(_row(totals))
            if metric.retention is not None:
                if not totals[ELIGIBLE]:
                    continue
                y = (Fraction(totals.get(RETURNED, 0), totals[ELIGIBLE]) * 10**6 + Fraction(1, 2)).__floor__()
            else:
                y = totals["sessions" if metric.numerator == "sessions" else "seconds"] if totals["sessions"] else 0
            for column, part in enumerate((1, y, y * y, x, x * x, x * y)):
                sums[variant][column] += part
        assert aggregate.exposed_sums[row.name] == sums, row.name


def _check(aggregate: Aggregate, users: Users, values: Values) -> None:
    for row in aggregate.metrics:
        sums: dict[tuple[int, int], list[Fraction]] = {}
        ratios = [[Fraction(0)] * 6, [Fraction(0)] * 6]
        sample: list[list[Fraction]] = [[], []]
        for user, (variant, totals) in users.items():
            found = _value(row, totals) if totals["sessions"] >= MINIMUM else None
            if found is None:
                continue
            top, bottom, y = found
            x = 0 if row.covariate is None else row.covariate(_row(totals))
            cell = sums.setdefault((variant, bucket_of(user, STUDY.experiment.salt, 1024)), [Fraction(0)] * 6)
            for column, part in enumerate((1, y, y * y, x, x * x, x * y)):
                cell[column] += part
            for column, part in enumerate((Fraction(1), top, bottom, top * top, bottom * bottom, top * bottom)):
                ratios[variant][column] += part
            shown = [value[row.measure] for value in values[user]] if row.per_session else [top / bottom]
            sample[variant] += [Fraction(value) / row.divide_by for value in shown]
        kept = {
            (variant, bucket): cell
            for variant in (0, 1)
            for bucket, cell in enumerate(aggregate.user_sums()[row.name][variant].tolist())
            if any(cell)
        }
        assert kept == sums, row.name
        for variant in (0, 1):
            columns = zip(*(cell for (arm, _), cell in sums.items() if arm == variant), strict=True)
            assert aggregate.totals[row.name][variant] == [sum(column) for column in columns]
            if row.has_ratio:
                assert aggregate.ratios[row.name][variant] == ratios[variant]
            n = len(sample[variant])
            mean = sum(sample[variant], Fraction(0)) / n
            m2 = sum(((value - mean) ** 2 for value in sample[variant]), Fraction(0))
            moments = aggregate.classic[row.name][variant]
            assert (moments.n, moments.mean, moments.m2) == pytest.approx((n, float(mean), float(m2)), rel=1e-9)


@pytest.mark.parametrize("outputs", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_state_after_random_updates_equals_exact_fractions(outputs: int) -> None:
    """Users' integer sums, totals and ratios exactly; the classic moments to 1e-9."""
    aggregate = Aggregate(STUDY, MEASURES)
    users: Users = {}
    values: Values = {}
    chance = random.Random(13)
    for part in (outputs // 2, 1, 0, outputs - outputs // 2 - 1):  # however the outputs are cut
        _listen(chance, aggregate, users, values, part)
        aggregate.flush()
    assert min(aggregate.included) > 200
    _check(aggregate, users, values)
    _check_exposed(aggregate, users)
