"""`python -m bench`: measures the stages and the peers, prints one table, writes bench/results/latest.json."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from bench.bench import OURS, Choice, Options, run_bench
from bench.peer_programs import PEERS
from bench.report import show, write
from bench.subject import EVENTS, FULL
from livelift.errors import LiveliftError

RESULTS = Path("bench/results/latest.json")

console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 130)


def main() -> None:
    arguments = _arguments()
    try:
        report = run_bench(
            Options(
                events=FULL if arguments.full else arguments.events,
                runs=arguments.runs,
                only=tuple(Choice.parse(text) for text in arguments.only),
                data=arguments.data,
                partitions=arguments.partitions,
            ),
            console.print,
        )
    except LiveliftError as error:
        console.print(str(error))
        sys.exit(error.exit_code)
    show(report, console)
    if arguments.out:
        write(report, arguments.out)
        console.print(f"wrote {arguments.out}")
    if not all(row["equal_to_oracle"] for row in report["rows"]):
        console.print("a result is not the oracle's")
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"about how many events (default {EVENTS:,})")
    parser.add_argument("--full", action="store_true", help=f"as many as were published: {FULL:,}")
    parser.add_argument("--data", type=Path, help="a listening log of yours instead of generated events")
    parser.add_argument(
        "--runs", type=int, default=3, help="runs of each, in turn; the table holds medians (default 3)"
    )
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ENGINE[:STAGE]",
        help=f"measure only this; again for more: livelift:{{{','.join(OURS)}}}, duckdb, {', '.join(peer.name for peer in PEERS)}",
    )
    parser.add_argument("--out", type=Path, help=f"write the results here (default {RESULTS}, unless --only is given)")
    arguments = parser.parse_args()
    if arguments.out is None and not arguments.only:
        arguments.out = RESULTS
    return arguments


main()
