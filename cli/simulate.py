"""`livelift simulate`: how often every reading errs, on experiments whose truth is known."""

import json
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from cli.flags import StudyFlag
from cli.show import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog="Example:  livelift simulate --experiments 200 --regime bursty --lift 0")(simulate)


def simulate(
    experiments: Annotated[int, typer.Option("--experiments", help="How many whole experiments.")] = 200,
    regime: Annotated[str, typer.Option("--regime", help="stationary, entry or bursty.")] = "stationary",
    lift: Annotated[
        float, typer.Option("--lift", help="True lift of session duration: 0 is A/A, 0.10 is +10 %.")
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same experiments.")] = 1,
    study: StudyFlag = "lastfm",
    json_: Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")] = False,
) -> None:
    """Run whole simulated experiments through the engine and print error rate, power and coverage of every reading."""
    from livelift.errors import SettingsError
    from livelift.study import load_study
    from stats.simulate.regimes import REGIMES
    from stats.simulate.report import Truth
    from stats.simulate.report import simulate as run

    if experiments < 1:
        raise SettingsError(f"--experiments {experiments} is not possible", "use 1 or more")
    if regime not in REGIMES:
        raise SettingsError(f"there is no regime '{regime}'", f"use one of: {', '.join(REGIMES)}")
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"{regime}, lift {lift:+.0%}", total=experiments)
        result = run(
            load_study(study),
            regime,
            experiments,
            Truth(lift=lift),
            seed,
            progress=lambda done, _: bar.update(task, completed=done),
        )
    if json_:
        typer.echo(json.dumps(result, indent=1))
    else:
        _show(result, experiments)


def _show(result: dict[str, Any], experiments: int) -> None:
    table = Table("reading", "rejects", "± binomial", "covers the truth", box=None)
    for name, reading in result["readings"].items():
        rate = reading["rejection_rate"]
        error = (rate * (1 - rate) / experiments) ** 0.5
        coverage = reading["coverage"]
        table.add_row(name, f"{rate:.4f}", f"{error:.4f}", "–" if coverage is None else f"{coverage:.4f}")
    console.print(table)
    console.print("decisions: " + ", ".join(f"{name} {count}" for name, count in result["decisions"].items()))
