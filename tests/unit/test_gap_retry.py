"""Offset gaps: many stale messages at once are tolerated, a long gap is an error."""

from livelift.sessions import session_measures
from livelift.study import load_study
from processor.app import _behind
from processor.gap_retry import MOST_SECONDS, GapRetry
from processor.windows import new_partition

STUDY = load_study("lastfm")


def test_any_number_of_stale_messages_in_a_moment_is_waited_out() -> None:
    gap_retry = GapRetry()
    assert all(gap_retry.lasts(3, 100.0 + i / 1000) for i in range(500))


def test_events_are_missing_when_nothing_fits_for_long() -> None:
    """What fits renews the gap_retry of its partition."""
    gap_retry = GapRetry()
    assert all(gap_retry.lasts(0, float(second)) for second in range(MOST_SECONDS))
    gap_retry.renewed(0)
    assert all(gap_retry.lasts(0, 100.0 + second) for second in range(MOST_SECONDS))
    assert not gap_retry.lasts(0, 100.0 + MOST_SECONDS)
    assert gap_retry.lasts(1, 100.0)  # another partition has its own


def test_a_rebalance_within_a_batch_leaves_nothing_to_compare() -> None:
    """With no partition to compare with, nothing is behind."""
    partition = new_partition(STUDY, session_measures(STUDY))
    partition.watermark = 5_000
    assert _behind({}, partition) == 0
    ahead = new_partition(STUDY, session_measures(STUDY))
    ahead.watermark = 7_000
    assert _behind({1: ahead}, partition) == 2_000
    assert _behind({1: partition}, ahead) == 0
