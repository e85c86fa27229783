"""A small in-memory disk that a test can fill up; mounting it takes root, which CI is."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.tools import missing


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """The empty disk, mounted at `folder`."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "livelift", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        missing(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free; the file to remove to make room."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass  # no room for so much any more
    return filler
