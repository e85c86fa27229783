"""Has a process ended?"""

import time

import psutil


def has_ended(pid: int, within: float = 5.0) -> bool:
    """Does process `pid` end within so many seconds? One that waits only for its new parent to collect it has ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False
