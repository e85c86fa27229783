"""The Faust app: an agent over the events topic, and a table whose changelog holds the session state.

Per message (up to some thousand fetched records of a partition): apply them with the pure operator; `processor.writing`
writes the outputs to the output log and the dead letters, acknowledged, and only then the state that forgets them, if it
is time for that (promise P2.3). An error ends the process at once: the state is in Kafka, a restart goes on where it was.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import faust
from faust.types import TP

from broker.fetching import KafkaBatch, fetch_in_batches
from broker.record_batches import RecordBatches
from livelift import gc_tuning, output_log
from livelift.dead_letters import encode_letter, readable
from livelift.ending import end_with
from livelift.errors import StateError
from livelift.freed_memory import keep_freed_memory
from livelift.sessions import session_measures
from livelift.study import Study
from processor.changelog import KeyValue
from processor.checkpoint import Checkpoint
from processor.consumer import state_consumer
from processor.effects import DeadLetter, Effects
from processor.gap_retry import GapRetry
from processor.partition import Partition
from processor.patient_recovery import PatientTables
from processor.prometheus_edge import ProcessorMetrics
from processor.scheduler import batching_scheduler
from processor.settings import ProcessorSettings
from processor.stalled import Shortened, Stalled
from processor.states import NewStates
from processor.store import PartitionStore, register
from processor.writing import AppliedBatch, Writing

log = logging.getLogger("livelift.processor")

FETCH_BATCHES = 100
"""Kafka batches taken from the consumer at once, over all partitions; the producer's hold up to 5,000 events."""

FETCH_BYTES = 1 << 20
"""The most that a partition gives at once, compressed: some 15,000 events. They lie decoded in memory."""

TABLE = "state"
"""Faust's name of the table, which names its changelog (`RunNames.changelog`)."""

LOOK_SECONDS = 2.0
"""Between two looks for partitions that stand still."""


