"""Totals kept beside the bucket sums for previews: exact for any number of users."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from livelift.errors import StateError
from livelift.output_log import ClosedSession
from livelift.sessions import session_measures
from livelift.totals import total_columns
from stats.decision import engine
from stats.estimates.estimates import estimate_of, totals_of
from stats.sums.aggregate import Aggregate
from tests.statistics.support import STUDY, tick
from tests.statistics.test_speed import run_of

START = STUDY.experiment.start_ms


def test_the_totals_are_the_sums_over_the_buckets() -> None:
    state = run_of(300)
    everything, totals = state.sums(STUDY.experiment.start_ms), state.totals()
    for name in STUDY.metrics:
        assert np.array_equal(everything.users[name].sum(axis=1), totals.users[name].sum(axis=1))
        assert totals.users[name][..., 0].sum() > 0 or STUDY.metrics[name].retention is not None


def test_totals_are_made_anew_from_stored_rows() -> None:
    kept = run_of(50).aggregate
    kept.flush()
    again = Aggregate(STUDY, session_measures(STUDY).names)
    for _ in range(2):  # a row that is loaded twice counts once
        for row in kept.packed_rows():
            again.load_row(*row)
    assert np.array_equal(again.rows, kept.rows)
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
    estimate = estimate_of(*totals_of(totals)["artist_diversity"], STUDY)
    # Each arm: variance 1e12 over a mean of 3e6, squared, over the users.
    assert estimate.log_lift == 0.0 and estimate.variance == pytest.approx(2 * (1e12 / 9e12) / users, rel=1e-6)


@pytest.mark.parametrize("scale", [1, 10, 100])
def test_a_lift_of_millions_of_users_ships_with_any_size_of_sums(scale: int) -> None:
    """921,600 users an arm and more, +4 % in millionths: Σy² of all is 1e19 and more, an int64 ends at 9.2e18."""
    study = msgspec.structs.replace(STUDY, decision=msgspec.structs.replace(STUDY.decision, primary="artist_diversity"))
    users, buckets = 900 * scale, study.statistics.buckets
    sums = tick(61, study=study)
    primary = np.zeros((2, buckets, 6), dtype=np.int64)
    for arm, mean in enumerate((3_000_000, 3_120_000)):
        primary[arm, :, 0] = users
        primary[arm, :, 1] = users * mean
        primary[arm, :, 2] = users * (mean * mean + 10**12)  # a standard deviation of 1 artist
    many = users * buckets
    sums = replace(sums, exposed=(many, many), included=(many, many), users=sums.users | {"artist_diversity": primary})
    _, verdict = engine.step(engine.initial(study), sums, study)
    assert int(sum(int(row) for row in primary[0, :, 2])) > 2**62
    assert verdict.decision == "ship", verdict.summary
    assert verdict.primary.lift == pytest.approx(0.04) and verdict.primary.z is not None and verdict.primary.z > 50
    assert verdict.primary.difference is not None and verdict.primary.difference.difference == pytest.approx(0.12)


@pytest.mark.parametrize(("seconds", "users"), [(10**10, 1), (1_600_000_000, 9)])
def test_a_sum_that_does_not_fit_is_an_error_and_no_wrong_number(seconds: int, users: int) -> None:
    """One user's seconds whose square leaves an int64; nine users of one bucket whose squares together do."""
    aggregate = Aggregate(STUDY, session_measures(STUDY).names)
    aggregate._bucket_of = {f"user_{user}": 0 for user in range(users)}
    for user in range(users):
        sums = (3 * seconds // 10, 3, 0, 3)
        columns = total_columns(STUDY, session_measures(STUDY).names)
        totals = (3, *columns.add(columns.zero, sums)[1:])
        aggregate.apply(
            ClosedSession(2, START, f"user_{user}", 0, START, START, True, (sums[0], 1, 0, 1), totals, None)
        )
    with pytest.raises(StateError, match="exactly"):
        aggregate.flush()
