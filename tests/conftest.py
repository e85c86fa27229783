"""Fixtures for all tests: real servers, started once a session, and a quick profile for Hypothesis."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, settings

from livelift.names import current_run_key
from local.servers import LocalServers, local_servers
from tests.support.tools import tool

settings.register_profile("livelift", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("livelift")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """A real Kafka and a real Redis, shared: each test uses topics and keys of its own run."""
    with local_servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture(autouse=True)
def _forget_named_runs(request: pytest.FixtureRequest) -> Iterator[None]:
    """A run that a test named would stay the current one: run ids are times, and names sort after them."""
    yield
    if "servers" in request.fixturenames:
        shared: LocalServers = request.getfixturevalue("servers")
        with redis.Redis.from_url(shared.redis.admin_url) as client:
            current = client.get(current_run_key("lastfm"))
            if current is not None and not current[:1].isdigit():
                client.delete(current_run_key("lastfm"))


@pytest.fixture
def admin(servers: LocalServers) -> Iterator[Any]:
    """A client of the shared Redis that may do everything; its data are removed before and after the test."""
    client = redis.Redis.from_url(servers.redis.admin_url)
    client.flushall()
    yield client
    client.flushall()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty `.livelift` folder."""
    return tmp_path / ".livelift"


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus' own checker."""
    return tool("promtool")
