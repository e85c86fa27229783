"""`livelift demo`: runs the whole pipeline on this machine, from a log of events to the verdict."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli.flags import (
    DEFAULT_STUDY,
    DataFlag,
    FromFlag,
    JsonFlag,
    PartitionsFlag,
    SpeedFlag,
    StudyFlag,
    ToFlag,
    check_partitions,
    run_folder,
    selection,
)
from cli.interrupts import interruption
from cli.messages import say
from cli.show import console, show_verdict

if TYPE_CHECKING:
    from livelift.document import Document
    from local.run_folder import RunFolder

KEEP_SECONDS = 0.5
"""How often servers and stations are looked after while the verdict can be asked for."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Examples:  livelift demo   livelift demo --exit --json --data log.tsv > verdict.json")(
        demo
    )


def demo(
    study: StudyFlag = DEFAULT_STUDY,
    data: DataFlag = None,
    speed: SpeedFlag = "max",
    exit_: Annotated[bool, typer.Option("--exit", help="Stop when the verdict is there, without waiting.")] = False,
    json_: JsonFlag = False,
    partitions: PartitionsFlag = 4,
    from_: FromFlag = None,
    to: ToFlag = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Compare the end with the DuckDB oracle.")] = True,
) -> None:
    """Replay a log of events through real Kafka, Faust and Redis, and show the verdict."""
    from cli.live import LiveTerminal
    from livelift.document import encode
    from livelift.settings import check_stations
    from livelift.study import load_study
    from livelift.study_folders import study_flag
    from local.demo import DemoPlan
    from local.demo import demo as demo_of
    from local.input import find_input
    from local.pipeline_reading import PipelineReader
    from local.stack import whereabouts
    from producer.pacing import parse_speed

    loaded = load_study(study)
    check_stations()
    check_partitions(partitions)
    parse_speed(speed)
    first, until = selection(from_, to)
    folder = run_folder()
    with folder.only_stack():  # before a log is generated in it
        path = find_input(data, loaded, folder, say)
        plan = DemoPlan(loaded, path, partitions, speed, first, until)
        console.print("starting Kafka and Redis …")
        with demo_of(folder, plan, say) as (servers, run):
            with LiveTerminal(console, loaded, PipelineReader(folder.metric_targets, loaded.name)) as terminal:
                interruption.hint = "this run was not complete; livelift runs lists what is kept"

                def watch(newest: "Document | None") -> None:
                    interruption.raise_if_noted()
                    terminal.update(newest)

                document = run.watch(watch)
                interruption.hint = ""
            if check:
                _compare(document, plan, folder)
            if json_:
                typer.echo(encode(document, indent=1))
            else:
                show_verdict(document, loaded)
            flag = study_flag(loaded.name, loaded.folder)
            later = f"livelift verdict{flag}" + (f", livelift tables{flag}" if loaded.table_names else "")
            console.print(
                f"the verdict is in Redis, under livelift:{loaded.name}:verdict — later: {later}", soft_wrap=True
            )
            if not exit_:
                say(f"{whereabouts(servers)} — Ctrl-C stops them")
                while True:
                    run.supervisor.look_after()
                    interruption.raise_if_noted()
                    time.sleep(KEEP_SECONDS)


def _compare(document: "Document", plan: object, folder: "RunFolder") -> None:
    """Say whether the live document and tables are equal to the oracle's; an error if they are not."""
    from batch.document import batch_answer
    from livelift.errors import StateError
    from local.demo import DemoPlan
    from local.equality import differences
    from local.verdict_reader import read_tables, redis_client

    assert isinstance(plan, DemoPlan)
    started = time.monotonic()
    with console.status("computing the same in DuckDB"):
        oracle = batch_answer(plan.data, plan.study, select_from=plan.select_from, select_to=plan.select_to)
    if document.deviations:
        console.print("a person closed the study early: the batch knows nothing of that, so the two are not compared")
        return
    found = list(differences(document, oracle.document))
    names = plan.study.all_tables
    if names:
        with redis_client(folder) as client:
            live = read_tables(client, plan.study, names, document.run)
        found += differences({"tables": live.rows}, {"tables": oracle.tables})
    if found:
        raise StateError(
            f"the live result differs from the batch's in {len(found)} places: {'; '.join(found[:5])}",
            "this is a defect of livelift: please report it with the data",
        )
    what = "every number, tables too" if names else "every number"
    console.print(f"equal to the DuckDB oracle, {what} ({time.monotonic() - started:.1f} s)")
