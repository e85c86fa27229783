"""`python -m bench.tables`: the live tables of the study `shows`, by our processor and stats, and the same tables by Bytewax and Polars.

Ours keep the users' rows, their segments and the verdict too, durably and exactly once; Bytewax keeps groups and gives them out at the end,
Polars reads a file once. All are compared with the batch oracle.
"""

import json
import os
import shutil
import subprocess
import time
from dataclasses import replace
from functools import cached_property
from math import isclose
from pathlib import Path
from typing import Any

import duckdb

from batch.oracle import Oracle
from bench.command import arguments_of, measure_and_report
from bench.machine import machine
from bench.measured import Measured, Span
from bench.meter import Meter
from bench.peer_programs import PROGRAMS, PYTHON
from bench.processor_stage import filled_run, measure_processor
from bench.report import row_of
from bench.stage import Bench, bench_folder, bench_servers, servers_cpu, watch
from bench.stats_stage import measure_stats
from bench.subject import Say, Subject, write_sessions
from livelift.errors import ResourceError
from livelift.sessions import session_measures
from livelift.study import Study, load_study
from local.processes import ChildProcess
from local.verdict_reader import read_tables
from stats.edges.redis_connection import connect
from studies.shows import generator

EVENTS = 1_000_000
RESULTS = Path("bench/results/tables.json")
BATCH = "polars"

Groups = dict[str, list[float]]
"""JSON of table, window and keys → views, users, hours, completion."""


class Views(Subject):
    """Viewings, each a session by itself, with the oracle's tables."""

    @cached_property
    def sessions(self) -> Path:
        """None: a processor that writes one is wrong."""
        target = self.data.with_name(f"{self.data.stem}-sessions.parquet")
        write_sessions(target, [], session_measures(self.study).names)
        return target

    @cached_property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        with Oracle(self.data, self.study) as oracle:
            return oracle.tables()

    @cached_property
    def columns(self) -> Path:
        """The events as a batch engine would have them: Parquet with user, time and the fields as columns."""
        target = self.data.with_name(f"{self.data.stem}-columns.parquet")
        fields = ", ".join(
            f"(decode(value)->>'{name}'){'::BIGINT' if field.type == 'integer' else ''} AS {name}"
            for name, field in self.study.fields.items()
        )
        with duckdb.connect() as database:
            database.execute(
                f"COPY (SELECT \"user\", time, {fields} FROM '{self.prepared.events}') TO '{target}' (FORMAT parquet)"
            )
        return target


def make_views(folder: Path, study: Study, events: int) -> Path:
    """A file of so many viewings, made unless it is there."""
    path = folder / "generated" / f"views-{events}-seed7.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        generator.generate(path, events=events, lift=0.15, study=study)
    return path


def peer_tables(study: Study) -> dict[str, tuple[str, list[str]]]:
    """Table of events → window and keys."""
    return {name: (table.window, table.by) for name, table in study.tables.items()}


def expected_groups(subject: Views) -> Groups:
    found: Groups = {}
    for name, (window, keys) in peer_tables(subject.study).items():
        for row in subject.tables[name]:
            key = json.dumps([name, "" if window == "all" else row[window], *(row[one] for one in keys)])
            found[key] = [row["views"], row["users"], row["watch_hours"], row["completion"]]
    return found


def groups_of(rows: list[tuple[list[Any], dict[str, Any]]]) -> Groups:
    """What a peer has written, as it is shown."""
    return {
        json.dumps(name): [row["views"], row["users"], row["watched"] / 3600, 100 * row["completion"] / row["views"]]
        for name, row in rows
    }


def equal(found: Groups, wanted: Groups) -> bool:
    """All groups, to a billionth: quotients are rounded."""
    return found.keys() == wanted.keys() and all(
        isclose(one, other, rel_tol=1e-8) for key in wanted for one, other in zip(found[key], wanted[key], strict=True)
    )


def measure_ours(bench: Bench, subject: Views, number: int) -> list[Measured]:
    """Processor, then stats over what it wrote; both are right if the tables in Redis are."""
    processor = measure_processor(bench, subject, number)
    stats = measure_stats(bench, subject, number)
    study = subject.study
    live = read_tables(connect(bench.servers.redis.url), study, study.all_tables, filled_run(bench, subject).run)
    if live.rows != subject.tables:
        raise ResourceError("the tables in Redis are not the oracle's", "this is a defect: livelift demo --study shows")
    return [processor, stats]


