"""`livelift up`, `replay`, `process`, `stats`, `stop`, `reset`: starts and stops the local stack and its stations."""

import os
import signal
import time
from typing import Annotated

import typer

from cli.flags import (
    DEFAULT_STUDY,
    DataFlag,
    FromFlag,
    PartitionsFlag,
    RunFlag,
    SpeedFlag,
    StudyFlag,
    ToFlag,
    check_partitions,
    run_folder,
    selection,
)
from cli.interrupts import interruption
from cli.messages import say
from cli.show import console
from livelift.settings import check_stations
from local.run_folder import RunFolder

KafkaFlag = Annotated[str | None, typer.Option("--kafka", help="HOST:PORT of the broker (or LIVELIFT_KAFKA).")]
RedisFlag = Annotated[str | None, typer.Option("--redis", help="URL of Redis (or LIVELIFT_REDIS).")]

STOP_SECONDS = 30.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up", epilog="Example:  livelift up   and in another terminal:  livelift replay")(up)
    app.command("replay", epilog="Example:  livelift replay --data log.tsv --speed 86400x")(replay)
    app.command("process", epilog="Example:  livelift process --kafka 127.0.0.1:9092")(process)
    app.command("stats", epilog="Example:  livelift stats --redis redis://127.0.0.1:6379/0")(stats)
    app.command("stop", epilog="Example:  livelift stop")(stop)
    app.command("reset", epilog="Example:  livelift reset --yes")(reset)


def up(
    kafka_port: Annotated[int | None, typer.Option("--kafka-port", help="Default: a free one.")] = None,
    redis_port: Annotated[int | None, typer.Option("--redis-port", help="Default: a free one.")] = None,
) -> None:
    """Start Kafka, Redis and the stations, until Ctrl-C or `livelift stop`."""
    from local import stack

    check_stations()
    stack.up(run_folder(), kafka_port, redis_port, say, interruption.raise_if_noted)


def replay(
    study: StudyFlag = DEFAULT_STUDY,
    data: DataFlag = None,
    speed: SpeedFlag = "max",
    partitions: PartitionsFlag = 4,
    from_: FromFlag = None,
    to: ToFlag = None,
    kafka: KafkaFlag = None,
    new_run: Annotated[bool, typer.Option("--new-run", help="Begin anew, even if this replay can be resumed.")] = False,
) -> None:
    """Replay a log of events onto Kafka; an interrupted replay of the same input goes on where it was."""
    from cli.foreground import station_here, until_asked
    from cli.replay_progress import ReplayProgress
    from exporter.server import serve
    from livelift import logs
    from livelift.settings import METRICS_PORTS
    from livelift.study import load_study
    from local.addresses import kafka_address, require_kafka, require_no_demo
    from local.input import find_input, require_room
    from local.replaying import run_for_replay
    from producer.app import run_producer
    from producer.pacing import parse_speed
    from producer.prepare import prepare
    from producer.prometheus_edge import ProducerMetrics
    from producer.report import Interrupted, Report
    from producer.settings import ProducerSettings
    from producer.sources import Selection

    pace, loaded, folder = parse_speed(speed), load_study(study), run_folder()
    check_partitions(partitions)
    first, until = selection(from_, to)
    require_no_demo(folder, kafka)
    address_of_kafka = kafka_address(folder, kafka)
    if data is None:
        require_kafka(address_of_kafka)  # a log may have to be generated for it
    path = find_input(data, loaded, folder, say)
    if folder.stack() is not None:
        require_room(path, loaded.source, folder.kafka)
    selected = Selection(first, until)
    run, fresh = run_for_replay(folder, loaded, path, partitions, selected, fresh=new_run)
    settings = ProducerSettings(address_of_kafka, study, run.run, path, folder.cache, partitions, pace, first, until)
    with (
        station_here(folder, "producer", loaded.name) as address,
        until_asked() as stopped,
        ReplayProgress(console) as progress,
    ):
        logs.set_up("producer", folder.logs(run.run) / "producer.log")
        metrics = ProducerMetrics(loaded.name, pace)
        serve(metrics.instruments, address, METRICS_PORTS["producer"])

        def report(said: Report) -> None:
            metrics(said)
            progress(said)

        begun = False
        try:
            if fresh:
                # Only an input that can be replayed, to a broker that is there, takes the place of the run that works.
                prepare(loaded, path, folder.cache, selected, report, stopped)
                require_kafka(address_of_kafka)
                folder.save_run(run)
                begun = True
            console.print(f"run {run.run}: {'a new run' if fresh else 'going on where it was'}")
            manifest = run_producer(settings, report, stopped)
        except Interrupted:
            raise KeyboardInterrupt from None
        finally:
            if fresh and not begun:
                folder.forget_run(run.run)
    if stopped():
        interruption.hint = "livelift replay goes on from here"
        raise KeyboardInterrupt
    console.print(
        f"{manifest.accepted:,} events sent, {sum(manifest.rejected.values()):,} rejected, "
        f"{manifest.duplicates:,} duplicates"
    )


