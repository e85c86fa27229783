"""Starts one worker: settings, topics, then Faust until a signal."""

import logging
import sys
from functools import partial

import faust
import uvloop

from broker.view import BrokerView
from exporter.server import serve
from livelift import logs, settings
from livelift.errors import LiveliftError
from livelift.names import RunNames
from livelift.study import load_study
from livelift.watchdog import Watchdog, standstill_seconds
from processor.app import TABLE, build_app
from processor.prometheus_edge import ProcessorMetrics
from processor.settings import CHECKPOINT_SECONDS, FETCH_RECORDS, SESSION_TIMEOUT, ProcessorSettings
from processor.states import NewStates, StatesInMemory
from processor.topics import prepare_topics
from processor.watched import Watched, standing

TOPIC_WAIT_SECONDS = 60.0


def run_worker(kafka: str, study_text: str, run: str, metrics_at: str | None) -> None:
    """Run a worker until SIGTERM or SIGINT; does not return.

    `study_text` is a study's name or folder, `metrics_at` as `exporter.server.serve` takes it.
    """
    study = load_study(study_text)
    metrics = ProcessorMetrics(study.name)
    serve(metrics.instruments, metrics_at, settings.METRICS_PORTS["processor"])
    wait = settings.number(settings.TOPIC_WAIT_SECONDS, TOPIC_WAIT_SECONDS)
    partitions = prepare_topics(kafka, RunNames(study.name, run), wait)
    config = ProcessorSettings(
        kafka=kafka,
        study=study.name,
        run=run,
        partitions=partitions,
        data_folder=settings.folder() / "runs" / run,
        fetch_records=int(settings.number(settings.FETCH_RECORDS, FETCH_RECORDS)),
        session_timeout=settings.number(settings.SESSION_TIMEOUT, SESSION_TIMEOUT),
        checkpoint_seconds=settings.number(settings.CHECKPOINT_SECONDS, CHECKPOINT_SECONDS),
        store=settings.choice(settings.STORE, settings.STORES),
        standstill_seconds=standstill_seconds(),
    )
    config.data_folder.mkdir(parents=True, exist_ok=True)
    uvloop.install()  # for Faust's loop and its consumer's
    app = build_app(config, study, metrics, where_states_are_kept(config))
    watched = Watched(config.names, partial(standing, app, TABLE, config.names.events), BrokerView(kafka))
    worker = faust.Worker(app, loglevel="INFO", override_logging=False, redirect_stdouts=False, quiet=True)
    with Watchdog("processor", watched, config.standstill_seconds, app.loop):
        worker.execute_from_commandline()


def where_states_are_kept(config: ProcessorSettings) -> NewStates:
    """Makes the place for a partition's users."""
    if config.store == "memory":
        return lambda _: StatesInMemory()
    from processor.states_on_disk import StatesOnDisk, make_room  # only here is RocksDB needed

    folder = make_room(settings.folder())
    return lambda partition: StatesOnDisk(folder / str(partition))


def main() -> None:
    """`python -m processor`."""
    logs.set_up("processor")
    try:
        run_worker(
            settings.setting(settings.KAFKA),
            settings.setting(settings.STUDY),
            settings.setting(settings.RUN),
            settings.metrics_address(),
        )
    except LiveliftError as error:
        logging.getLogger("livelift.processor").critical("%s", error)
        sys.exit(error.exit_code)