def measure_bytewax(bench: Bench, subject: Views, number: int) -> Measured:
    run = filled_run(bench, subject)
    output = f"bytewax-tables-{number}"
    bench.broker.make([output], bench.partitions)
    data = bench.folder.root / "peers" / output
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    subprocess.run([PYTHON, "-m", "bytewax.recovery", data, "1"], check=True, capture_output=True)
    command: list[str | Path] = [
        PYTHON.absolute(), "-m", "bytewax.run", f"{PROGRAMS / 'bytewax_tables.py'}:flow",
        "--recovery-directory", data, "--snapshot-interval", "1", "--backup-interval", "0",
    ]  # fmt: skip
    environment = os.environ | {
        "BROKER": bench.servers.kafka.address,
        "EVENTS": bench.names(run).events,
        "OUTPUT": output,
        "TABLES": json.dumps(peer_tables(subject.study)),
    }
    measured = _measure(bench, subject, "bytewax", command, environment)
    rows: list[tuple[list[Any], dict[str, Any]]] = []
    bench.broker.read(output, lambda _, records: rows.extend((json.loads(r.key), json.loads(r.value)) for r in records))
    bench.broker.drop([output])
    return _judged(measured, groups_of(rows), subject)


def measure_polars(bench: Bench, subject: Views, number: int) -> Measured:
    target = bench.folder.root / f"polars-tables-{number}.jsonl"
    command: list[str | Path] = [PYTHON.absolute(), PROGRAMS / "polars_tables.py", subject.columns, target, json.dumps(peer_tables(subject.study))]  # fmt: skip
    measured = _measure(bench, subject, BATCH, command, os.environ | {"POLARS_MAX_THREADS": "1"})
    return _judged(measured, groups_of([json.loads(line) for line in target.read_text().splitlines()]), subject)


def _measure(
    bench: Bench, subject: Views, name: str, command: list[str | Path], environment: dict[str, str]
) -> Measured:
    """One run of a program, to its end."""
    servers = bench.server_meters()
    began = time.time()
    child = ChildProcess(name, command, bench.folder.root / f"{name}.log", environment=environment)
    meter = Meter(child.pid)
    try:
        watched = watch([child], [meter, *servers.values()], lambda: child.poll() == 0, began)
    finally:
        child.stop()
    return Measured(
        events=subject.events,
        whole=Span(watched.ended - began, subject.events, meter.used()),
        steady=None,
        peak_mib=meter.peak_mib,
        equal=False,
        servers_cpu_s_per_million=servers_cpu(servers, began, watched.ended, subject.events),
    )


def _judged(measured: Measured, found: Groups, subject: Views) -> Measured:
    return replace(measured, equal=equal(found, expected_groups(subject)))


def run(events: int, runs: int, say: Say) -> dict[str, Any]:
    """Start servers, measure in turn, stop."""
    if not PYTHON.exists():
        raise ResourceError(f"there is no {PYTHON}", "make it: make .venv-peers/.installed")
    root, study = bench_folder(), load_study("shows")
    subject = Views(root, study, make_views(root, study, events), say)
    measured: dict[tuple[str, str], list[Measured]] = {}
    with bench_servers(say) as bench:
        for number in range(runs):
            ours = measure_ours(bench, subject, number)
            found = {
                ("livelift", "processor, tables"): ours[0],
                ("livelift", "stats, tables"): ours[1],
                ("bytewax", "tables"): measure_bytewax(bench, subject, number),
                (BATCH, "tables, batch"): measure_polars(bench, subject, number),
            }
            for row, one in found.items():
                measured.setdefault(row, []).append(one)
    return {
        "machine": machine(),
        "rows": [row_of(*row, each) for row, each in measured.items()],
        "tables": len(study.tables),
        "groups": len(expected_groups(subject)),
        "users": len(subject.tables["users"]),
    }


def main() -> None:
    arguments = arguments_of(
        "tables", __doc__, EVENTS, RESULTS, of_events=f"viewings (default {EVENTS:,})"
    ).parse_args()
    measure_and_report(
        arguments,
        lambda say: run(arguments.events, arguments.runs, say),
        lambda report: f"{report['tables']} tables of {report['groups']:,} groups; ours also {report['users']:,} users' rows",
    )  # fmt: skip


if __name__ == "__main__":
    main()
