"""`python -m bench.million_users`: cost per event with a million users and with a thousand, state size and recovery
time.

Cost per event, bytes of state a user, and the time that a processor needs after a kill -9 until it writes again with the
state of all users. Users are uniform, so that a batch of 20,000 events touches about as many of them.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench.batch_limit import PROGRAM
from bench.command import arguments_of, measure_and_report
from bench.kafka import Broker
from bench.machine import machine
from bench.measured import Span, steady_span
from bench.meter import Meter
from bench.processor_stage import OutputLog
from bench.report import machine_line
from bench.sending import BatchSender
from bench.stage import Bench, Rarely, bench_folder, bench_servers, watch
from bench.subject import Say, compare_sessions, event_times, skip_ms, write_sessions
from bench.uniform import UniformEvents, make_uniform
from livelift.errors import SettingsError
from livelift.events import Progress, Start, encode_control
from livelift.names import RunNames
from livelift.study import Study, load_study
from local.run_folder import Run
from producer.topics import create_topics

RESULTS = Path("bench/results/million_users.json")
EVENTS = 10_000_000
USERS = (1_000, 1_000_000)
ROWS_A_BATCH = 20_000
RATES = ("events_per_s", "cpu_s_per_million")
TOKEN_BYTES = 8
"""A changelog key is a writer's token and the user (docs/decisions/0001)."""


@dataclass(slots=True)
class State:
    """What a changelog holds after its run: of every user the size of the newest record, key and value, in bytes."""

    newest: dict[bytes, int] = field(default_factory=dict)
    records: int = 0

    @classmethod
    def read(cls, broker: Broker, topic: str) -> "State":
        state = cls()

        def take(_: int, records: list[Any]) -> None:
            for record in records:
                state.records += 1
                if record.value is not None and len(record.key) > TOKEN_BYTES:
                    state.newest[record.key[TOKEN_BYTES:]] = len(record.key) + len(record.value)

        broker.read(topic, take)
        return state


async def _fill(bench: Bench, names: RunNames, events: UniformEvents) -> None:
    """All events with progress marks; no end mark, so that sessions stay open."""
    manifest = events.manifest
    async with BatchSender(bench.servers.kafka.address, names.events, bench.partitions) as sender:
        await sender.send([], [], [], encode_control(Start(manifest.first, 0, manifest)), manifest.first)
        rows = 0
        for batch in pq.ParquetFile(events.path).iter_batches(ROWS_A_BATCH, columns=["user", "time", "value"]):
            users, times, values = (batch[name].to_pylist() for name in ("user", "time", "value"))
            rows += len(users)
            await sender.send(users, times, values, encode_control(Progress(times[-1], rows, manifest)), times[-1])


async def _nudge(bench: Bench, names: RunNames, events: UniformEvents) -> None:
    """A progress mark more on every partition: the processor has to write the partition's state, and nothing else."""
    manifest = events.manifest
    async with BatchSender(bench.servers.kafka.address, names.events, bench.partitions) as sender:
        await sender.send([], [], [], encode_control(Progress(manifest.last, manifest.rows, manifest)), manifest.last)


def measure(bench: Bench, study: Study, events: UniformEvents, users: int) -> dict[str, Any]:
    """Process all, look at the state, kill, restore."""
    run = Run(f"uniform-{users}", study.name, study.fingerprint, str(events.path), bench.partitions)
    bench.folder.save_run(run)
    names = bench.names(run)
    broker = bench.broker
    create_topics(bench.servers.kafka.address, names, bench.partitions)
    bench.say(f"filling {names.events} with {events.manifest.rows:,} events of {users:,} users")
    asyncio.run(_fill(bench, names, events))
    broker.make([names.output, names.dead_letters], bench.partitions)

    stations = bench.stations(run)
    began = time.time()
    child = stations.start("processor")
    meter = Meter(child.pid)
    try:
        bench.say("processing")
        everything = sum(broker.ends(names.events))
        acknowledged = Rarely(lambda: broker.committed(names.application, names.events) >= everything)
        watch([child], [meter], acknowledged, began)
        resident = _resident_bytes(child.pid)
        log = OutputLog.read(bench, names)
        state = State.read(broker, names.changelog)

        bench.say("killing and restoring")
        before = sum(broker.ends(names.changelog))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        restarted = time.time()
        child = stations.start("processor", name="processor-again")
        asyncio.run(_nudge(bench, names, events))
        restored_meter = Meter(child.pid)
        watched = watch(
            [child], [restored_meter], Rarely(lambda: sum(broker.ends(names.changelog)) > before), restarted
        )
    finally:
        stations.stop()
    steady = steady_span(log.progress(event_times(events.path, bench.partitions)), meter)
    written = bench.folder.root / "uniform_sessions.parquet"
    write_sessions(written, log.sessions)
    compared = compare_sessions(written, _expected(bench.folder.root, study, events))
    broker.drop([names.events, names.output, names.dead_letters, names.changelog])
    return {
        "users": users,
        "events": events.manifest.rows,
        **_rates(steady),
        "peak_mib": round(meter.peak_mib, 1),
        "resident_mib": round(resident / 2**20, 1),
        "sessions": len(log.sessions),
        "equal_to_batch": log.repeated == 0 and compared.equal,
        "left_open": compared.left_open,
        "users_with_state": len(state.newest),
        "changelog_records": state.records,
        "state_bytes_a_user": round(sum(state.newest.values()) / len(state.newest)),
        "largest_state_bytes": max(state.newest.values()),
        "restore_seconds": round(watched.ended - restarted, 1),
        "restore_cpu_seconds": round(restored_meter.used(), 1),
        "restored_peak_mib": round(restored_meter.peak_mib, 1),
    }


