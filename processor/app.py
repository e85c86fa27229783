"""The Faust edge: a worker with an agent over the events topic and a table whose changelog holds the sessions.

Per message (all fetched records of a partition): fold them with the pure operator; write the outputs to the output log
and the dead letters, acknowledged; only then the state that forgets them (promise P2.3). An error ends the process at
once: the state is in Kafka, a restart goes on where it was.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from functools import partial
from typing import Any

import faust
import msgspec
from faust.types import TP

from livelift import output_log
from livelift.errors import LiveliftError
from livelift.names import RunNames
from livelift.sessions import session_measures
from livelift.study import Study
from processor.partition import DeadLetter, Effects
from processor.prometheus_edge import ProcessorMetrics
from processor.record_batches import RecordBatches
from processor.scheduler import BatchingScheduler
from processor.settings import ProcessorSettings
from processor.store import PartitionStore, register

log = logging.getLogger("livelift.processor")

MOST_SEEKS = 20
"""A partition that still begins too late after so many seeks lacks events: that is an error."""

_encode_letter = msgspec.json.Encoder().encode


def build_app(settings: ProcessorSettings, study: Study, metrics: ProcessorMetrics) -> faust.App:
    """The Faust application of one worker; run it with `faust.Worker` or `app.start()`."""
    names = settings.names
    app = faust.App(
        names.application,
        broker=f"kafka://{settings.kafka}",
        datadir=str(settings.data_folder / "faust"),
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        table_standby_replicas=0,
        ConsumerScheduler=BatchingScheduler,
        stream_buffer_maxsize=4,  # counts merged messages
        stream_wait_empty=False,
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.fetch_records,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 4,
        broker_request_timeout=max(30.0, 3 * settings.session_timeout),
        consumer_max_fetch_size=4 << 20,
    )
    events = app.topic(
        names.events,
        partitions=settings.partitions,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )
    metrics.ends = partial(_highwater, app, names.events)
    store_url = register(study, session_measures(study), metrics.recovered)
    table = app.Table("state", partitions=settings.partitions, key_type=bytes, value_type=bytes, store=store_url)

    async def process(stream: Any) -> None:
        try:
            batches = await RecordBatches.started(settings.kafka)
            try:
                await _process(app, stream, table, names, batches, metrics)
            finally:
                await batches.stop()
        except Exception as error:  # Faust would restart the agent and acknowledge the message
            _end(error)

    app.agent(events)(process)
    return app


def _highwater(app: faust.App, topic: str, partition: int) -> int | None:
    """The offset after a partition's last record, as of the last fetch."""
    end: int | None = app.consumer.highwater(TP(topic, partition))
    return end


async def _process(
    app: faust.App, stream: Any, table: Any, names: RunNames, batches: RecordBatches, metrics: ProcessorMetrics
) -> None:
    """The agent: for each message outputs first, then the state that forgets them.

    The group's committed offset only says where to begin reading. It can be ahead of the state: a message that waited in
    a buffer while its partition was assigned anew is acknowledged by Faust without having been applied.
    """
    seeks: Counter[int] = Counter()
    async for event in stream.events():
        store: PartitionStore = table.data
        if store.failure is not None:
            raise store.failure
        number = event.message.partition
        partition = store.partitions.get(number)
        if partition is None:
            continue  # given away while the message waited
        records = event.message.value
        if records[0].offset > partition.as_of + 1 and seeks[number] < MOST_SEEKS:
            seeks[number] += 1
            await app.consumer.seek(event.message.tp, partition.as_of + 1)
            continue  # the group's committed offset is ahead of the state: the state is the truth
        seeks[number] = 0
        writer = store.writers[number]
        began = time.perf_counter()
        effects = partition.apply(records)
        applied = time.perf_counter()
        await asyncio.gather(
            batches.write(names.output, number, ((None, output_log.encode(output)) for output in effects.outputs)),
            batches.write(names.dead_letters, number, _letters(number, effects)),
        )
        written = time.perf_counter()
        await batches.write(names.changelog, number, writer.records(partition, effects.touched.values()))
        kept = time.perf_counter()
        behind = max(other.watermark for other in store.partitions.values()) - partition.watermark
        metrics.batch(len(records), effects, behind, applied - began, written - applied, kept - written)


def _letters(partition: int, effects: Effects) -> list[tuple[bytes, bytes]]:
    """Dead letters as records; the key names the event, so that one written again is known again."""
    return [(f"{partition}:{letter.offset}".encode(), _letter(partition, letter)) for letter in effects.dead_letters]


def _letter(partition: int, letter: DeadLetter) -> bytes:
    return _encode_letter(
        {
            "v": 1,
            "reason": letter.reason,
            "row": letter.row,
            "partition": partition,
            "offset": letter.offset,
            "line": letter.value.decode("utf-8", "backslashreplace"),
        }
    )


def _end(error: Exception) -> None:
    """Say what happened and end the process."""
    if isinstance(error, LiveliftError):
        log.critical("%s", error)
    else:
        log.critical("the processor stops at an error", exc_info=error)
    logging.shutdown()
    os._exit(getattr(error, "exit_code", 1))
