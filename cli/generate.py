"""`livelift generate`: data of the study's own form, made by the study's generator, with a planted lift."""

from pathlib import Path
from typing import Annotated

import typer

from cli.flags import DEFAULT_STUDY, StudyFlag
from cli.messages import say
from cli.show import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("generate", epilog="Example:  livelift generate --out log.tsv --events 200000 --lift 0.10 --seed 7")(
        generate
    )


def generate(
    out: Annotated[Path, typer.Option("--out", help="File to write; its truth goes beside it.")],
    events: Annotated[int, typer.Option("--events", help="About how many events.")] = 1_800_000,
    users: Annotated[
        int | None, typer.Option("--users", help="How many users; default by the number of events.")
    ] = None,
    lift: Annotated[float, typer.Option("--lift", help="Planted lift of the treated users: 0.10 = +10 %.")] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same file.")] = 7,
    study: StudyFlag = DEFAULT_STUDY,
) -> None:
    """Write a generated log and, beside it, the truth that was planted."""
    from livelift.errors import SettingsError
    from livelift.study import load_study
    from livelift.study_folders import GENERATORS
    from producer.sample_data import generator_of

    if events < 1 or (users is not None and users < 1):
        raise SettingsError("there is nothing to generate", "use --events and --users of 1 or more")
    if not -0.9 <= lift <= 10:
        raise SettingsError(f"--lift {lift} is not possible", "use a fraction from -0.9 to 10: 0.10 for +10 %")
    loaded = load_study(study)
    generate_log = generator_of(loaded)
    if generate_log is None:
        raise SettingsError(
            f"the study '{loaded.name}' has no generator",
            f"write {' or '.join(GENERATORS)} in {loaded.folder} (docs/12-studies.md), or give a study that has one: --study {DEFAULT_STUDY}",
        )
    with console.status(f"generating {events:,} events"):
        generate_log(out, events=events, users=users, lift=lift, seed=seed, study=loaded)
    say(f"wrote {out} and {out}.truth.json")
