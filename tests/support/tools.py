"""Finds programs that some tests need and that no wheel brings; says what to install where one is missing."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "chromium": "chromium",
    "docker-compose": "docker-compose",
    "javac": "default-jdk-headless",
    "mvn": "maven",
}
"""Program → Debian's package of it."""


def tool(name: str) -> Path:
    """The program `name` on the PATH; where it is `missing`, what to install is said."""
    found = shutil.which(name)
    if found is None:
        missing(f"{name} is not on the PATH: apt-get install {PACKAGES.get(name, name)}")
    return Path(found)


def missing(words: str) -> NoReturn:
    """What a test needs is not there: a failure where LIVELIFT_REQUIRE_TOOLS is set, as in CI, else a skip."""
    if os.environ.get("LIVELIFT_REQUIRE_TOOLS"):
        pytest.fail(words)
    pytest.skip(words)
