"""Every example in the docstrings of the pure statistics runs as printed."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "boundaries", "classic", "decision", "distributions", "flips", "guarantee", "guardrails", "mixture", "moments",
    "power", "ratio", "sample_ratio", "scenario", "user_means",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run_as_printed(module: str) -> None:
    found = doctest.testmod(import_module(f"stats.{module}"))
    assert found.attempted > 0 and found.failed == 0
