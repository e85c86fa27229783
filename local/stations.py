"""Starts the stations as child processes, with the same programs and settings as under Docker."""

import os
import sys
from pathlib import Path

from livelift import settings
from local.metric_targets import MetricTargets
from local.processes import ChildProcess
from local.run_folder import Run, RunFolder

STOP_SECONDS = 3.0
"""Time to leave the group in good order; a station that takes longer is killed, which costs nothing (promise P2)."""


class Stations:
    """Starts stations of one run against one Kafka and one Redis; each logs to the run's folder."""

    def __init__(self, folder: RunFolder, run: Run, kafka: str, redis: str) -> None:
        self._logs = folder.logs(run.run)
        self._run = run
        self.environment = os.environ | {
            settings.KAFKA: kafka,
            settings.REDIS: redis,
            settings.STUDY: run.study_at or run.study,
            settings.RUN: run.run,
            settings.FOLDER: str(folder.root),
            "PYTHONUNBUFFERED": "1",
        }
        self._started: list[ChildProcess] = []
        self.targets = MetricTargets(folder.metric_targets, run.study)

    def start(self, station: str, *, name: str = "", **more: str) -> ChildProcess:
        """Start `python -m <station>`; `more` are further settings of its environment."""
        name = name or station
        child = ChildProcess(
            name,
            [sys.executable, "-m", station],
            self.log(name),
            cwd=Path.cwd(),
            environment=self.environment | {settings.METRICS: self.targets.add(name, station)} | more,
        )
        self._started.append(child)
        return child

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def stop(self, *, missed: bool = False) -> None:
        """Stop what is still running, the last started first; `missed`: Prometheus goes on looking for it, and alerts."""
        for child in reversed(self._started):
            child.stop(STOP_SECONDS)
        self._started.clear()
        if not missed:
            self.targets.clear()
