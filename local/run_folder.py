"""Layout of `.livelift/`: runs with their data and logs, caches, and the addresses of the running stack.

.livelift/lock owner.json   held by the process that is the stack, and which one that is
.livelift/stack.json        addresses and process id of the stack that is up, and a demo's run
.livelift/current.json      by study, the run that `replay`, `process`, `stats` and `up` work for: never that of an unfinished demo
.livelift/runs/<run>/       run.json, logs/, the processor's own data
.livelift/kafka/ redis/     the servers' data
.livelift/kafka.demo/       the broker's data of a demo, until the demo is complete and it takes the place of kafka/; a demo
                            works in kafka/ itself where that holds runs of other studies
.livelift/prometheus/       targets/: where the stations serve their metrics
.livelift/cache/ generated/
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from livelift.errors import StateError
from local.process_identity import identity, is_same_process

COMPLETE = "complete.json"
"""In the broker's data of a demo: the run that is complete, until the data take the place of the older ones."""


@dataclass(frozen=True, slots=True)
class Run:
    """One replay: what of, under which study file, over how many partitions.

    `data` is the input's path, `input_key` names its content as the producer's cache does; `study_at` is what a station
    loads the study by, its folder where its name alone does not lead there.
    """

    run: str
    study: str
    fingerprint: str
    data: str
    partitions: int
    select_from: int | None = None
    select_to: int | None = None
    input_key: str = ""
    study_at: str = ""

    def same_as(self, other: "Run") -> bool:
        """Would a replay of `other` continue this one?"""
        return replace(self, run="", study_at="") == replace(other, run="", study_at="")

    @classmethod
    def new(cls, **fields: Any) -> Self:
        """A run with a fresh id; ids sort by the time they were made."""
        now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        return cls(run=f"{now}-{secrets.token_hex(2)}", **fields)


class RunFolder:
    """The folder `.livelift/` and the small files in it, each replaced as a whole."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._is_ours = False

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def demo_kafka(self) -> Path:
        return self.root / "kafka.demo"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def generated(self) -> Path:
        return self.root / "generated"

    @property
    def prometheus(self) -> Path:
        return self.root / "prometheus"

    @property
    def metric_targets(self) -> Path:
        return self.prometheus / "targets"

    def of_run(self, run: str) -> Path:
        return self.root / "runs" / run

    def logs(self, run: str) -> Path:
        return self.of_run(run) / "logs"

    def note_run(self, run: Run) -> None:
        """Remember what `run` is a replay of."""
        write_json(self.of_run(run.run) / "run.json", asdict(run))

    def save_run(self, run: Run) -> None:
        """Remember `run` as the current one of its study."""
        self.note_run(run)
        self._save_current(self._current_ids() | {run.study: run.run})

    def _save_current(self, runs: dict[str, str]) -> None:
        write_json(self.root / "current.json", {"runs": runs})

    def _current_ids(self) -> dict[str, str]:
        """Study → its current run, of those that an unfinished demo has not begun."""
        noted = read_json(self.root / "current.json") or {}
        if "run" in noted:  # an earlier version knew one run for all studies
            run = self._noted_run(noted["run"])
            return {} if run is None else {run.study: run.run}
        runs: dict[str, str] = noted.get("runs", {})
        return runs

    def _noted_run(self, run: str) -> Run | None:
        fields = read_json(self.of_run(run) / "run.json")
        return None if fields is None else Run(**fields)

    def noted_runs(self) -> list[Run]:
        """Every run that was begun here, the oldest first."""
        noted = (read_json(file) for file in sorted(self.root.glob("runs/*/run.json")))
        return [Run(**fields) for fields in noted if fields is not None]

    def forget_run(self, run: str) -> None:
        """Remove what was noted of a run that was never begun."""
        shutil.rmtree(self.of_run(run), ignore_errors=True)

    def current_run(self, study: str) -> Run | None:
        """The run of the study's demo that is up; else the latest that was begun by a replay or completed by a demo; None if
        none was."""
        stack = self.stack() or {}
        of_demo = self._noted_run(stack["run"]) if "run" in stack else None
        if of_demo is not None and of_demo.study == study:
            return of_demo
        run = self._current_ids().get(study)
        return None if run is None else self._noted_run(run)

    def current_runs(self) -> list[Run]:
        """The current run of each study, the oldest first, without that of an unfinished demo."""
        noted = (self._noted_run(run) for run in sorted(self._current_ids().values()))
        return [run for run in noted if run is not None]

    def has_others_than(self, study: str) -> bool:
        """Does the broker's data hold the current run of another study?"""
        return any(run.study != study for run in self.current_runs())

    def forget_study(self, study: str) -> None:
        """Remove what was noted of every run of the study."""
        self._save_current({name: run for name, run in self._current_ids().items() if name != study})
        for run in self.noted_runs():
            if run.study == study:
                self.forget_run(run.run)

    @contextmanager
    def only_stack(self) -> Iterator[None]:
        """Be the only stack of this folder while the context lasts; held by the system, so that it ends with the process.

        Inside one of this very object it changes nothing.

        Raises
        ------
        StateError
            If another process is, before anything of the folder is touched.
        """
        if self._is_ours:
            yield
            return
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.root / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = self.owner()
                process = "" if owner is None else f" (process {owner})"
                raise StateError(
                    f"a stack is up already{process}",
                    "stop it first: livelift stop; several studies share one that livelift up started: livelift replay --study …",
                ) from None
            write_json(self.root / "owner.json", identity())
            self._is_ours = True
            try:
                yield
            finally:
                self._is_ours = False
                (self.root / "owner.json").unlink(missing_ok=True)

    def owner(self) -> int | None:
        """The process that is the stack of this folder, be it that it only starts; None if there is none."""
        owner = read_json(self.root / "owner.json")
        return owner["pid"] if owner is not None and is_same_process(owner) else None

    def save_stack(self, addresses: dict[str, Any]) -> None:
        write_json(self.root / "stack.json", addresses | identity())

    def stack(self) -> dict[str, Any] | None:
        """Addresses of the stack that is up; None when its process is gone."""
        stack = read_json(self.root / "stack.json")
        return stack if stack is not None and is_same_process(stack) else None

    def demo_is_up(self) -> bool:
        """Is the stack that is up a demo's?"""
        return "run" in (self.stack() or {})

    def forget_stack(self) -> None:
        (self.root / "stack.json").unlink(missing_ok=True)

    def mark_complete(self, run: Run) -> None:
        """A demo's run is complete: from now on it is the current one, whatever ends the demo."""
        write_json(self.demo_kafka / COMPLETE, {"run": run.run})

    def keep_or_drop_demo(self) -> None:
        """After a demo, its broker stopped: keep the data of a complete run in place of the older; drop an unfinished one's."""
        complete = read_json(self.demo_kafka / COMPLETE)
        if complete is not None:
            # A kill -9 between any two of these leaves the mark where it is, and they are done again.
            # Runs of other studies that are current were begun in the demo's broker: else it had worked in kafka/ itself.
            run = self._noted_run(complete["run"])
            if run is not None:
                self.save_run(run)
            shutil.rmtree(self.kafka, ignore_errors=True)
            self.demo_kafka.replace(self.kafka)
        (self.kafka / COMPLETE).unlink(missing_ok=True)  # it has done its work; an earlier version left it there
        shutil.rmtree(self.demo_kafka, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.tmp")
    half.write_text(json.dumps(value, indent=1))
    half.replace(path)


def read_json(path: Path) -> Any:
    """The file's value; None if there is none."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise StateError(f"{path} is damaged: {error}", "remove it, or clear everything: livelift reset") from None
