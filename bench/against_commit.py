"""`python -m bench.against_commit COMMIT`: measures today's files and those of a commit in turn, and shows the ratios.

Both builds replay the same input on the same machine, each by its own bench, run by run and subject by subject: today, base,
today, base … A machine whose speed changes within minutes changes both. The commit is exported to a folder of its own;
packages of another lock are installed once, under .cache/bench/.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.bench import OURS, STUDY
from bench.build_runs import BuildRuns, Input
from bench.checkout import CACHE, commit_of, export, today
from bench.latency import RATE, SECONDS
from bench.machine import machine
from bench.markdown import against_markdown
from bench.ratios import LatencyRun, StageRun, latency_rows, stage_rows
from bench.report import write
from bench.same_results import same_answers
from bench.stage import alone_in, bench_folder
from bench.subject import EVENTS, FULL, Say, generated
from livelift.errors import LiveliftError, MissingInputError, SettingsError
from livelift.study import load_study

RESULTS = Path("bench/results/against_commit.json")
LATENCY = "latency"
SUBJECTS = (*OURS, LATENCY)


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure beside which commit; no `data` is `events` generated ones."""

    commit: str
    events: int = EVENTS
    runs: int = 5
    only: tuple[str, ...] = SUBJECTS
    data: Path | None = None
    partitions: int = 4
    rate: float = RATE
    seconds: float = SECONDS


def compare(options: Options, say: Say) -> dict[str, Any]:
    """Measure both builds in turn; the result is what `against_commit.json` holds.

    Raises
    ------
    LiveliftError
        If the commit cannot be had, or a bench ends with an error.
    """
    if options.runs < 1:
        raise SettingsError(f"{options.runs} runs measure nothing", "use --runs 1 or more")
    commit, here = commit_of(options.commit), today()
    if options.data is not None and not options.data.is_file():
        raise MissingInputError(f"there is no file {options.data}", "give the path of a listening log")
    with _work_folder(CACHE) as work:
        base = export(commit, work / "checkout", say)
        say(f"today is {here.what}, base is {base.what}")
        study = load_study(STUDY)
        data = options.data or generated(bench_folder(), study, options.events, say)
        replayed = Input(data, study, options.events, options.partitions, options.rate, options.seconds)
        ours, theirs = (BuildRuns(build, work / build.name, replayed) for build in (here, base))
        rows = _measure_in_turn(ours, theirs, options, say)
        for row in rows:
            if row["subject"] != LATENCY:
                row |= _equal_to_each_other(row, ours.folder, theirs.folder)
    return {"machine": machine(), "builds": {"today": here.what, "base": base.what}, "rows": rows}


def _measure_in_turn(ours: BuildRuns, theirs: BuildRuns, options: Options, say: Say) -> list[dict[str, Any]]:
    stages: dict[str, tuple[list[StageRun], list[StageRun]]] = {
        subject: ([], []) for subject in options.only if subject != LATENCY
    }
    latencies: tuple[list[LatencyRun], list[LatencyRun]] = ([], [])
    for number in range(options.runs):
        for subject in options.only:
            for side, runs in enumerate((ours, theirs)):
                if subject == LATENCY:
                    latencies[side].append(runs.latency(number))
                    told = _latency_line(latencies[side][-1])
                else:
                    stages[subject][side].append(runs.stage(subject, number))
                    told = _stage_line(stages[subject][side][-1])
                say(f"run {number + 1} of {options.runs}, {subject}, {runs.build.name}: {told}")
    rows = [row for stage, (today, base) in stages.items() for row in stage_rows(stage, today, base)]
    return [*rows, *(latency_rows(*latencies) if LATENCY in options.only else [])]


def _equal_to_each_other(row: dict[str, Any], today: Path, base: Path) -> dict[str, Any]:
    """By way of the oracles, so it is known only where both builds equal theirs.

    A difference is no error: a commit in between may have changed what is computed.
    """
    same = same_answers(row["subject"], today, base)
    known = same.equal if all(row["equal_to_oracle"].values()) else None
    return {"equal_to_each_other": known, "compared": same.of, "different": list(same.different)}


def _stage_line(run: StageRun) -> str:
    rates = run.steady or run.whole
    equal = "equal" if run.equal else "NOT EQUAL"
    return f"{rates.events_per_s:,.0f} events/s, {rates.cpu_s_per_million:.2f} CPU-s/M; {equal}"


def _latency_line(run: LatencyRun) -> str:
    return f"p50 {run.p50_ms} ms, p99 {run.p99_ms} ms"


@contextmanager
def _work_folder(cache: Path) -> Iterator[Path]:
    """A new folder for the checkout and what both builds write; it stays after an error, with its logs.

    Raises
    ------
    StateError
        If another comparison is running.
    """
    with alone_in(cache, "comparison"):
        work = cache / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        yield work
        shutil.rmtree(work)


def main() -> None:
    console = Console(soft_wrap=True)
    options, out = _arguments()
    try:
        report = compare(options, console.print)
    except LiveliftError as error:
        console.print(str(error), markup=False)
        sys.exit(error.exit_code)
    print(f"\n{against_markdown(report)}")
    write(report, out)
    console.print(f"wrote {out}")
    if any(False in row.get("equal_to_oracle", {}).values() for row in report["rows"]):
        console.print("a result is not the oracle's")
        sys.exit(1)


def _arguments() -> tuple[Options, Path]:
    parser = argparse.ArgumentParser(prog="python -m bench.against_commit", description=__doc__.split("\n\n")[0])
    parser.add_argument("commit", help="the base: a hash, tag or branch")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"about how many events (default {EVENTS:,})")
    parser.add_argument("--full", action="store_true", help=f"as many as were published: {FULL:,}")
    parser.add_argument("--data", type=Path, help="a listening log of yours instead of generated events")
    parser.add_argument("--runs", type=int, default=5, help="runs of each build, in turn (default 5)")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="measure only this; again for more")
    parser.add_argument("--rate", type=float, default=RATE, help=f"latency: events a second (default {RATE:,})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"latency: for how long (default {SECONDS:.0f})")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"write the results here (default {RESULTS})")
    given = parser.parse_args()
    only = tuple(subject for subject in SUBJECTS if not given.only or subject in given.only)
    events = FULL if given.full else given.events
    options = Options(given.commit, events, given.runs, only, given.data, given.partitions, given.rate, given.seconds)
    return options, given.out


if __name__ == "__main__":
    main()
