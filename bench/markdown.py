"""`python -m bench.markdown`: prints bench/results/ as the Markdown tables of docs/04-speed.md."""

import json
from pathlib import Path
from typing import Any

from bench.report import COLUMNS, cells, machine_line

RESULTS = Path("bench/results")
UNKNOWN = "–"
SHOWN = 5
"""Differences of two builds' answers that are listed."""


def as_markdown(report: dict[str, Any]) -> str:
    """The table of `latest.json`, with its machine and what was left out below."""
    without = "".join(f"\n{engine} was left out: {why}\n" for engine, why in report.get("left_out", {}).items())
    return f"{_table(COLUMNS, [cells(row) for row in report['rows']])}\n\n{machine_line(report)}\n{without}"


def latency_markdown(report: dict[str, Any]) -> str:
    """The table of `latency.json`."""
    columns = ("events/s", "seconds", "sessions", "p50 ms", "p99 ms", "max ms", "looked at Redis every")
    row = (
        f"{report['events_per_s']:,}",
        str(report["seconds"]),
        f"{report['sessions']:,}",
        str(report["p50_ms"]),
        str(report["p99_ms"]),
        str(report["max_ms"]),
        f"{report['look_ms']['p50']} ms",
    )
    return f"{_table(columns, [row])}\n\n{machine_line(report)}\n"


AGAINST = ("subject", "figure", "today", "base", "today / base", "run by run", "= oracle", "= each other", "runs")


def against_markdown(report: dict[str, Any]) -> str:
    """The table of `against_commit.json`, with the two builds, what was compared, and the machine below."""
    rows, builds = report["rows"], report["builds"]
    stages = {row["subject"]: row for row in rows if "compared" in row}
    events = sorted({f"{count:,}" for row in stages.values() for count in row["events"].values()})
    lines = [
        f"today: {builds['today']}; base: {builds['base']}" + (f"; {' or '.join(events)} events" if events else "")
    ]
    for subject, row in stages.items():
        lines.append(f"- {subject}, compared with each other: {row['compared']}")
        lines += [f"  - {different}" for different in row["different"][:SHOWN]]
        if (more := len(row["different"]) - SHOWN) > 0:
            lines.append(f"  - and {more} more")
    table, below = _table(AGAINST, [_against_cells(row) for row in rows]), "\n".join(lines)
    return f"{table}\n\n{below}\n\n{machine_line(report)}\n"


def _against_cells(row: dict[str, Any]) -> tuple[str, ...]:
    found = row["ratio"]
    form = {"CPU-s / M": "{:.2f}", "events/s": "{:,.0f}"}.get(row["figure"], "{:.1f}").format
    if "unseen" in row:
        wrong = [f"{count} sessions of {side} unseen" for side, count in row["unseen"].items() if count]
    else:
        wrong = [f"NO: {side}" for side, equal in row["equal_to_oracle"].items() if not equal]
    right = "all seen" if "unseen" in row else "yes"
    return (
        row["subject"] if row["part"] == "steady" or "unseen" in row else f"{row['subject']} ({row['part']})",
        row["figure"],
        form(row["today"]),
        form(row["base"]),
        f"**{_times(found['of_medians'])}**",
        f"{_times(found['lowest'])} – {_times(found['highest'])}",
        ", ".join(wrong) or right,
        {True: "yes", False: "no", None: UNKNOWN}[row.get("equal_to_each_other")],
        str(row["runs"]),
    )


def _times(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    for name, render in (
        ("latest.json", as_markdown),
        ("java_peers.json", as_markdown),
        ("nexmark_q11.json", as_markdown),
        ("latency.json", latency_markdown),
        ("against_commit.json", against_markdown),
    ):
        path = RESULTS / name
        if path.exists():
            print(render(json.loads(path.read_text())))


if __name__ == "__main__":
    main()
