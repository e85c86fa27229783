"""Programs that a test needs and the environment does not bring."""

import os
import shutil
from pathlib import Path

import pytest


def require_tool(name: str) -> Path:
    """The program `name`; without it the test is skipped with the reason, or fails where CI says that all must be there."""
    found = shutil.which(name)
    if found is None:
        missing = f"there is no program {name}: `apt-get install` it, as .ci/run does"
        if os.environ.get("LIVELIFT_REQUIRE_TOOLS"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(found)
