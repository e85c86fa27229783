"""Starts the producer station: replays one input with settings from the environment."""

import signal
import sys
import threading
import time

import structlog

from exporter.server import serve
from livelift import logs, settings
from livelift.errors import LiveliftError
from livelift.event_time import to_iso
from livelift.study import load_study
from producer.app import run_producer
from producer.prometheus_edge import ProducerMetrics
from producer.report import NOT_COMPLETE, Interrupted, Report
from producer.settings import from_environment

log = structlog.get_logger("producer")

SAY_SECONDS = 2.0


class LoggedProgress:
    """A reporter that logs a line every few seconds."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, report: Report) -> None:
        now = time.monotonic()
        if now - self._said >= SAY_SECONDS:
            self._said = now
            event_time = None if report.event_time is None else to_iso(report.event_time)
            log.info(report.phase, done=report.done, total=report.total, event_time=event_time)


def main() -> None:
    """`python -m producer`."""
    logs.set_up("producer")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        config = from_environment()
        metrics = ProducerMetrics(load_study(config.study).name, config.speed)
        serve(metrics.instruments, settings.metrics_address(), settings.METRICS_PORTS["producer"])
        logged = LoggedProgress()

        def reporter(report: Report) -> None:
            metrics(report)
            logged(report)

        run_producer(config, reporter, stopped.is_set)
        metrics.complete()
        if stopped.is_set():
            sys.exit(NOT_COMPLETE)
    except LiveliftError as error:
        log.critical(str(error))
        sys.exit(error.exit_code)
    except Interrupted:
        log.info("stopped before the replay began")
        sys.exit(NOT_COMPLETE)
