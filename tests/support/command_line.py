"""Runs the command `livelift` in a test: its path, a small log for it, and waiting for what it does."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from livelift.study import load_study
from studies.lastfm import generator as lastfm_generator

LIVELIFT = Path(sys.executable).with_name("livelift")


def write_small_log(path: Path) -> Path:
    """A log of 60,000 events of 200 users without an effect; gives `path`."""
    lastfm_generator.generate(path, events=60_000, users=200, lift=0.0, seed=2, study=load_study("lastfm"))
    return path


def wait_until(reached: Callable[[], object], folder: Path, seconds: float = 60) -> None:
    """Until `reached` is true; an assertion with what the command wrote to `said.txt` if that takes too long."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, (folder / "said.txt").read_text()
        time.sleep(0.1)
