"""The producer's workflow: prepare the input, create the topics, replay from where the partitions ended."""

import asyncio
from dataclasses import replace
from pathlib import Path

import structlog

from livelift.event_time import to_iso
from livelift.events import Manifest
from livelift.freed_memory import keep_freed_memory
from livelift.study import Study, load_study
from producer.cache import Prepared
from producer.kafka_edge import EventWriter
from producer.prepare import prepare
from producer.replay import Replay, dead_letters
from producer.report import Report, Reporter, Stopped, never, silent
from producer.resume import read_keys, read_resume
from producer.sample_data import find_or_generate
from producer.settings import ProducerSettings
from producer.sources import Selection
from producer.topics import create_topics

log = structlog.get_logger("producer")

DEAD_LETTER_PARTITION = 0


def run_producer(config: ProducerSettings, report: Reporter = silent, stopped: Stopped = never) -> Manifest:
    """Replay the input into the run's topics; started again, it goes on where it was.

    Raises
    ------
    LiveliftError
        If the input, the topics or Kafka cannot be used.
    Interrupted
        If `stopped` says so while preparing.
    """
    keep_freed_memory()
    study = load_study(config.study)
    config = replace(config, study=study.name)
    selection = Selection(config.select_from, config.select_to)
    data = config.data if config.generated is None else _data_or_sample(config, config.generated, study, stopped)
    prepared = prepare(study, data, config.cache, selection, report, stopped)
    create_topics(config.kafka, config.names, config.partitions)
    done = asyncio.run(_send(config, prepared, report, stopped))
    manifest = prepared.manifest
    log.info(
        "replay complete" if done else "replay stopped",
        sent=manifest.accepted,
        rejected=sum(manifest.rejected.values()),
        duplicates=manifest.duplicates,
        last_event=to_iso(manifest.last),
    )
    return manifest


def _data_or_sample(config: ProducerSettings, generated: Path, study: Study, stopped: Stopped) -> Path:
    return find_or_generate(config.data, study, generated, log.info, config.generate_events, stopped)


async def _send(config: ProducerSettings, prepared: Prepared, report: Reporter, stopped: Stopped) -> bool:
    names = config.names
    resume = read_resume(config.kafka, names.events, config.partitions, prepared)
    replay = Replay(prepared, resume, config.speed, report, stopped)
    if any(point.started for point in resume):
        log.info("replay goes on", row=replay.resumes_at, of=prepared.manifest.accepted)
    else:
        await _send_dead_letters(config, prepared)
    manifest = prepared.manifest
    rejected = sum(manifest.rejected.values())
    report(Report("sending", replay.resumes_at, manifest.accepted, rejected=rejected, manifest=manifest))
    writer = await EventWriter.connected(config.kafka, names.events, config.partitions, stopped)
    try:
        return await replay.run(writer)
    finally:
        await writer.close()


async def _send_dead_letters(config: ProducerSettings, prepared: Prepared) -> None:
    """Rejected rows, all to one partition and before the first start mark: what is there is known by its keys."""
    topic = config.names.dead_letters
    there = read_keys(config.kafka, topic, DEAD_LETTER_PARTITION)
    writer = await EventWriter.connected(config.kafka, topic, config.partitions)
    try:
        for key, value in dead_letters(prepared):
            if key not in there:
                writer.append(DEAD_LETTER_PARTITION, key, value, prepared.manifest.last)
        await writer.flush()
        await writer.acknowledged()
    finally:
        await writer.close()