def _middle(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The run in the middle by CPU; equal only if all are."""
    middle = median_low(row["cpu_s_per_million"] for row in rows)
    row = next(row for row in rows if row["cpu_s_per_million"] == middle)
    return {**row, "equal_to_batch": all(row["equal_to_batch"] for row in rows)}


def _rates(span: Span | None) -> dict[str, float]:
    if span is None:
        raise SettingsError("there were too few events to see a steady rate", "ask for more: --events")
    return {"events_per_s": round(span.events_per_s), "cpu_s_per_million": round(span.cpu_s_per_million, 2)}


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _expected(root: Path, study: Study, events: UniformEvents) -> Path:
    """The sessions of all events by DuckDB; those still open at the end included."""
    target = root / "uniform_expected.parquet"
    windows = study.windows
    arguments = [events.path, target, windows.gap_ms, skip_ms(study)]
    subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], check=True, capture_output=True)
    return target


def run(events: int, users: tuple[int, int], runs: int, say: Say) -> dict[str, Any]:
    """Measure few users and many in turn, each with servers of its own, `runs` times.

    A row is the run in the middle by CPU; the ratio is the one in the middle of those of a run each.
    """
    study = load_study("lastfm")
    measured: dict[int, list[dict[str, Any]]] = {count: [] for count in users}
    for _ in range(runs):
        for count in users:
            uniform = make_uniform(bench_folder(), study, events, count)
            with bench_servers(say) as bench:
                measured[count].append(measure(bench, study, uniform, count))
            say(str(measured[count][-1]))
    few, many = (_middle(measured[count]) for count in users)
    ratios = [b["cpu_s_per_million"] / a["cpu_s_per_million"] for a, b in zip(*measured.values(), strict=True)]
    return {
        "machine": machine(),
        "runs": runs,
        "rows": [few, many],
        "each_run": [[{name: row[name] for name in RATES} for row in rows] for rows in measured.values()],
        "cost_ratio": round(median_low(ratios), 2),
        "each_ratio": [round(ratio, 2) for ratio in ratios],
        "resident_bytes_a_user": round(
            (many["resident_mib"] - few["resident_mib"]) * 2**20 / (many["users"] - few["users"])
        ),
    }


def show(report: dict[str, Any], console: Console) -> None:
    """Print a row for each number of users."""
    table = Table(title=f"cost at many users: × {report['cost_ratio']}", caption=machine_line(report))
    for column in (
        "users",
        "events/s",
        "CPU-s / M",
        "peak MiB",
        "state bytes a user",
        "largest",
        "restore s",
        "= batch",
    ):
        table.add_column(column, justify="right")
    for row in report["rows"]:
        names = ("users", "events_per_s", "cpu_s_per_million", "peak_mib", "state_bytes_a_user", "largest_state_bytes")
        table.add_row(
            *(f"{row[name]:,}" for name in names), str(row["restore_seconds"]), "yes" if row["equal_to_batch"] else "NO"
        )
    console.print(table)


def main() -> None:
    parser = arguments_of("million_users", __doc__, EVENTS, RESULTS)
    parser.add_argument("--users", type=int, nargs=2, default=USERS, metavar=("FEW", "MANY"))
    arguments = parser.parse_args()
    few, many = arguments.users
    measure_and_report(
        arguments,
        lambda say: run(arguments.events, (few, many), arguments.runs, say),
        lambda _: "",
        equal="equal_to_batch",
        table=show,
    )


if __name__ == "__main__":
    main()