def process(study: StudyFlag = DEFAULT_STUDY, kafka: KafkaFlag = None, run: RunFlag = None) -> None:
    """Run one processor worker of the current run; more of them share the partitions."""
    from cli.foreground import note_signals, station_here

    note_signals()  # before the imports below start threads of their own
    from livelift.study import load_study
    from local.addresses import kafka_address
    from local.replaying import require_current_run
    from processor.run import run_worker

    check_stations()
    folder = run_folder()
    kafka = kafka_address(folder, kafka)
    loaded = load_study(study)
    run = require_current_run(folder, run, loaded)
    _log_to_file("processor", folder, run)
    with station_here(folder, "processor", loaded.name) as address:
        run_worker(kafka, study, run, address)


def stats(
    study: StudyFlag = DEFAULT_STUDY, kafka: KafkaFlag = None, redis: RedisFlag = None, run: RunFlag = None
) -> None:
    """Run the stats station of the current run."""
    from livelift.one_thread import use_one_thread

    use_one_thread()
    from cli.foreground import note_signals, station_here, until_asked

    note_signals()  # before the imports below start threads of their own
    from livelift.study import load_study
    from local.addresses import kafka_address, redis_url
    from local.replaying import require_current_run
    from stats.run import run_stats
    from stats.settings import StatsSettings

    check_stations()
    folder = run_folder()
    kafka, redis = kafka_address(folder, kafka), redis_url(folder, redis)
    loaded = load_study(study)
    run = require_current_run(folder, run, loaded)
    _log_to_file("stats", folder, run)
    config = StatsSettings(kafka, redis, study, run)
    with station_here(folder, "stats", loaded.name) as address, until_asked() as stopped:
        run_stats(config, address, stopped=stopped)
    raise KeyboardInterrupt


def _log_to_file(station: str, folder: RunFolder, run: str) -> None:
    """The station's log goes to a file, and what it has to say to a person also here."""
    from livelift import logs

    file = folder.logs(run) / f"{station}-{os.getpid()}.log"
    logs.set_up(station, file, tell=True)
    console.print(f"{station} of run {run}; Ctrl-C stops it; log: {file}", soft_wrap=True)


def stop() -> None:
    """Stop the stack that is up in this folder."""
    from livelift.errors import ResourceError

    folder = run_folder()
    owner = folder.owner()
    if owner is None:
        console.print("no stack is up")
        return
    os.kill(owner, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while folder.owner() == owner:
        if time.monotonic() > deadline:
            raise ResourceError(f"the stack (process {owner}) does not stop", f"kill -9 {owner}")
        time.sleep(0.1)
    console.print("stopped; the verdict can still be read: livelift verdict")


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    study: Annotated[
        str | None, typer.Option("--study", help="Only those of this study (its name or folder); default: of all.")
    ] = None,
) -> None:
    """Remove all runs, caches and kept verdicts of this folder, or those of one study."""
    from local.resetting import reset as clear
    from local.resetting import reset_study, study_to_reset

    folder = run_folder()
    name = None if study is None else study_to_reset(folder, study)
    what = f"everything in {folder.root}" if name is None else f"all that {folder.root} has of study {name}"
    if not yes:
        typer.confirm(f"remove {what}?", abort=True)
    if name is None:
        clear(folder)
        console.print(f"{folder.root} is gone")
    else:
        reset_study(folder, name)
        console.print(f"nothing of study {name} is left in {folder.root}")
