"""Programs that some tests need and that no wheel brings."""

import os
import shutil
from pathlib import Path

import pytest

PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "chromium": "chromium",
    "docker-compose": "docker-compose",
}
"""Program → Debian's package of it."""


def tool(name: str) -> Path:
    """The program `name` on the PATH. Missing: a failure where LIVELIFT_REQUIRE_TOOLS is set, as in CI, else a skip that
    says what to install."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    words = f"{name} is not on the PATH: apt-get install {PACKAGES.get(name, name)}"
    if os.environ.get("LIVELIFT_REQUIRE_TOOLS"):
        pytest.fail(words)
    pytest.skip(words)
