"""Correction for early stopping: below the observed lift, never 0 without a reason, nearer to the truth."""

from itertools import pairwise

import numpy as np
import pytest

from stats.sequential.boundaries import Spending, calendar, constants, harm_spending, obrien_fleming
from stats.sequential.stopping import corrected, expected_excess

LOOKS = 20
TIMES = calendar(LOOKS, LOOKS)
LIMITS = constants(TIMES, 0.025, obrien_fleming)


def crossings(drift: float, paths: int = 40_000, seed: int = 5) -> np.ndarray:
    """B/t at the first look beyond the boundary, of the paths that cross, with the look: (crossings, 2)."""
    random = np.random.default_rng(seed)
    times = np.array(TIMES)
    steps = drift / LOOKS + random.standard_normal((paths, LOOKS)) / np.sqrt(LOOKS)
    b = steps.cumsum(axis=1)
    beyond = b > np.array(LIMITS) * np.sqrt(times)
    which = np.flatnonzero(beyond.any(axis=1))
    look = beyond[which].argmax(axis=1)
    return np.column_stack([b[which, look] / times[look], look + 1])


@pytest.mark.parametrize("drift", [0.0, 1.5, 3.0, 5.0, 9.0, 15.0, 30.0])
def test_the_expected_excess_is_that_of_simulated_paths(drift: float) -> None:
    found = crossings(drift)[:, 0]
    error = found.std() / np.sqrt(found.size)
    assert expected_excess(drift, TIMES, LIMITS) == pytest.approx(found.mean() - drift, abs=4 * error)


@pytest.mark.parametrize("look", [8, 14, 20])
def test_it_rises_with_the_estimate_and_lies_below_it(look: int) -> None:
    z = np.linspace(LIMITS[look - 1], 9.0, 25)
    found = [corrected(value * 0.03, 0.03, TIMES, LIMITS, look) for value in z]
    assert all(a < b for a, b in pairwise(found))
    assert all(0 < value <= estimate * 0.03 for value, estimate in zip(found, z, strict=True))
    assert found[-1] == pytest.approx(9.0 * 0.03, rel=0.05)


@pytest.mark.parametrize("drift", [1.5, 2.0, 2.5, 3.0])
def test_on_average_it_halves_the_excess_at_least(drift: float) -> None:
    found = crossings(drift)[:1000]
    fixed = [corrected(value, 1 / np.sqrt(TIMES[int(look) - 1]), TIMES, LIMITS, int(look)) for value, look in found]
    assert abs(np.mean(fixed) - drift) < 0.75 * (found[:, 0].mean() - drift)


@pytest.mark.parametrize("spending", [obrien_fleming, harm_spending])
@pytest.mark.parametrize("z", [7.0, 9.0, 15.0, 25.0, 100.0])
def test_a_strong_result_is_hardly_corrected(z: float, spending: Spending) -> None:
    """At the first look that can cross, with looks before it that could not: nobody has been selected by the crossing."""
    times = calendar(61, 61)
    late = tuple(limit if look >= 26 else np.inf for look, limit in enumerate(constants(times, 0.025, spending), 1))
    assert 0.99 * z * 0.05 < corrected(z * 0.05, 0.05, times, late, 26) <= z * 0.05


def test_looks_that_could_not_cross_are_no_looks_that_did_not() -> None:
    """A study that can first be read late and crosses at once had no chance before: less is corrected."""
    late = tuple(limit if look >= 14 else np.inf for look, limit in enumerate(LIMITS, 1))
    assert corrected(0.15, 0.03, TIMES, late, 14) > corrected(0.08, 0.03, TIMES, late, 14) > 0
    assert expected_excess(4.0, TIMES, late) < expected_excess(4.0, TIMES, LIMITS)
