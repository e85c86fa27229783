"""`livelift simulate --bars`: checks error rates and power in every regime against their promised limits."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from cli.experiments import counted
from cli.show import answers, console
from livelift.simulation.loading import simulation_digest
from livelift.simulation.truth import Cell, Truth
from livelift.study import Study
from stats.simulate.bars import Judged, bars_of, cells, judge_all
from stats.simulate.population import population

__all__ = ["conclude", "effects", "judge_all", "simulate_bars", "title"]


MADE_UP = (
    "The study has no simulation.py: users are made up from its declaration, so only error rates tell of the study; for "
    "power give --data."
)


def simulate_bars(study: Study, experiments: int, seed: int, jobs: int, keep: Path | None, as_json: bool) -> None:
    """Simulate what the bars need, print them, and end with exit code 1 if one is not met."""
    outcomes: dict[Cell, Any] = {}
    model = population(study)
    bars = bars_of(study, model)
    with counted() as bar:
        every = (*cells(bars), *model.cells)
        for number, cell in enumerate(every, 1):
            some = max(1, experiments // model.regimes[cell.regime].fewer)
            task = bar.add_task(f"{number}/{len(every)} {title(study, cell)}", total=some)
            outcomes[cell] = _outcome(
                study, cell, some, seed, jobs, keep, lambda done, _, task=task: bar.update(task, completed=done)
            )
            bar.remove_task(task)
            console.print(f"{title(study, cell)}: {_readings(outcomes[cell])}")
    found = judge_all(bars, outcomes)
    if not as_json and not simulation_digest(study):
        answers.print(MADE_UP, soft_wrap=True)
    if as_json:
        said = {"cells": list(outcomes.values()), "bars": [_as_json(each) for each in found]}
        typer.echo(json.dumps({"study": study.name, "design": study.design, **said}, indent=1))
    conclude(found, study, quiet=as_json)


def title(study: Study, cell: Cell) -> str:
    """A cell in words."""
    return f"{cell.regime}, {effects(study, cell.truth)}"


def effects(study: Study, truth: Truth) -> str:
    """What is planted, in the words of the study."""
    arm, primary = study.names.treatment, study.metrics[study.decision.primary].title
    planted = [f"{primary} {truth.lift:+.0%}"] if truth.lift else []
    planted += [f"later {truth.later_lift:+.0%}"] if truth.later_lift is not None else []
    planted += [f"{truth.leaving:.0%} leave"] if truth.leaving else []
    planted += [f"{study.metrics[name].title} {lift:+.0%}" for name, lift in truth.others]
    return f"{' and '.join(planted)} in {arm}" if planted else "no effect"


def conclude(found: Iterable[Judged], study: Study, quiet: bool) -> None:
    """Print the study's bars, unless `quiet`; raises `typer.Exit` with code 1 if one is not met."""
    found = list(found)
    table = Table("bar", "regime", "figure", "± error", "limit", "", box=None)
    for each in found:
        sign = "≤" if each.bar.at_most else "≥"
        counted = f" ({each.figure.count} of {each.figure.trials})" if each.figure.count is not None else ""
        enough = f", judged at {each.allowed:.4f}" if each.bar.error_rate else ""
        table.add_row(
            each.bar.words,
            each.bar.cell.regime,
            f"{each.figure.value:.4f}{counted}",
            f"{each.figure.error:.4f}",
            f"{sign} {each.bar.limit:g}{enough}",
            "[green]pass[/]" if each.passed else "[bold red]FAIL[/]",
        )
    failures = sum(not each.passed for each in found)
    if not quiet:
        answers.print(study.title, soft_wrap=True)
        answers.print(table, soft_wrap=True)
        answers.print(f"{len(found) - failures} of {len(found)} bars are met")
    if failures:
        raise typer.Exit(1)


def _as_json(each: Judged) -> dict[str, Any]:
    truth = each.bar.cell.truth
    return {
        "bar": each.bar.words, "regime": each.bar.cell.regime, "lift": truth.lift, "other_lifts": dict(truth.others),
        "later_lift": truth.later_lift, "leaving": truth.leaving,
        "figure": each.figure.value, "error": each.figure.error, "count": each.figure.count, "trials": each.figure.trials,
        "limit": each.bar.limit, "at_most": each.bar.at_most, "allowed": each.allowed, "passed": each.passed,
    }  # fmt: skip


def _readings(outcome: dict[str, Any]) -> str:
    """Every reading's rejections side by side, in a line."""
    readings = outcome["readings"].items()
    return ", ".join(f"{name} {reading['rejection_rate']:.4f}" for name, reading in readings)


def _outcome(
    study: Study, cell: Cell, experiments: int, seed: int, jobs: int, keep: Path | None, progress: Any
) -> dict[str, Any]:
    """The simulated cell, from the folder `keep` if the very same is there."""
    from stats.simulate.report import simulate

    asked = {
        "study": study.fingerprint, "simulation": simulation_digest(study), "experiments": experiments, "seed": seed,
    }  # fmt: skip
    truth = cell.truth
    others = "".join(f"_{metric}_{lift:+.2f}" for metric, lift in truth.others)
    name = f"{cell.regime}_{truth.lift:+.2f}_{truth.later_lift}_{truth.leaving:.2f}{others}.json"
    if keep is not None and (keep / name).exists():
        kept = json.loads((keep / name).read_text(encoding="utf-8"))
        if kept["asked"] == asked:
            return dict(kept["outcome"])
    outcome = simulate(study, cell.regime, experiments, cell.truth, seed, jobs=jobs, progress=progress)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / name).write_text(json.dumps({"asked": asked, "outcome": outcome}, indent=1), encoding="utf-8")
    return outcome
