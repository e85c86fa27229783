"""A disk that fills up in the middle of a run: said at once, and after room was made the replay goes on to the same end.

The disk is a small one in memory, mounted for the test, which takes root; CI is root.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.document import batch_document
from livelift.study import load_study
from local.equality import differences
from local.run_folder import RunFolder
from local.verdict_reader import read_newest, redis_client
from producer.sources import lastfm_generator
from tests.live.test_interrupt import processes_of

LIVELIFT = Path(sys.executable).with_name("livelift")
STUDY = load_study("lastfm")
SIZE_MIB = 700  # the broker asks for 512 before it starts


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "livelift", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        words = f"a small disk cannot be mounted: {mounted.stderr.strip()}"
        if os.environ.get("LIVELIFT_REQUIRE_TOOLS"):
            pytest.fail(words)
        pytest.skip(words)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def up(folder: Path) -> subprocess.Popen[str]:
    stack = subprocess.Popen([LIVELIFT, "up"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while RunFolder(folder / ".livelift").stack() is None:
        assert stack.poll() is None, stack.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return stack


def replay(folder: Path, data: Path, speed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [LIVELIFT, "replay", "--data", str(data), "--speed", speed], cwd=folder, stderr=subprocess.PIPE, text=True
    )


def test_a_disk_that_fills_up_is_said_and_the_replay_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    data = tmp_path / "log.tsv"
    lastfm_generator.generate(data, events=60_000, users=200, lift=0.0, seed=2, study=STUDY)
    folder = RunFolder(small_disk / ".livelift")
    filler = small_disk / "filler"

    stack = up(small_disk)
    sending = replay(small_disk, data, "400000x")
    with redis_client(folder) as client:
        deadline = time.monotonic() + 60
        while (document := read_newest(client, STUDY.name)) is None or document["input"]["accepted"] < 5_000:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
        except OSError:
            pass  # it is full
    _, said = stack.communicate(timeout=60)
    sending.send_signal(signal.SIGINT)
    _, told = sending.communicate(timeout=150)
    assert stack.returncode > 1
    assert "fix:" in said
    assert "full" in said
    assert "Traceback" not in said + told
    assert processes_of(small_disk) == []

    filler.unlink()
    stack = up(small_disk)
    sending = replay(small_disk, data, "max")
    _, told = sending.communicate(timeout=60)
    assert sending.returncode == 0, told
    assert "going on where it was" in told
    with redis_client(folder) as client:
        deadline = time.monotonic() + 60
        while (document := read_newest(client, STUDY.name)) is None or not document["progress"]["ended"]:
            assert time.monotonic() < deadline, document
            time.sleep(0.2)
    stack.send_signal(signal.SIGINT)
    assert stack.wait(timeout=30) == 130
    twin, _ = batch_document(data, STUDY)
    assert list(differences(document, twin)) == []
