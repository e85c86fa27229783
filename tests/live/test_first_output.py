"""Every long-running command prints something within two seconds of a warm start."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command_line import LIVELIFT, write_small_log

LIMIT = 2.0
ATTEMPTS = 3
"""The best of them counts: the first start may be a cold one, and other tests run at the same time."""


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[float]:
    """Seconds until the command says its first line; stopped at the end, as by Ctrl-C."""
    began = time.monotonic()
    process = subprocess.Popen(
        [LIVELIFT, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = time.monotonic() - began
        assert line.strip(), "it ended without a word"
        yield took
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=40)
    assert process.returncode == 130, said


@pytest.mark.slow
def test_the_first_output_comes_within_two_seconds(tmp_path: Path) -> None:
    log = tmp_path / "log.tsv"
    write_small_log(log)
    demo, watch = [], []
    for _ in range(ATTEMPTS):
        with started(tmp_path, "demo", "--data", str(log), "--speed", "100000x") as seconds:
            demo.append(seconds)
            time.sleep(8)
            with started(tmp_path, "verdict", "--watch") as seconds:
                watch.append(seconds)
    assert min(demo) < LIMIT, demo
    assert min(watch) < LIMIT, watch
