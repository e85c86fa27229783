"""`livelift scenario`: extrapolates the estimate and its interval to a population."""

import json
from dataclasses import asdict
from math import inf
from typing import Annotated

import typer

from cli.flags import DEFAULT_STUDY, JsonFlag, RunFlag, StudyFlag, run_folder
from cli.show import answers, percent
from stats.words.formatting import amount as written
from stats.words.formatting import cause_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scenario", epilog="Example:  livelift scenario --population 10000000")(scenario)


def scenario(
    population: Annotated[float, typer.Option("--population", help="Users who would be reached.")],
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Default: the study's primary metric.")] = None,
    json_: JsonFlag = False,
) -> None:
    """Carry the verdict's adjusted lift to a population: what is added in all, or for a share where it goes."""
    from livelift.document.readings import Primary
    from livelift.errors import SettingsError, StateError
    from livelift.plan import metric_plan
    from livelift.study import load_study
    from local.verdict_reader import no_verdict, read_verdict, redis_client
    from stats.estimates.scenario import new_level, total_gain

    loaded = load_study(study)
    name = metric or loaded.decision.primary
    if name not in loaded.metrics:
        raise SettingsError(f"there is no metric '{name}'", f"use one of: {', '.join(loaded.metrics)}")
    if not 0 <= population < inf:
        raise SettingsError(f"--population {population:g} is not possible", "use 0 or more users")
    with redis_client(run_folder()) as client:
        document = read_verdict(client, loaded.name, run=run)
    if document is None:
        raise StateError(f"there is no verdict of study '{loaded.name}' yet", no_verdict(loaded))
    what = loaded.metrics[name]
    reading = document.metrics[name].sequential
    # A sum per exposed user adds up over a population; a mean over sessions, or a share, does not.
    plan = metric_plan(loaded, name)
    each = reading.per_exposed_user if isinstance(reading, Primary) and plan.has_total else None
    adds_up = each is not None or plan.counts
    of = reading if each is None else each
    baseline, lift, bounds = of.control, of.lift, of.ci
    if lift is None or baseline is None:
        why = f": {cause_of(loaded, reading.cause, reading.users)}" if reading.cause else " yet"
        raise StateError(f"the lift of {name} is not known{why}", "wait for more sessions: livelift verdict --why")
    days = loaded.experiment.days - document.progress.days_remaining
    outcome = total_gain(baseline, lift, bounds, population) if adds_up else new_level(baseline, lift, bounds)
    if json_:
        found = {
            "metric": name,
            "unit": what.unit,
            "population": population,
            "days": days,
            "control_per_user": baseline,
            "lift": lift,
        }
        typer.echo(json.dumps(found | {"outcome": "total" if adds_up else "level"} | asdict(outcome)))
        return
    if adds_up:
        low, high = ("–" if end is None else f"{end:+,.0f}" for end in (outcome.low, outcome.high))
        answers.print(
            f"{what.title}: {outcome.middle:+,.0f} {what.unit} over the {days} days of the period so far, "
            f"{population:,.0f} users together, {low} to {high}"
        )
        answers.print(f"= {population:,.0f} users × {baseline:,.4g} {what.unit} a user in control × {percent(lift)}")
        if each is not None:
            answers.print(
                f"{percent(lift)} is the lift of the sum per exposed user, which adds up over a population; the verdict's, of "
                f"users' means, is {percent(reading.lift)}"
            )
        return
    low, high = ("–" if end is None else written(end, what) for end in (outcome.low, outcome.high))
    answers.print(
        f"{what.title}: from {written(baseline, what)} to {written(outcome.middle, what)}, {low} to {high}, "
        f"for {population:,.0f} users as for any"
    )
