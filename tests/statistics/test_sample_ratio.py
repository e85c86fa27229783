"""Sample-ratio test: no alarm when the split is as promised, an alarm when it is not."""

import numpy as np
import pytest

from stats.checks.sample_ratio import fixed_p, sequential_p


def test_a_kept_split_alarms_in_at_most_one_per_cent() -> None:
    """400 experiments of 1,000 users: 12 alarms would have probability 0.001 at a rate of 0.01."""
    random = np.random.default_rng(6)
    alarms = 0
    for _ in range(400):
        treated = np.cumsum(random.random(1000) < 0.5)
        steps = range(4, 1000, 15)
        alarms += any(
            sequential_p([at + 1 - int(treated[at]), int(treated[at])], [0.5, 0.5], 100) <= 0.01 for at in steps
        )
    assert alarms < 12


@pytest.mark.parametrize(
    ("counts", "alarm"), [((500, 500), False), ((540, 460), False), ((580, 420), True), ((400, 600), True)]
)
def test_a_thousand_users_show_a_split_of_58_to_42(counts: tuple[int, int], alarm: bool) -> None:
    assert (sequential_p(counts, [0.5, 0.5], 100) <= 0.01) == alarm


def test_the_usual_concentration_would_see_nothing_at_this_size() -> None:
    assert sequential_p([560, 440], [0.5, 0.5], 10_000) > 10 * sequential_p([560, 440], [0.5, 0.5], 100)


def test_other_splits_are_judged_against_what_was_promised() -> None:
    assert sequential_p([900, 100], [0.9, 0.1], 100) == 1.0
    assert sequential_p([900, 100], [0.5, 0.5], 100) < 1e-100


def test_a_flood_of_evidence_is_a_tiny_p_and_no_overflow() -> None:
    assert 0 < sequential_p([10_000_000, 1], [0.5, 0.5], 100) < 1e-300


@pytest.mark.parametrize(
    ("counts", "shares"), [([1], [0.5, 0.5]), ([1, 1], [1.0, 0.0]), ([1, 1], [0.5, 0.6]), ([-1, 1], [0.5, 0.5])]
)
def test_counts_and_shares_that_do_not_fit_are_refused(counts: list[int], shares: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot be judged"):
        sequential_p(counts, shares, 100)


def test_nobody_has_no_fixed_p() -> None:
    assert fixed_p([0, 0], [0.5, 0.5]) is None
