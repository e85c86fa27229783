"""Seeking while records are being fetched: Faust's consumer fetches in a thread of its own."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from broker.record_batches import RecordBatches
from local.servers import LocalServers

RECORDS = 200_000
A_BATCH = 5_000

PROGRAM = """
import asyncio, os, sys
import faust
from faust.types import TP
from broker.fetching import fetch_in_batches
from processor.consumer import StateConsumer
from processor.scheduler import batching_scheduler

kafka, data = sys.argv[1:]
fetch_in_batches()
app = faust.App("seeking", broker=f"kafka://{kafka}", datadir=data, topic_partitions=1, topic_disable_leader=True,
    consumer_auto_offset_reset="earliest", web_enabled=False, ConsumerScheduler=batching_scheduler(20_000),
    stream_wait_empty=False, broker_max_poll_records=100, consumer_max_fetch_size=1 << 20)
app.transport.Consumer = StateConsumer
topic = app.topic("sought", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
beginnings, last = 0, -1

@app.agent(topic)
async def read(stream):
    global beginnings, last
    async for event in stream.events():
        beginnings += event.message.value[0].first == 0
        last = event.message.value[-1].last

@app.task
async def seek():
    while beginnings == 0:
        await asyncio.sleep(0.01)
    while beginnings < 6:  # again and again: Faust itself forgets a seek that meets a message on its way
        await app.consumer.seek(TP("sought", 0), 0)
        await asyncio.sleep(0.02)
    while last != %d - 1:
        await asyncio.sleep(0.1)
    os._exit(0)

faust.Worker(app, loglevel="WARN").execute_from_commandline()
"""


@pytest.mark.slow
def test_a_consumer_may_be_sought_while_it_fetches(servers: LocalServers, tmp_path: Path) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers.kafka.address)
    admin.create_topics([NewTopic("sought", 1, 1)])
    admin.wait_for_topics(["sought"])
    admin.close()
    asyncio.run(_fill(servers.kafka.address))
    program = PROGRAM % RECORDS
    ended = subprocess.run(
        [sys.executable, "-c", program, servers.kafka.address, tmp_path], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


async def _fill(kafka: str) -> None:
    """Large batches: taking them from a fetch is then long enough for the other thread to come in between."""
    batches = await RecordBatches.started(kafka)
    try:
        for _ in range(0, RECORDS, A_BATCH):
            await batches.send("sought", 0, batches.pack("sought", [(b"u", b"x" * 50)] * A_BATCH))
    finally:
        await batches.stop()
