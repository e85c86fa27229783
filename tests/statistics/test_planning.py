"""Power, detectable effects and scenarios: they agree with each other, and refuse what makes no sense."""

import pytest

from livelift.event_time import DAY
from stats.power import days_remaining, minimum_detectable_effect, needed_lift, power_of
from stats.scenario import Scenario, lift_on, return_on_cost, rollout


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_minimum_detectable_effect_is_found_with_its_power(power: float) -> None:
    effect = minimum_detectable_effect(0.035, 2.17, power)
    assert power_of(effect, 0.035, 2.17) == pytest.approx(power)


def test_half_the_time_a_lift_at_the_boundary_crosses_it() -> None:
    assert power_of(needed_lift(0.035, 2.17), 0.035, 2.17) == pytest.approx(0.5)


def test_a_thousand_users_need_about_seven_per_cent() -> None:
    assert needed_lift(0.035, 1.96) == pytest.approx(0.07, abs=0.005)


@pytest.mark.parametrize(("time", "days"), [(-DAY, 62), (0, 61), (1, 61), (60 * DAY, 1), (61 * DAY, 0), (99 * DAY, 0)])
def test_a_day_that_has_begun_still_remains(time: int, days: int) -> None:
    assert days_remaining(time, 61 * DAY) == days


def test_ten_sessions_a_user_are_a_hundred_million_for_ten_million_users() -> None:
    assert rollout(59.8 - 49.9, None, 10_000_000).middle == pytest.approx(99_000_000)
    assert rollout(10.0, None, 10_000_000) == Scenario(100_000_000.0, None, None)


def test_half_of_the_users_moved_is_half_of_the_difference() -> None:
    moved = rollout(0.042, (0.02, 0.06), population=1.0, share=0.5)
    assert (moved.low, moved.middle, moved.high) == pytest.approx((0.01, 0.021, 0.03))


def test_the_interval_goes_through_to_the_return_on_cost() -> None:
    scenario = lift_on(45.0, 0.10, (0.02, 0.18), 1000)
    earned = return_on_cost(scenario, value_per_unit=2.0, cost=1000.0)
    assert (earned.low, earned.middle, earned.high) == pytest.approx((1.8, 9.0, 16.2))


@pytest.mark.parametrize(("population", "share"), [(-1, 1.0), (10, 1.5), (10, -0.1)])
def test_an_impossible_population_is_refused(population: float, share: float) -> None:
    with pytest.raises(ValueError, match="within"):
        rollout(1.0, None, population, share)


def test_a_cost_of_nothing_has_no_return() -> None:
    with pytest.raises(ValueError, match="positive"):
        return_on_cost(Scenario(1.0, None, None), 1.0, 0.0)
