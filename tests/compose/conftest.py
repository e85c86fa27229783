"""The servers of docker-compose.yml, started once for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.compose.servers import ComposeKafka, ComposeRedis


@pytest.fixture(scope="session")
def compose_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeKafka]:
    with ComposeKafka(tmp_path_factory.mktemp("compose") / "kafka") as server:
        yield server


@pytest.fixture(scope="session")
def compose_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeRedis]:
    with ComposeRedis(tmp_path_factory.mktemp("compose") / "redis") as server:
        yield server
