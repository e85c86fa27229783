"""A scenario of a metric: the verdict's adjusted lift, for a population."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from cli.flags import run_folder
from cli.returns import Worth, add_return, print_return
from cli.show import answers, percent
from livelift.errors import SettingsError, StateError
from stats.words.formatting import amount as written
from stats.words.formatting import cause_of

if TYPE_CHECKING:
    from livelift.study import Study


def of_metric(study: "Study", run: str | None, name: str, population: float, worth: Worth, json_: bool) -> None:
    """Say what the lift adds in all, or for a share where it goes.

    Raises
    ------
    SettingsError
        If there is no such metric.
    StateError
        If there is no verdict, or no lift yet.
    """
    from livelift.document.readings import Primary
    from livelift.plan import metric_plan
    from local.verdict_reader import no_verdict, read_verdict, redis_client
    from stats.estimates.scenario import new_level, total_gain

    if name not in study.metrics:
        raise SettingsError(f"there is no metric '{name}'", f"use one of: {', '.join(study.metrics)}")
    with redis_client(run_folder()) as client:
        document = read_verdict(client, study.name, run=run)
    if document is None:
        raise StateError(f"there is no verdict of study '{study.name}' yet", no_verdict(study))
    what = study.metrics[name]
    reading = document.metrics[name].sequential
    # A sum per exposed user adds up over a population; a mean over sessions, or a share, does not.
    plan = metric_plan(study, name)
    each = reading.per_exposed_user if isinstance(reading, Primary) and plan.has_total else None
    adds_up = each is not None or plan.counts
    if worth is not None and not adds_up:
        raise SettingsError(
            f"'{name}' is a level, and adds up to nothing that --value could be of",
            "name a metric that counts something per user: --metric",
        )
    of = reading if each is None else each
    baseline, lift, bounds = of.control, of.lift, of.ci
    if lift is None or baseline is None:
        why = f": {cause_of(study, reading.cause, reading.users)}" if reading.cause else " yet"
        raise StateError(f"the lift of {name} is not known{why}", "wait for more sessions: livelift verdict --why")
    days = study.experiment.days - document.progress.days_remaining
    outcome = total_gain(baseline, lift, bounds, population) if adds_up else new_level(baseline, lift, bounds)
    if json_:
        found: dict[str, Any] = {
            "metric": name,
            "unit": what.unit,
            "population": population,
            "days": what.first_days.days if what.first_days else days,
            "control_per_user": baseline,
            "lift": lift,
            "outcome": "total" if adds_up else "level",
            **asdict(outcome),
        }
        add_return(found, outcome, worth)
        typer.echo(json.dumps(found))
        return
    if not adds_up:
        low, high = ("–" if end is None else written(end, what) for end in (outcome.low, outcome.high))
        answers.print(
            f"{what.title}: from {written(baseline, what)} to {written(outcome.middle, what)}, {low} to {high}, "
            f"for {population:,.0f} users as for any"
        )
        return
    low, high = ("–" if end is None else f"{end:+,.0f}" for end in (outcome.low, outcome.high))
    when = (
        f"over each user's first {what.first_days.days} days"
        if what.first_days
        else f"over the {days} days of the period so far"
    )
    answers.print(
        f"{what.title}: {outcome.middle:+,.0f} {what.unit} {when}, {population:,.0f} users together, {low} to {high}",
        soft_wrap=True,
    )
    answers.print(f"= {population:,.0f} users × {baseline:,.4g} {what.unit} a user in control × {percent(lift)}")
    if each is not None:
        answers.print(
            f"{percent(lift)} is the lift of the sum per exposed user, which adds up over a population; the verdict's, of "
            f"users' means, is {percent(reading.lift)}"
        )
    print_return(outcome, worth)
