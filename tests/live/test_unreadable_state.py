"""An unreadable state record ends the processor with a message, where Faust would log a warning and wait."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from broker.record_batches import RecordBatches
from livelift.errors import StateError, VersionError
from livelift.names import RunNames
from livelift.study import load_study
from local.run_folder import Run, RunFolder
from local.servers import LocalServers
from local.stations import Stations
from processor.changelog import KeyValue
from processor.topics import prepare_topics
from processor.user_state import SCHEMA
from producer.topics import create_topics

STUDY = load_study("lastfm")
TOKEN = b"12345678"
UNREADABLE: dict[str, tuple[KeyValue, int, str]] = {
    "another schema": ((TOKEN + b"user", msgspec.msgpack.encode([9, 5])), VersionError.exit_code, "has schema 9"),
    "no MessagePack": ((TOKEN + b"user", b"\xc1 hello"), StateError.exit_code, "is no record of state"),
    "half a user": (
        (TOKEN + b"user", msgspec.msgpack.encode([SCHEMA, 5])),
        StateError.exit_code,
        "is no record of state",
    ),
    "half a partition": ((TOKEN, msgspec.msgpack.encode([SCHEMA, "5"])), StateError.exit_code, "is no record of state"),
    "no token": ((b"user", b"x"), StateError.exit_code, "writer's token"),
}
"""Record, exit code, words."""


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("store", ["memory", pytest.param("rocksdict", marks=pytest.mark.slow)])
def test_an_unreadable_state_record_ends_the_processor_in_words(
    name: str, store: str, servers: LocalServers, folder: Path
) -> None:
    record, code, words = UNREADABLE[name]
    kafka = servers.kafka.address
    run = Run.new(study="lastfm", fingerprint=STUDY.fingerprint, data="none", partitions=1)
    names = RunNames("lastfm", run.run)
    create_topics(kafka, names, 1)
    prepare_topics(kafka, names, 10)

    async def write() -> None:
        batches = await RecordBatches.started(kafka)
        await batches.send(names.changelog, 0, batches.pack(names.changelog, [record]))
        await batches.stop()

    asyncio.run(write())
    stations = Stations(RunFolder(folder), run, kafka, servers.redis.url)
    try:
        child = stations.start("processor", LIVELIFT_STORE=store)
        deadline = time.monotonic() + 45
        while child.poll() is None:
            assert time.monotonic() < deadline, "it waits for ever"
            time.sleep(0.1)
        assert child.poll() == code, child.tail(5)
        assert words in child.tail(5)
    finally:
        stations.stop()