def build_app(settings: ProcessorSettings, study: Study, metrics: ProcessorMetrics, new_states: NewStates) -> faust.App:
    """The Faust application of one worker; run it with `faust.Worker` or `app.start()`."""
    names = settings.names
    fetch_in_batches()
    gc_tuning.raise_gc_threshold()
    keep_freed_memory()
    app = faust.App(
        names.application,
        broker=f"kafka://{settings.kafka}",
        datadir=str(settings.data_folder / "faust"),
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        table_standby_replicas=0,
        ConsumerScheduler=batching_scheduler(settings.fetch_records),
        stream_buffer_maxsize=4,  # counts merged messages
        stream_wait_empty=False,
        broker_commit_interval=1.0,
        broker_max_poll_records=FETCH_BATCHES,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 4,
        broker_request_timeout=max(30.0, 3 * settings.session_timeout),
        consumer_max_fetch_size=FETCH_BYTES,
        TableManager=PatientTables,
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
    store_url = register(
        study,
        session_measures(study),
        settings.partitions,
        metrics.recovered,
        _end,
        settings.checkpoint_seconds,
        new_states,
    )
    table = app.Table(TABLE, partitions=settings.partitions, key_type=bytes, value_type=bytes, store=store_url)
    transport: Any = app.transport
    transport.Consumer = state_consumer(partial(_next_offsets, table, names.events))

    async def process(stream: Any) -> None:
        try:
            batches = await RecordBatches.started(settings.kafka)
            try:
                await _process(app, stream, table, Writing(batches, names, _end), metrics)
            finally:
                await batches.stop()
        except Exception as error:  # Faust would restart the agent and acknowledge the message
            _end(error)

    app.agent(events)(process)
    app.timer(LOOK_SECONDS)(partial(_seek_stalled, app, table, names.events, Stalled(), Shortened()))
    return app


async def _seek_stalled(
    app: faust.App, table: Any, topic: str, stalled: Stalled, shortened: Shortened, *_: Any
) -> None:
    """Read on from the state where the consumer is ahead of it and nothing more arrives to show it; end where the topic
    has lost what the state holds."""
    partitions: Mapping[int, Partition] = dict(table.data.partitions)
    ends = {number: _highwater(app, topic, number) for number in partitions}
    as_of = {number: partition.as_of for number, partition in partitions.items()}
    for number in shortened.look(as_of, ends):
        _end(
            StateError(
                f"{topic} partition {number} ends at offset {ends[number]}, and its state was made of events up to "
                f"{as_of[number]}: the topic was made anew or cut",
                "start a new run: livelift reset, then livelift demo",
            )
        )
    for number in stalled.look(as_of, ends):
        await app.consumer.seek(TP(topic, number), partitions[number].as_of + 1)


def _next_offsets(table: Any, topic: str) -> dict[TP, int]:
    """Where reading goes on in each partition whose state is there."""
    store: PartitionStore = table.data
    return {TP(topic, number): partition.as_of + 1 for number, partition in store.partitions.items()}


def _highwater(app: faust.App, topic: str, partition: int) -> int | None:
    """The offset after a partition's last record, as of the last fetch; None where that is not known."""
    end: int | None = app.consumer.highwater(TP(topic, partition))
    return end


async def _process(app: faust.App, stream: Any, table: Any, writing: Writing, metrics: ProcessorMetrics) -> None:
    """The agent: applies each message, and has what it did written while the next one is applied.

    The state says where to read on, not what arrives: a message that waited in a buffer while its partition was assigned
    anew begins too late, and Faust acknowledges it without its having been applied.
    """
    gap_retry = GapRetry()
    async for event in stream.events():
        store: PartitionStore = table.data
        number = event.message.partition
        partition = store.partitions.get(number)
        if partition is None:
            continue  # given away while the message waited
        batches: list[KafkaBatch] = event.message.value
        if batches[0].first > partition.as_of + 1 and gap_retry.lasts(number, time.monotonic()):
            await app.consumer.seek(event.message.tp, partition.as_of + 1)
            continue  # from before the assignment: the state is the truth
        gap_retry.renewed(number)
        began = time.perf_counter()
        before = partition.as_of
        effects = partition.apply_batches(batches)
        _log_letters(number, effects)
        metrics.applied(
            partition.as_of - before, effects, _behind(store.partitions, partition), time.perf_counter() - began
        )
        await writing.write(number, _batch(number, partition, store.checkpoints[number], effects), metrics.written)


def _behind(partitions: Mapping[int, Partition], partition: Partition) -> int:
    """Event time by which the partition is behind the worker's furthest, ms."""
    furthest = max((other.watermark for other in partitions.values()), default=partition.watermark)
    return max(0, furthest - partition.watermark)  # none are left, or others are, when a rebalance came in between


def _batch(number: int, partition: Partition, checkpoint: Checkpoint, effects: Effects) -> AppliedBatch:
    """What the batch did, as records."""
    return AppliedBatch(
        outputs=((None, output_log.encode(output)) for output in effects.outputs),
        letters=_letters(number, effects),
        state=checkpoint.records(partition, time.monotonic()),
    )


def _letters(partition: int, effects: Effects) -> list[KeyValue]:
    """Dead letters as records; the key names the event, so that one written again is known again."""
    return [(f"{partition}:{letter.offset}".encode(), _letter(partition, letter)) for letter in effects.dead_letters]


def _letter(partition: int, letter: DeadLetter) -> bytes:
    return encode_letter(
        letter.reason,
        letter.row,
        letter.value or b"",
        partition=partition,
        offset=letter.offset,
        key=readable(letter.key or b""),
    )


def _log_letters(partition: int, effects: Effects) -> None:
    """One line a batch and reason: a topic full of strangers' records is not to fill the disk with lines."""
    for reason, number in Counter(letter.reason for letter in effects.dead_letters).items():
        first = next(letter.offset for letter in effects.dead_letters if letter.reason == reason)
        log.warning(
            "%d records of partition %d are dead letters (%s), the first at offset %d: livelift rejects",
            number, partition, reason, first,
        )  # fmt: skip


def _end(error: Exception) -> None:
    """Say what happened and end the process."""
    end_with(error, log)
