"""`livelift simulate`: measures how often each test errs, on simulated experiments with known effects."""

import json
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.experiments import counted
from cli.flags import DEFAULT_STUDY, StudyFlag
from cli.show import answers
from livelift.errors import SettingsError

if TYPE_CHECKING:
    from livelift.simulation.truth import Truth
    from livelift.study import Study

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
        str | None,
        typer.Option("--regime", help="How users behave: stationary, entry, bursty, heavy, few, or the study's own."),
    ] = None,
    lift: Annotated[float, typer.Option("--lift", help="True lift of the primary: 0 is A/A, 0.10 is +10 %.")] = 0.0,
    later_lift: Annotated[
        float | None, typer.Option("--later-lift", help="Another lift in the second half of the period: -0.3 is -30 %.")
    ] = None,
    metric_lift: Annotated[
        list[str] | None,
        typer.Option(
            "--metric-lift", help="True lift of another metric, by its name: METRIC=0.3 is +30 %. Several times."
        ),
    ] = None,
    leaving: Annotated[
        float, typer.Option("--leaving", help="Share of treated users who leave after one session: 0.15 is 15 %.")
    ] = 0.0,
    users: Annotated[
        int | None,
        typer.Option("--users", help="Users of an experiment, 1000; with --data drawn from its users, else these."),
    ] = None,
    bars: Annotated[
        bool,
        typer.Option("--bars", help="Every regime with and without an effect, judged: exit code 1 if a bar fails."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="A log of the study without any treatment: its users under many salts, as A/A tests."
        ),
    ] = None,
    salts: Annotated[int, typer.Option("--salts", help="With --data: how many.")] = 1000,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="With --bars: a folder for what is done, to go on from there.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same experiments.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes; 0 is one a core. The result is the same.")] = 0,
    study: StudyFlag = DEFAULT_STUDY,
    json_: Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")] = False,
) -> None:
    """Run whole experiments through the engine and print error rate, power and coverage of every reading."""
    from cli import bars as judged
    from livelift.simulation.truth import NOTHING, Cell, Truth
    from livelift.study import load_study
    from stats.simulate.bars import RESALTED, resalted_bars
    from stats.simulate.jobs import processes
    from stats.simulate.population import population
    from stats.simulate.report import simulate as run
    from stats.simulate.tally import USERS

    for flag, number, least in (("--experiments", experiments, 1), ("--salts", salts, 1), ("--users", users, 2)):
        if number is not None and number < least:
            raise SettingsError(f"{flag} {number} is not possible", f"use {least} or more")
    if not 0 <= leaving < 1:
        raise SettingsError(f"--leaving {leaving:g} is no share", "use a fraction from 0 to below 1: 0.15 for 15 %")
    if bars and data is not None:
        raise SettingsError("--bars and --data do not go together", "call livelift simulate twice")
    if data is not None and (leaving or regime is not None):
        flag = "--leaving" if leaving else "--regime"
        raise SettingsError(
            f"{flag} and --data do not go together", "a log's users are as they are: leave one of them out"
        )
    loaded, jobs = load_study(study), jobs if jobs > 0 else processes()
    truth = Truth(lift, later_lift, leaving, _other_lifts(metric_lift or [], loaded))
    _check_effects(truth)
    if bars:
        if truth != NOTHING or users is not None or regime is not None:
            raise SettingsError(
                "--bars has regimes, effects and numbers of users of its own", "leave the other flags out"
            )
        judged.simulate_bars(loaded, experiments, seed, jobs, keep, json_)
        return
    regimes = tuple(population(loaded).regimes) if data is None else ()
    if data is None and regime is not None and regime not in regimes:
        raise SettingsError(f"there is no regime '{regime}'", f"use one of: {', '.join(regimes)}")
    with counted() as bar:
        if data is not None:
            task = bar.add_task(f"reading {data.name}", total=None)
            result = _resalted(loaded, data, salts, seed, jobs, bar, task, truth, users)
        else:
            behaviour = regime or regimes[0]
            task = bar.add_task(judged.title(loaded, Cell(behaviour, truth)), total=experiments)
            result = run(
                loaded, behaviour, experiments, truth, seed, users or USERS, jobs=jobs,
                progress=lambda done, _: bar.update(task, completed=done),
            )  # fmt: skip
    if json_:
        typer.echo(json.dumps({"study": loaded.name, "design": loaded.design, **result}, indent=1))
    else:
        show(result, loaded, truth)
    if data is not None and truth == NOTHING:
        judged.conclude(judged.judge_all(resalted_bars(loaded), {RESALTED: result}), loaded, quiet=json_)


def _other_lifts(given: list[str], study: "Study") -> tuple[tuple[str, float], ...]:
    """METRIC=FRACTION, each."""
    found: dict[str, float] = {}
    others = ", ".join(study.guardrails) or "none, the study has one metric"
    for text in given:
        name, _, number = text.partition("=")
        if name == study.decision.primary:
            raise SettingsError(f"--metric-lift {text}: '{name}' is the primary", "use --lift")
        if name not in study.guardrails:
            raise SettingsError(f"--metric-lift {text}: there is no metric '{name}'", f"use one of: {others}")
        if name in found:
            raise SettingsError(f"--metric-lift {text}: '{name}' has a lift already", "give one for each metric")
        try:
            found[name] = float(number)
        except ValueError:
            raise SettingsError(
                f"--metric-lift {text} gives no number", f"use a fraction: --metric-lift {name}=0.3 for +30 %"
            ) from None
    return tuple(found.items())


def _check_effects(truth: "Truth") -> None:
    lifts = [truth.lift, truth.lift if truth.later_lift is None else truth.later_lift, *dict(truth.others).values()]
    if not all(-1 < each < inf for each in lifts):
        raise SettingsError("an effect of -100 % or less is not possible", "use a fraction above -1: 0.10 for +10 %")


def _resalted(
    study: "Study", data: Path, salts: int, seed: int, jobs: int, bar: Any, task: Any, truth: "Truth", users: int | None
) -> dict[str, Any]:
    from batch.observed import observe_log
    from stats.simulate.report import resalt

    seen, ids = observe_log(data, study)
    bar.update(task, description=f"{data.name}, {len(ids)} users, salted anew", total=salts)

    def progress(done: int, _: int) -> None:
        bar.update(task, completed=done)

    return resalt(study, seen, ids, salts, seed, jobs, progress, truth, users)


def show(result: dict[str, Any], study: "Study", truth: "Truth") -> None:
    """A result for a person, in the study's own words."""
    from cli.bars import MADE_UP, effects
    from livelift.simulation.loading import simulation_digest

    primary = study.metrics[study.decision.primary].title
    answers.print(f"{study.title}: {primary}, {study.names.treatment} against {study.names.control}", soft_wrap=True)
    answers.print(
        f"{result['experiments']} experiments ({result['regime']}) of {result['users']} users and {result['looks']} looks, "
        f"{effects(study, truth)}",
        soft_wrap=True,
    )
    if result["regime"] not in ("resalted", "resampled") and not simulation_digest(study):
        answers.print(MADE_UP, soft_wrap=True)
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
    failed = {name: count for name, count in result["guardrails_failed"].items() if name != "any" and count}
    if failed:
        titles = ", ".join(f"{study.metrics[name].title} {count}" for name, count in failed.items())
        answers.print(f"guardrails failed: {titles}", soft_wrap=True)
