"""Runs the bench of a build, today's or another commit's, by its own code and Python, and reads its report."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkout import Build
from bench.ratios import LatencyRun, StageRun, latency_run, stage_run
from bench.subject import generated_path
from livelift import settings
from livelift.errors import ResourceError, StateError
from livelift.study import Study
from local.processes import ChildProcess

WRONG_RESULT = 1
"""How a bench ends that has measured everything and found a result that is not the oracle's."""


@dataclass(frozen=True, slots=True)
class Input:
    """What both builds replay. `events`: how many were asked of the generator, which is part of the file's name."""

    data: Path
    study: Study
    events: int
    partitions: int
    rate: float
    seconds: float


class BuildRuns:
    """A build's runs over one input, in a folder of its own, which is new: caches, the oracle's answers, logs.

    The input is put where the bench of a build keeps what it generated: `bench.latency` takes no other.
    """

    def __init__(self, build: Build, folder: Path, replayed: Input) -> None:
        self.build = build
        self.folder = folder
        self._input = replayed
        self._data = generated_path(folder / "bench", replayed.study, replayed.events)
        self._data.parent.mkdir(parents=True)
        self._data.symlink_to(replayed.data.absolute())

    def stage(self, stage: str, number: int) -> StageRun:
        """Measure one stage once.

        Raises
        ------
        ResourceError
            If the bench ends with an error.
        VersionError
            If its report has another form.
        """
        arguments = ("--only", f"livelift:{stage}", "--runs", "1", "--data", str(self._data))
        partitions = ("--partitions", str(self._input.partitions))
        return stage_run(self._report("bench", stage, number, *arguments, *partitions), self.build.name)

    def latency(self, number: int) -> LatencyRun:
        """Measure the latency once; raises as `stage` does, and StateError if the build did not take our input."""
        rate = ("--rate", str(self._input.rate), "--seconds", str(self._input.seconds))
        report = self._report("bench.latency", "latency", number, "--events", str(self._input.events), *rate)
        if [*self._data.parent.iterdir()] != [self._data]:
            raise StateError(
                f"{self.build.name} ({self.build.what}) generated an input of its own for the latency",
                "leave the latency out: --only with the other subjects",
            )
        return latency_run(report, self.build.name)

    def _report(self, program: str, subject: str, number: int, *arguments: str) -> dict[str, Any]:
        out = self.folder / f"{subject}-{number}.json"
        log = self.folder / f"{subject}-{number}.log"
        environment = {key: value for key, value in os.environ.items() if key != settings.STUDIES}
        environment |= {settings.FOLDER: str(self.folder), "PYTHONPATH": str(self.build.root)}
        command: list[str | Path] = [self.build.python, "-m", program, *arguments, "--out", out]
        name = f"the bench of {self.build.name} for {subject}"
        with ChildProcess(name, command, log, cwd=self.build.root, environment=environment) as child:
            code = child.wait()
            if code not in (0, WRONG_RESULT) or not out.exists():
                raise ResourceError(f"{name} ended with code {code}: {child.tail(1)}", f"read its log: {log}")
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return found
