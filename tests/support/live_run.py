"""One run of the real stations on shared real servers, with injected faults, compared with the batch oracle."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from batch.document import batch_answer
from livelift.document import Document
from livelift.study import Study
from local.demo import DemoPlan, RunOfStations
from local.equality import differences, history_differences
from local.run_folder import RunFolder
from local.servers import LocalServers
from local.verdict_reader import read_history, read_tables
from stats.edges.redis_connection import Client, connect

LIMIT_SECONDS = 150.0


class LiveRun:
    """A run in progress; `document` is the newest."""

    def __init__(self, run: RunOfStations, limit_seconds: float = LIMIT_SECONDS) -> None:
        self.stations = run
        self._limit = limit_seconds
        self._deadline = time.monotonic() + limit_seconds

    def kill(self, station: str) -> None:
        """kill -9; the run's own supervision starts the station again. A producer may have finished its replay before."""
        child = self.stations.supervisor.children[station]
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
        else:
            assert station == "producer", f"{station} has ended by itself: {child.tail(5)}"

    def wait_for(self, reached: Callable[[Document], bool]) -> Document:
        """Look after the stations until a document satisfies `reached`."""
        while True:
            document = self.stations.document()
            if document is not None and reached(document):
                return document
            self.stations.supervisor.look_after()
            assert time.monotonic() < self._deadline, f"no such document in {self._limit} s; newest: {document}"
            time.sleep(0.05)

    def accepted(self, events: int) -> Document:
        """Wait until so many events are accounted for."""
        return self.wait_for(lambda document: document.input.accepted >= events)

    def end(self) -> Document:
        """Wait for the verdict at the end of the stream."""
        return self.wait_for(lambda document: not document.preview and document.progress.ended)


def live_run(
    servers: LocalServers,
    folder: Path,
    plan: DemoPlan,
    faults: Callable[[LiveRun], None] = lambda run: None,
) -> Document:
    """Replay `plan` on `servers`, do `faults` meanwhile; the final document."""
    with RunOfStations(RunFolder(folder), plan, servers.kafka.address, servers.redis.url) as run:
        live = LiveRun(run)
        faults(live)
        return live.end()


def assert_equals_batch(document: Document, data: Path, study: Study, servers: LocalServers) -> None:
    """Every number of the live document, and of every tick that `servers` keep of its run, is the batch's."""
    assert_kept_run_equals_batch(connect(servers.redis.url), document, data, study)


def assert_kept_run_equals_batch(client: Client, document: Document, data: Path, study: Study) -> None:
    """The same, with the history that `client` reads."""
    oracle = batch_answer(data, study)
    assert list(differences(document, oracle.document)) == []
    assert list(history_differences(read_history(client, study.name, document.run), oracle.history)) == []
    assert read_tables(client, study, study.all_tables, document.run).rows == oracle.tables
