"""`python -m bench.markdown`: prints bench/results/ as the Markdown tables of docs/04-speed.md."""

import json
from pathlib import Path
from typing import Any

from bench.report import COLUMNS, cells, machine_line

RESULTS = Path("bench/results")


def as_markdown(report: dict[str, Any]) -> str:
    """The table of `latest.json`, with its machine below."""
    return f"{_table(COLUMNS, [cells(row) for row in report['rows']])}\n\n{machine_line(report)}\n"


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


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    for name, render in (("latest.json", as_markdown), ("latency.json", latency_markdown)):
        path = RESULTS / name
        if path.exists():
            print(render(json.loads(path.read_text())))


if __name__ == "__main__":
    main()
