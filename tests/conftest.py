"""Fixtures for all tests: real servers, started once a session, and a quick profile for Hypothesis."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from local.servers import LocalServers, local_servers
from tests.support.tools import tool

settings.register_profile("livelift", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("livelift")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """A real Kafka and a real Redis, shared: each test uses topics and keys of its own run."""
    with local_servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty `.livelift` folder."""
    return tmp_path / ".livelift"


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus' own checker."""
    return tool("promtool")
