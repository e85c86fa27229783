"""Identifies a process by its id and start time, since ids are reused."""

import os
from pathlib import Path
from typing import Any

import psutil


def identity(pid: int | None = None) -> dict[str, Any]:
    """`pid` (default: ours) with when it was started, to be written to a file."""
    own = os.getpid() if pid is None else pid
    return {"pid": own, "started": _started(own)}


def is_same_process(noted: dict[str, Any]) -> bool:
    """Does the process still run that `identity` told of? Not another one that has its number now, nor what is left of it."""
    started = _started(noted["pid"])
    return started is not None and started == noted.get("started")


def _started(pid: int) -> str | None:
    """When the process was started, as text to compare; None if there is none, or only its exit code is left."""
    try:
        if Path("/proc/self/stat").exists():  # exact there; elsewhere it is reckoned from a clock that can be set
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return None if fields[0] in "ZX" else f"{boot} {fields[19]}"
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.0f}"
    except (OSError, psutil.Error):
        return None
