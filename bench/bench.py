"""Runs the chosen measurements in turn and takes medians."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench.batch_limit import measure_batch
from bench.end_to_end import measure_end_to_end
from bench.machine import machine
from bench.measured import Measured
from bench.peer_programs import PEERS, Program, required
from bench.peer_runs import measure_peer
from bench.processor_stage import measure_processor
from bench.producer_stage import measure_producer
from bench.report import row_of
from bench.stage import Bench, bench_folder, bench_servers
from bench.stats_stage import measure_stats
from bench.subject import Say, Subject, generated
from livelift.errors import SettingsError
from livelift.study import load_study
from local.disk import require_free_space

STUDY = "lastfm"

Measure = Callable[[Bench, Subject, int], Measured]
"""(bench, input, number of the run) → what it came to."""

OURS: dict[str, Measure] = {
    "producer": measure_producer,
    "processor": measure_processor,
    "stats": measure_stats,
    "end_to_end": measure_end_to_end,
}


class Choice(NamedTuple):
    """An engine and, of ours, a stage; the empty stage is all of them."""

    engine: str
    stage: str = ""

    @classmethod
    def parse(cls, text: str) -> "Choice":
        engine, _, stage = text.partition(":")
        return cls(engine, stage)

    def covers(self, other: "Choice") -> bool:
        return self.engine == other.engine and self.stage in ("", other.stage)


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure; no `only` is everything, no `data` generated events."""

    events: int
    runs: int = 3
    only: tuple[Choice, ...] = ()
    data: Path | None = None
    partitions: int = 4


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the table to be; `most_events` is what a slow engine gets at most."""

    choice: Choice
    measure: Measure
    most_events: int | None = None


def jobs() -> list[Job]:
    """Everything that can be measured, in the order of the table."""
    ours = [Job(Choice("livelift", stage), measure) for stage, measure in OURS.items()]
    peers = [Job(Choice(peer.name, "processor"), partial(measure_peer, peer), peer.most_events) for peer in PEERS]
    return [*ours, *peers, Job(Choice("duckdb", "batch"), measure_batch)]


def chosen(only: tuple[Choice, ...]) -> list[Job]:
    """The jobs that `only` asks for.

    Raises
    ------
    SettingsError
        If there is no such engine or stage.
    """
    everything = jobs()
    for choice in only:
        if not any(choice.covers(job.choice) for job in everything):
            known = ", ".join(":".join(job.choice) for job in everything)
            raise SettingsError(f"there is nothing called {':'.join(filter(None, choice))} to measure", f"use {known}")
    return [job for job in everything if not only or any(choice.covers(job.choice) for choice in only)]


def left_out(todo: list[Job], only: tuple[Choice, ...], peers: tuple[Program, ...] = PEERS) -> dict[str, str]:
    """Peers that cannot run here, and why; those alone that nobody asked for by name and that may be missing.

    Raises
    ------
    ResourceError
        If another one cannot run here.
    """
    engines = {job.choice.engine for job in todo}
    without = {peer.name: why for peer in peers if peer.name in engines and (why := peer.missing())}
    for peer in peers:
        if peer.name in without and (only or not peer.optional):
            required(peer)
    return without


def run_bench(options: Options, say: Say) -> dict[str, Any]:
    """Measure; the result is what `latest.json` holds.

    Raises
    ------
    LiveliftError
        If something cannot be started, or ends with an error.
    """
    todo = chosen(options.only)
    without = left_out(todo, options.only)
    for engine, why in without.items():
        say(f"{engine} is left out: {why}")
    todo = [job for job in todo if job.choice.engine not in without]
    root = bench_folder()
    study = load_study(STUDY)
    data = options.data or generated(root, study, options.events, say)
    require_free_space(root, data.stat().st_size * 3, "the bench")
    subject = Subject(root, study, data, say)
    subjects = {job.choice: subject.first(job.most_events or subject.events) for job in todo}
    found: dict[Choice, list[Measured]] = {job.choice: [] for job in todo}
    with bench_servers(say, options.partitions) as bench:
        for number in range(options.runs):
            for job in todo:
                measured = job.measure(bench, subjects[job.choice], number)
                found[job.choice].append(measured)
                say(_line(job.choice, number, measured))
    rows = [row_of(choice.engine, choice.stage, runs) for choice, runs in found.items()]
    return {"machine": machine(), "rows": rows, "left_out": without}


def _line(choice: Choice, number: int, measured: Measured) -> str:
    span = measured.steady or measured.whole
    equal = "equal" if measured.equal else "NOT EQUAL"
    return (
        f"{choice.engine}:{choice.stage} run {number + 1}: {span.events_per_s:,.0f} events/s, "
        f"{span.cpu_s_per_million:.2f} CPU-s/M; whole {measured.whole.seconds:.1f} s, "
        f"{measured.whole.cpu_s_per_million:.2f} CPU-s/M; {measured.peak_mib:.0f} MiB; {equal}"
    )
