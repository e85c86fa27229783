"""The engines that the bench compares with: how the program of each is started, and what has to be installed for it.

The Python peers come with `make bench`. Kafka Streams and Flink need a JDK and Maven, which no wheel brings: without
them the bench goes on, and says which it left out.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from livelift.errors import ResourceError

PYTHON = Path(os.environ.get("LIVELIFT_PEERS_PYTHON", ".venv-peers/bin/python"))
FLINK_ENVIRONMENT = Path(".venv-flink")
BUILT = Path(".cache/bench")
"""What Maven compiled and fetched; a file `.built` in each folder is written last."""
KAFKA_STREAMS = BUILT / "kafka-streams"
FLINK = BUILT / "flink"
PROGRAMS = Path(__file__).parent / "peers"


class Closes(Enum):
    """When a peer gives a session out."""

    AT_THE_END = "when its source has ended"
    AT_THE_NEXT_EVENT = "at the user's next event: each user's last session stays open"
    AS_TIME_PASSES = "when event time has passed its gap: the last sessions of a topic stay open"


@dataclass(frozen=True, slots=True)
class Program:
    """How to run one: `command` gives program and arguments for a data folder, `missing` what it lacks, or nothing."""

    name: str
    most_events: int
    closes: Closes
    command: Callable[[Path], list[str | Path]]
    missing: Callable[[], str]
    optional: bool = False
    """A bench of everything goes on without it."""


def _python(program: str, *arguments: str) -> list[str | Path]:
    return [PYTHON.absolute(), PROGRAMS / program, *arguments]


def _bytewax(data: Path) -> list[str | Path]:
    """With recovery, a snapshot a second: without, nothing would be kept."""
    subprocess.run([PYTHON, "-m", "bytewax.recovery", data, "1"], check=True, capture_output=True)
    flow = f"{PROGRAMS / 'bytewax_app.py'}:flow"
    kept = ("--recovery-directory", data, "--snapshot-interval", "1", "--backup-interval", "0")
    return [PYTHON.absolute(), "-m", "bytewax.run", flow, *kept]


def _kafka_streams(_: Path) -> list[str | Path]:
    class_path = f"{KAFKA_STREAMS / 'classes'}:{KAFKA_STREAMS / 'lib'}/*"
    return ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", class_path, "peers.Sessions"]


def _flink(program: str, _: Path) -> list[str | Path]:
    (connector,) = FLINK.glob("flink-sql-connector-kafka-*.jar")
    return [FLINK_ENVIRONMENT.absolute() / "bin" / "python", PROGRAMS / program, connector.absolute()]


def _no_python() -> str:
    return "" if PYTHON.exists() else f"there is no {PYTHON}; make it: make .venv-peers/.installed"


def not_built(folder: Path, *needed: Path) -> str:
    """What a peer in Java lacks: programs on the path, or what `make` leaves in its folder; empty if all is there."""
    built = all(file.exists() for file in (folder / ".built", *needed))
    if absent := [name for name in (("java",) if built else ("java", "javac", "mvn")) if shutil.which(name) is None]:
        return f"there is no {' and no '.join(absent)} on the path; install a JDK, version 17 or later, and Maven"
    return "" if built else f"it is not built; build it: make {folder}/.built"


def required(peer: Program) -> Program:
    """The peer itself.

    Raises
    ------
    ResourceError
        If it cannot run here.
    """
    if why := peer.missing():
        what, _, remedy = why.partition("; ")
        raise ResourceError(f"{peer.name} cannot be measured: {what}", remedy)
    return peer


def flink(program: str) -> Program:
    """One of the programs on Flink SQL."""
    missing = partial(not_built, FLINK, FLINK_ENVIRONMENT / ".installed")
    return Program("flink", 2_000_000, Closes.AS_TIME_PASSES, partial(_flink, program), missing, optional=True)


PEERS = (
    Program(
        "faust",
        60_000,
        Closes.AT_THE_NEXT_EVENT,
        lambda _: _python("faust_app.py", "worker", "--without-web", "--loglevel=warn"),
        _no_python,
    ),
    Program("quix", 2_000_000, Closes.AT_THE_NEXT_EVENT, lambda _: _python("quix_app.py"), _no_python),
    Program("bytewax", 2_000_000, Closes.AT_THE_END, _bytewax, _no_python),
    Program(
        "kafka-streams",
        2_000_000,
        Closes.AS_TIME_PASSES,
        _kafka_streams,
        partial(not_built, KAFKA_STREAMS),
        optional=True,
    ),
    flink("flink_app.py"),
)
