"""`livelift scenario`: what the estimate would mean for a population, its interval carried through."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from cli.flags import JsonFlag, StudyFlag, run_folder
from cli.show import answers

SPAN = {
    "session_mean": "over one session of every user",
    "session_count": "over the period, all users together",
    "user_ratio": "summed over all users",
    "next_day_return": "summed over all users",
}
"""What a metric's difference a user adds up to."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scenario", epilog="Example:  livelift scenario --population 10000000")(scenario)


def scenario(
    population: Annotated[float, typer.Option("--population", help="Users who would be reached.")],
    study: StudyFlag = "lastfm",
    metric: Annotated[str | None, typer.Option("--metric", help="Default: the study's primary metric.")] = None,
    json_: JsonFlag = False,
) -> None:
    """Multiply the verdict's adjusted lift by a population: low, middle, high in the metric's unit."""
    from livelift.errors import SettingsError, StateError
    from livelift.study import load_study
    from local.verdict_reader import NO_VERDICT, read_verdict, redis_client
    from stats.scenario import lift_on

    loaded = load_study(study)
    name = metric or loaded.decision.primary
    if name not in loaded.metrics:
        raise SettingsError(f"there is no metric '{name}'", f"use one of: {', '.join(loaded.metrics)}")
    if population < 0:
        raise SettingsError(f"--population {population:g} is not possible", "use 0 or more users")
    with redis_client(run_folder()) as client:
        document = read_verdict(client, study)
    if document is None:
        raise StateError(f"there is no verdict of study '{study}' yet", NO_VERDICT)
    reading = document["metrics"][name]
    lift, baseline = reading["sequential"]["lift"], reading["control"]["mean"]
    if lift is None or baseline is None:
        raise StateError(f"the lift of {name} is not known yet", "wait for more sessions: livelift verdict")
    bounds = reading["sequential"]["ci"]
    outcome = lift_on(baseline, lift, tuple(bounds) if bounds else None, population)
    if json_:
        typer.echo(
            json.dumps({"metric": name, "unit": loaded.metrics[name].unit, "population": population} | asdict(outcome))
        )
        return
    low, high = ("–" if end is None else f"{end:+,.0f}" for end in (outcome.low, outcome.high))
    what = loaded.metrics[name]
    answers.print(f"{what.title}: {outcome.middle:+,.0f} {what.unit} {SPAN[what.kind]}, {low} to {high}")
