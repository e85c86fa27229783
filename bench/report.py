"""Report of a benchmark: medians by engine and stage, as JSON and as a table."""

import json
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measured import Measured, Span


def row_of(engine: str, stage: str, runs: list[Measured]) -> dict[str, Any]:
    """A row of `latest.json`: medians over the runs.

    `events_per_s` and `cpu_s_per_million` are the steady part's where a job has one (`part` says which), `whole` holds
    the same with its start and its end.
    """
    steady = [run.steady for run in runs if run.steady is not None]
    spans = steady if len(steady) == len(runs) else [run.whole for run in runs]
    row: dict[str, Any] = {
        "engine": engine,
        "stage": stage,
        **_rates(spans),
        "peak_mib": round(median(run.peak_mib for run in runs), 1),
        "equal_to_oracle": all(run.equal for run in runs),
        "runs": len(runs),
        "events": runs[0].events,
        "part": "steady" if all(run.steady for run in runs) else "whole",
        "whole": {"seconds": round(median(run.whole.seconds for run in runs), 2), **_rates([r.whole for r in runs])},
        "servers_cpu_s_per_million": {
            name: round(median(run.servers_cpu_s_per_million[name] for run in runs), 2)
            for name in runs[0].servers_cpu_s_per_million
        },
        "each_run": [
            {**_rates([span]), "whole_seconds": round(run.whole.seconds, 2)}
            for span, run in zip(spans, runs, strict=True)
        ],
    }
    if any(run.left_open for run in runs):
        row["left_open"] = max(run.left_open for run in runs)
    return row


def _rates(spans: list[Span]) -> dict[str, float]:
    return {
        "events_per_s": round(median(span.events_per_s for span in spans)),
        "cpu_s_per_million": round(median(span.cpu_s_per_million for span in spans), 2),
    }


def write(report: dict[str, Any], path: Path) -> None:
    """Write the report, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(report, indent=1) + "\n")
    unfinished.replace(path)


COLUMNS = (
    "engine",
    "stage",
    "events",
    "events/s",
    "CPU-s / M",
    "whole: s",
    "whole: CPU-s / M",
    "peak MiB",
    "= oracle",
    "runs",
)


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table, as text."""
    equal = "yes" if row["equal_to_oracle"] else "NO"
    if row.get("left_open"):
        equal += f", {row['left_open']:,} left open"
    return (
        row["engine"],
        row["stage"],
        f"{row['events']:,}",
        f"{row['events_per_s']:,}",
        f"{row['cpu_s_per_million']:.2f}",
        f"{row['whole']['seconds']:.1f}",
        f"{row['whole']['cpu_s_per_million']:.2f}",
        f"{row['peak_mib']:.0f}",
        equal,
        str(row["runs"]),
    )


def machine_line(report: dict[str, Any]) -> str:
    """The machine in one line."""
    m = report["machine"]
    return f"{m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB, {m['system']}, Python {m['python']}, {m['measured_at']}"


def show(report: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table(title="events/s and CPU-seconds per million events, medians", caption=machine_line(report))
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("engine", "stage", "= oracle") else "right")
    for row in report["rows"]:
        table.add_row(*cells(row))
    console.print(table)
    for engine, why in report.get("left_out", {}).items():
        console.print(f"{engine} was left out: {why}")
