"""`livelift churn`: the model of who does not come back, and how far its predictions were right."""

import json

import typer

from cli.flags import DEFAULT_STUDY, JsonFlag, RunFlag, StudyFlag, run_folder
from cli.rows import print_rows
from cli.show import answers, console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("churn", epilog="Example:  livelift churn --study shows")(churn)


def churn(
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
    json_: JsonFlag = False,
) -> None:
    """Show the calibration of the churn model: of users with such a prediction, how many did not come back."""
    from livelift.errors import SettingsError
    from livelift.study import load_study
    from local.verdict_reader import read_tables, redis_client

    loaded = load_study(study)
    if not loaded.churn.days:
        raise SettingsError(
            f"study '{loaded.name}' declares no churn", "name another study with --study, or declare [churn]: docs/14-tables.md"
        )  # fmt: skip
    with redis_client(run_folder()) as client:
        found = read_tables(client, loaded, [], run)
    as_of, model = found.as_of, found.churn
    rows: list[dict[str, object]] = [
        {
            "predicted_from": number / len(model.calibration),
            "number": one.number,
            "predicted": one.predicted / one.number if one.number else None,
            "churned": one.churned / one.number if one.number else None,
        }
        for number, one in enumerate(model.calibration)
    ]
    loss = model.log_loss / model.learned if model.learned else None
    if json_:
        told = {
            "as_of": as_of,
            "days": loaded.churn.days,
            "learned": model.learned,
            "log_loss": loss,
            "weights": model.weights,
            "intercept": model.intercept,
            "calibration": rows,
        }
        typer.echo(json.dumps(told, indent=1))
        return
    print_rows(list(rows[0]), rows)
    share = sum(one.churned for one in model.calibration) / model.learned if model.learned else None
    answers.print(
        f"churn: no event within {loaded.churn.days} days after an active day; {model.learned:,} outcomes, "
        + (f"{share:.1%} of them churn, log loss {loss:.4f}" if share is not None else "none is known yet"),
        soft_wrap=True,
        markup=False,
    )
    for name, weight in sorted(model.weights.items(), key=lambda one: -abs(one[1])):
        answers.print(f"  {name}: {weight:+.3f} a standard deviation", markup=False)
    console.print(f"as of {as_of}; each user's own probability: livelift users", markup=False, soft_wrap=True)
