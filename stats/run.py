"""Starts the stats station: settings from the environment, then work until a signal."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

from broker.view import BrokerView
from exporter.server import serve
from livelift import gc_tuning, logs, settings
from livelift.errors import LiveliftError
from livelift.freed_memory import keep_freed_memory
from livelift.study import load_study
from livelift.watchdog import Watchdog, standstill_seconds
from stats.app import StatsStation
from stats.edges.history_page import PATH, HistoryPage
from stats.edges.prometheus_edge import StatsMetrics
from stats.edges.watched import Watched
from stats.settings import StatsSettings


def run_stats(
    config: StatsSettings, metrics_at: str | None, until_end: bool = False, stopped: Callable[[], bool] | None = None
) -> None:
    """Work until `stopped()` (default: until SIGTERM or SIGINT), or until the end of the stream if `until_end`; `metrics_at`
    as `exporter.server.serve` takes it."""
    gc_tuning.raise_gc_threshold()
    keep_freed_memory()
    study = load_study(config.study)
    config = replace(config, study=study.name)
    metrics = StatsMetrics(study)
    pages = {PATH: HistoryPage(config, study)}
    serve(metrics.instruments, metrics_at, settings.METRICS_PORTS["stats"], pages)
    station = StatsStation(config, study, metrics)
    watched = Watched(config.names.output, station.standing, BrokerView(config.kafka))
    with Watchdog("stats station", watched, standstill_seconds()):
        station.run(stopped or _signalled(), until_end)


def _signalled() -> Callable[[], bool]:
    """Was SIGTERM or SIGINT given from now on?"""
    signalled = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: signalled.set())
    return signalled.is_set


def main() -> None:
    """`python -m stats`."""
    logs.set_up("stats")
    try:
        run_stats(
            StatsSettings(
                kafka=settings.setting(settings.KAFKA),
                redis=settings.setting(settings.REDIS),
                study=settings.setting(settings.STUDY),
                run=settings.setting(settings.RUN),
            ),
            settings.metrics_address(),
        )
    except LiveliftError as error:
        logging.getLogger("livelift.stats").critical("%s", error)
        sys.exit(error.exit_code)
