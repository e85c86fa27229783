"""`livelift simulate --bars`: checks error rates and power in every regime against their promised limits."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from cli.show import answers, console
from livelift.study import Study
from stats.simulate.bars import Cell, Judged, cells, judge_all

__all__ = ["conclude", "judge_all", "simulate_bars"]


def simulate_bars(study: Study, experiments: int, seed: int, jobs: int, keep: Path | None, as_json: bool) -> None:
    """Simulate what the bars need, print them, and end with exit code 1 if one is not met."""
    from cli.simulate import bar_of_experiments
    from stats.simulate.bars import BARS, SMALL_EFFECT
    from stats.simulate.special_regimes import FEWER

    outcomes: dict[Cell, Any] = {}
    with bar_of_experiments() as bar:
        every = (*cells(), SMALL_EFFECT)
        for number, cell in enumerate(every, 1):
            some = max(1, experiments // FEWER.get(cell.regime, 1))
            task = bar.add_task(f"{number}/{len(every)} {title(cell)}", total=some)
            outcomes[cell] = _outcome(
                study, cell, some, seed, jobs, keep, lambda done, _, task=task: bar.update(task, completed=done)
            )
            bar.remove_task(task)
            console.print(f"{title(cell)}: {_readings(outcomes[cell])}")
    found = judge_all(BARS, outcomes)
    if as_json:
        typer.echo(json.dumps({"cells": list(outcomes.values()), "bars": [_as_json(each) for each in found]}, indent=1))
    conclude(found, quiet=as_json)


def title(cell: Cell) -> str:
    """A cell in words."""
    truth = cell.truth
    effects = [f"lift {truth.lift:+.0%}"] if truth.lift else []
    effects += [f"later {truth.later_lift:+.0%}"] if truth.later_lift is not None else []
    effects += [f"{truth.leaving:.0%} leave"] if truth.leaving else []
    effects += [f"skip rate {truth.worse_skips:.0%} worse"] if truth.worse_skips else []
    return f"{cell.regime}, {' and '.join(effects) or 'no effect'}"


def conclude(found: Iterable[Judged], quiet: bool) -> None:
    """Print the bars, unless `quiet`; raises `typer.Exit` with code 1 if one is not met."""
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
        answers.print(table, soft_wrap=True)
        answers.print(f"{len(found) - failures} of {len(found)} bars are met")
    if failures:
        raise typer.Exit(1)


def _as_json(each: Judged) -> dict[str, Any]:
    truth = each.bar.cell.truth
    return {
        "bar": each.bar.words, "regime": each.bar.cell.regime, "lift": truth.lift, "worse_skips": truth.worse_skips,
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

    asked = {"study": study.fingerprint, "experiments": experiments, "seed": seed}
    truth = cell.truth
    name = f"{cell.regime}_{truth.lift:+.2f}_{truth.later_lift}_{truth.worse_skips:.2f}_{truth.leaving:.2f}.json"
    if keep is not None and (keep / name).exists():
        kept = json.loads((keep / name).read_text(encoding="utf-8"))
        if kept["asked"] == asked:
            return dict(kept["outcome"])
    outcome = simulate(study, cell.regime, experiments, cell.truth, seed, jobs=jobs, progress=progress)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / name).write_text(json.dumps({"asked": asked, "outcome": outcome}, indent=1), encoding="utf-8")
    return outcome
