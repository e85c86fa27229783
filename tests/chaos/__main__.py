"""`python -m tests.chaos --seed N`: one run of a seed's faults; exit code 1 if it ends wrong, or not at all."""

import argparse
import sys

from tests.chaos.run import EVENTS, SECONDS, run_chaos
from tests.chaos.schedule import schedule


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--seed", type=int, required=True, help="the schedule of faults: the same seed gives the same one"
    )
    parser.add_argument("--events", type=int, default=EVENTS, help=f"about how many events (default {EVENTS:,})")
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help=f"how long the replay takes without faults (default {SECONDS:.0f})",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the folder with all logs, also of a run that ends well"
    )
    given = parser.parse_args()
    report = run_chaos(schedule(given.seed, given.seconds), events=given.events, keep=given.keep)
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
