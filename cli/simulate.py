"""`livelift simulate`: measures how often each test errs, on simulated experiments with known effects."""

import json
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.flags import StudyFlag
from cli.show import answers, console

EXAMPLES = (
    "Examples:  livelift simulate --experiments 200 --regime bursty --lift 0   "
    "livelift simulate --bars --experiments 2000   livelift simulate --data log.tsv --salts 1000"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog=EXAMPLES)(simulate)


def simulate(
    experiments: Annotated[int, typer.Option("--experiments", help="How many whole experiments (a regime).")] = 200,
    regime: Annotated[
        str, typer.Option("--regime", help="stationary, entry, bursty, heavy, few, extreme, rare_skips or long.")
    ] = "stationary",
    lift: Annotated[
        float, typer.Option("--lift", help="True lift of session duration: 0 is A/A, 0.10 is +10 %.")
    ] = 0.0,
    worse_skips: Annotated[
        float, typer.Option("--worse-skips", help="By how much treated users skip more often: 0.3 is 30 %.")
    ] = 0.0,
    later_lift: Annotated[
        float | None, typer.Option("--later-lift", help="Another lift in the second half of the period: -0.3 is -30 %.")
    ] = None,
    leaving: Annotated[
        float, typer.Option("--leaving", help="Share of treated users who leave after one session: 0.15 is 15 %.")
    ] = 0.0,
    bars: Annotated[
        bool,
        typer.Option("--bars", help="Every regime with and without an effect, judged: exit code 1 if a bar fails."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="A listening log without any treatment: its users under many salts, as A/A tests."),
    ] = None,
    salts: Annotated[int, typer.Option("--salts", help="With --data: how many.")] = 1000,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="With --bars: a folder for what is done, to go on from there.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same experiments.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes; 0 is one a core. The result is the same.")] = 0,
    study: StudyFlag = "lastfm",
    json_: Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")] = False,
) -> None:
    """Run whole experiments through the engine and print error rate, power and coverage of every reading."""
    from cli import bars as judged
    from livelift.errors import SettingsError
    from livelift.study import load_study
    from stats.simulate.bars import RESALTED_BARS, Cell
    from stats.simulate.jobs import processes
    from stats.simulate.report import simulate as run
    from stats.simulate.special_regimes import ALL
    from stats.simulate.tally import Truth

    for flag, number in (("--experiments", experiments), ("--salts", salts)):
        if number < 1:
            raise SettingsError(f"{flag} {number} is not possible", "use 1 or more")
    if regime not in ALL:
        raise SettingsError(f"there is no regime '{regime}'", f"use one of: {', '.join(ALL)}")
    if not 0 <= leaving < 1:
        raise SettingsError(f"--leaving {leaving:g} is no share", "use a fraction from 0 to below 1: 0.15 for 15 %")
    if not (-1 < lift < inf and -1 < worse_skips < inf and (later_lift is None or -1 < later_lift < inf)):
        raise SettingsError("an effect of -100 % or less is not possible", "use a fraction above -1: 0.10 for +10 %")
    if bars and data is not None:
        raise SettingsError("--bars and --data do not go together", "call livelift simulate twice")
    loaded, jobs = load_study(study), jobs if jobs > 0 else processes()
    if bars:
        judged.simulate_bars(loaded, experiments, seed, jobs, keep, json_)
        return
    with bar_of_experiments() as bar:
        if data is not None:
            task = bar.add_task(f"reading {data.name}", total=None)
            result = _resalted(loaded, data, salts, seed, jobs, bar, task)
        else:
            task = bar.add_task(f"{regime}, lift {lift:+.0%}", total=experiments)
            result = run(
                loaded, regime, experiments, Truth(lift, worse_skips, later_lift, leaving), seed, jobs=jobs,
                progress=lambda done, _: bar.update(task, completed=done),
            )  # fmt: skip
    if json_:
        typer.echo(json.dumps(result, indent=1))
    else:
        show(result)
    if data is not None:
        judged.conclude(judged.judge_all(RESALTED_BARS, {Cell("resalted"): result}), quiet=json_)


def bar_of_experiments() -> Progress:
    """A progress bar that counts experiments; it leaves nothing behind."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True,
    )  # fmt: skip


def _resalted(study: Any, data: Path, salts: int, seed: int, jobs: int, bar: Progress, task: Any) -> dict[str, Any]:
    from batch.observed import observe_log
    from stats.simulate.report import resalt

    seen, users = observe_log(data, study)
    bar.update(task, description=f"{data.name}, {len(users)} users, salted anew", total=salts)
    return resalt(study, seen, users, salts, seed, jobs, lambda done, _: bar.update(task, completed=done))


def show(result: dict[str, Any]) -> None:
    """A result for a person."""
    table = Table("reading", "rejects", "± binomial", "covers the truth", box=None)
    for name, reading in result["readings"].items():
        coverage = reading["coverage"]
        table.add_row(
            name,
            f"{reading['rejection_rate']:.4f}",
            f"{reading['error']:.4f}",
            "–" if coverage is None else f"{coverage:.4f}",
        )
    answers.print(table)
    answers.print("decisions: " + ", ".join(f"{name} {count}" for name, count in result["decisions"].items()))
