"""Power, detectable effects and scenarios: they agree with each other, and refuse what makes no sense."""

import pytest
from scipy.stats import binomtest

from livelift.event_time import DAY
from stats.decision import engine
from stats.estimates.power import days_remaining, days_to_boundary, detectable, power_of
from stats.estimates.scenario import Proportion, moved, new_level, times, total_gain
from tests.statistics.support import STUDY, Effects, tick


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_minimum_detectable_effect_is_found_with_its_power(power: float) -> None:
    effect = detectable(0.035, 2.17, power)
    assert power_of(effect, 0.035, 2.17) == pytest.approx(power)


@pytest.mark.parametrize(("time", "days"), [(-DAY, 62), (0, 61), (1, 61), (60 * DAY, 1), (61 * DAY, 0), (99 * DAY, 0)])
def test_a_day_that_has_begun_still_remains(time: int, days: int) -> None:
    assert days_remaining(time, 61 * DAY) == days


def test_ten_sessions_a_user_scale_to_ten_million_users() -> None:
    """For ten million users they are a hundred million sessions."""
    gain = total_gain(49.9, 59.8 / 49.9 - 1, None, 10_000_000)
    assert gain.middle == pytest.approx(99_000_000) and gain.low is None and gain.high is None


def test_a_share_goes_to_a_level_and_never_adds_up() -> None:
    level = new_level(0.40, 0.05, (0.01, 0.09))
    assert (level.low, level.middle, level.high) == pytest.approx((0.404, 0.42, 0.436))


def test_half_of_the_users_move_by_half_of_the_difference() -> None:
    """12.4 % and 8.2 %: 2.1 points, 210,000 users of ten million."""
    outcome = moved(Proportion(1_240, 10_000), Proportion(820, 10_000), 0.5)
    assert outcome.middle == pytest.approx(0.021)
    assert outcome.low is not None and outcome.high is not None
    assert outcome.low < 0.021 < outcome.high
    assert times(outcome, 10_000_000).middle == pytest.approx(210_000)
    assert times(total_gain(1.0, 0.1, None, 10), 2.0).low is None


@pytest.mark.parametrize(
    ("there", "others"), [((9, 10), (3, 10)), ((10, 10), (0, 20)), ((5, 56), (0, 29)), ((0, 10), (0, 10))]
)
def test_the_difference_of_shares_has_scipys_bounds(there: tuple[int, int], others: tuple[int, int]) -> None:
    """Each share's score interval is scipy's; the bounds are made of them as by Newcombe, and lie within [-1, 1]."""
    one, other = Proportion(*there), Proportion(*others)
    for part in (one, other):
        theirs = binomtest(part.count, part.users).proportion_ci(0.95, "wilson")
        assert part.wilson(1.959963984540054) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    outcome = moved(one, other, 1.0)
    assert outcome.low is not None and outcome.high is not None
    assert -1 <= outcome.low <= outcome.middle <= outcome.high <= 1


@pytest.mark.parametrize(
    "wrong", [(Proportion(1, 2), Proportion(1, 2), 1.5), (Proportion(0, 0), Proportion(1, 2), 0.5)]
)
def test_a_scenario_without_users_is_refused(wrong: tuple[Proportion, Proportion, float]) -> None:
    with pytest.raises(ValueError, match="users"):
        moved(*wrong)


def test_a_negative_population_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        total_gain(1.0, 0.1, None, -1)


def test_an_estimate_that_stays_reaches_the_boundary_in_time() -> None:
    """Z grows as √(k/look): from 2.0 at look 10 to 2.5 at look 16, the first whose constant it reaches."""
    limits = (9.0,) * 15 + (2.5,) + (2.4,) * 4
    assert days_to_boundary(2.0, 0.2, limits, 10, planned=0.01) == 6
    assert days_to_boundary(1.97, 0.2, limits, 10, planned=0.01) == 7  # 2.5 at look 16.1: look 17
    assert days_to_boundary(9.5, 0.2, limits, 10, planned=0.01) == 0


def test_precision_does_not_grow_beyond_the_plan() -> None:
    limits = (9.0,) * 19 + (2.5,)
    assert days_to_boundary(2.0, 0.2, limits, 10, planned=0.01) == 10
    assert days_to_boundary(2.0, 0.2, limits, 10, planned=0.19) is None


@pytest.mark.parametrize("toward", [0.1, -0.12])
def test_the_days_to_the_boundary_are_in_the_verdict(toward: float) -> None:
    state = engine.initial(STUDY)
    state, early = engine.step(state, tick(0, Effects(toward)), STUDY)
    assert early.planning.days_to_boundary is None  # before the first look
    found = []
    for day in (5, 10, 61):
        state, verdict = engine.step(state, tick(day, Effects(toward)), STUDY)
        found.append(verdict.planning.days_to_boundary)
    first, second, last = found
    assert first is not None and second is not None and 0 < second < first <= 56 and last == 0


def test_no_lift_is_called_enough_before_a_crossing_is_possible() -> None:
    """2,000 draws: the error released by look 25 is less than one of them, at look 26 it is one."""
    needed = {}
    for day in (5, 25, 26, 61):
        state, verdict = engine.step(engine.initial(STUDY), tick(day, Effects(0.8)), STUDY)
        needed[day] = verdict.planning.needed_lift
        assert (state.ship.crossed_at is not None) == (day >= 26)
    assert needed[5] is needed[25] is None
    assert needed[26] is not None and needed[61] is not None and needed[61] < needed[26]


def test_days_to_the_boundary_wait_for_a_look_that_can_cross() -> None:
    """Looks at which nothing could cross yet are not counted on."""
    _, verdict = engine.step(engine.initial(STUDY), tick(10, Effects(0.8)), STUDY)
    assert verdict.planning.days_to_boundary == 16
