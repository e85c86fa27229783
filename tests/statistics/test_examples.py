"""Every example in the docstrings of the pure statistics runs as printed."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "checks.guardrails", "checks.sample_ratio", "decision.decision", "estimates.classic", "estimates.distributions",
    "estimates.mixture", "estimates.power", "estimates.ratio", "estimates.scenario", "estimates.user_means",
    "sequential.boundaries", "sequential.rerandomisation", "sums.moments", "words.guarantee",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run_as_printed(module: str) -> None:
    found = doctest.testmod(import_module(f"stats.{module}"))
    assert found.attempted > 0 and found.failed == 0
