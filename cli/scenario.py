"""`livelift scenario`: extrapolates what was found, with its interval, to a population."""

from math import inf, isfinite
from typing import Annotated

import typer

from cli.flags import DEFAULT_STUDY, JsonFlag, RunFlag, StudyFlag


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scenario", epilog="Example:  livelift scenario --population 10000000")(scenario)


def scenario(
    population: Annotated[
        float | None, typer.Option("--population", help="Users who would be reached; needed without --table.")
    ] = None,
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="Default: the study's primary metric; with --table its first share.")
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", help="In place of a metric: a table over users by a segment, with a share.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="With --table: the segment that users would be in.")] = None,
    move: Annotated[
        float | None,
        typer.Option("--move", help="With --table: the share of all users who would move there from the others; 0.5."),
    ] = None,
    value: Annotated[float | None, typer.Option("--value", help="What one unit of the outcome is worth.")] = None,
    cost: Annotated[
        float | None, typer.Option("--cost", help="With --value: what it costs, in the same money.")
    ] = None,
    json_: JsonFlag = False,
) -> None:
    """Carry the verdict's adjusted lift, or a difference between segments, to a population; with --value and --cost to a return."""
    from cli.scenario_of_a_metric import of_metric
    from cli.scenario_of_a_segment import Move, of_segment
    from livelift.errors import SettingsError
    from livelift.study import load_study

    loaded = load_study(study)
    if population is not None and not 0 <= population < inf:
        raise SettingsError(f"--population {population:g} is not possible", "use 0 or more users")
    if (value is None) != (cost is None):
        raise SettingsError(
            "a return needs --value and --cost", "give both: --cost 500000 --value 0.05, in the same money"
        )
    if cost is not None and not 0 < cost < inf:
        raise SettingsError(f"--cost {cost:g} is not possible", "use more than 0")
    if value is not None and not isfinite(value):
        raise SettingsError(f"--value {value:g} is not possible", "use a number")
    worth = None if value is None or cost is None else (value, cost)
    if table is not None:
        share = 0.5 if move is None else move
        of_segment(loaded, run, Move(table, metric, to, share), population, worth, json_)
        return
    if to is not None or move is not None:
        raise SettingsError("--to and --move are of a table", "name it: --table, as livelift tables lists it")
    if population is None:
        raise SettingsError("nobody is reached without --population", "say how many: --population 10000000")
    of_metric(loaded, run, metric or loaded.decision.primary, population, worth, json_)
