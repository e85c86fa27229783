"""`livelift close`: ends the study before its planned end, and records the deviation from the plan."""

from typing import Annotated

import typer

from cli.flags import DEFAULT_STUDY, RunFlag, StudyFlag, run_folder
from cli.show import console, show_verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("close", epilog='Example:  livelift close --reason "the launch was cancelled"')(close)


def close(
    reason: Annotated[str, typer.Option("--reason", help="Why, in your words: it stands in the verdict for good.")],
    study: StudyFlag = DEFAULT_STUDY,
    run: RunFlag = None,
) -> None:
    """End the study now: what is not proven by this look never will be. The printed guarantee then no longer holds."""
    from livelift.errors import SettingsError
    from livelift.study import load_study
    from local.closing import close_study, is_up

    loaded = load_study(study)
    if not reason.strip():
        raise SettingsError("--reason is empty", 'say why: livelift close --reason "the launch was cancelled"')
    folder = run_folder()
    document = close_study(
        folder, loaded, reason.strip(), run, lambda meant: console.print(f"closing run {meant}", markup=False)
    )
    if document is None:
        up = "" if is_up(folder) else ", once the stack is up: livelift up"
        console.print(
            f"noted: it closes at its next tick (a midnight of event time, or the end of the stream){up}",
            soft_wrap=True,
        )
    else:
        show_verdict(document, loaded)
