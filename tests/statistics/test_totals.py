"""Totals kept beside the buckets: what a preview reads, exact and for any number of users."""

import numpy as np
import pytest

from livelift.sessions import session_measures
from stats.aggregate import PARTS, Aggregate
from stats.readings import estimate_metrics
from tests.statistics.support import STUDY
from tests.statistics.test_speed import run_of


def test_the_totals_are_the_sums_over_the_buckets() -> None:
    state = run_of(300)
    everything, totals = state.sums(STUDY.experiment.start_ms), state.totals()
    for name in STUDY.metrics:
        assert np.array_equal(everything.users[name].sum(axis=1), totals.users[name].sum(axis=1))
        assert totals.users[name][..., 0].sum() > 0 or STUDY.metrics[name].kind == "next_day_return"


def test_totals_are_made_anew_from_stored_rows() -> None:
    kept = run_of(50).aggregate
    again = Aggregate(STUDY, session_measures(STUDY).names)
    for _ in range(2):  # a row that is loaded twice counts once
        for name, arms in kept.users.items():
            for variant, rows in enumerate(arms):
                for bucket, row in enumerate(rows):
                    again.load_users(name, variant, bucket, list(row))
    assert again.totals == kept.totals
    assert any(any(row) for rows in again.totals.values() for row in rows)


def test_sums_beyond_an_int64_are_no_wrong_variance() -> None:
    """Three million users with 3 ± 1 artists a session, in millionths: Σy² is 3e19, an int64 ends at 9.2e18."""
    state = run_of(0)
    users, low, high = 3_000_000, 2_000_000, 4_000_000
    half = users // 2
    row = [users, half * (low + high), half * (low * low + high * high), 0, 0, 0]
    for metric in STUDY.metrics:
        state.aggregate.totals[metric] = [list(row), list(row)]
    totals = state.totals()
    assert sum(int(part) for part in totals.users["artist_diversity"][0, :, 2]) == row[2] > 2**63
    assert totals.users["artist_diversity"].shape == (2, PARTS, 6)
    estimate = estimate_metrics(totals, STUDY)["artist_diversity"]
    # Each arm: variance 1e12 over a mean of 3e6, squared, over the users.
    assert estimate.log_lift == 0.0 and estimate.variance == pytest.approx(2 * (1e12 / 9e12) / users, rel=1e-6)
