"""Samples CPU time and peak memory of processes while they run.

A process counts with all its descendants: those alive by their own clocks, to the nanosecond; those that ended by their
parent's figures in /proc, which count in ticks of 10 ms. Samples carry wall time, so that what was used between any two
moments can be told afterwards (linear between samples).
"""

import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 0.05
MIB = 1024.0


class Meter:
    """One process and its descendants.

    Attributes
    ----------
    peak_mib
        The sum over its processes of each one's peak resident memory (`VmHWM`), MiB.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._times: list[float] = []
        self._cpu: list[float] = []
        self._peaks: dict[int, int] = {}

    @property
    def peak_mib(self) -> float:
        return sum(self._peaks.values()) / MIB

    def sample(self) -> None:
        """Note what it has used by now. A process that is gone adds nothing."""
        cpu = 0.0
        for pid in _tree(self.pid):
            used = _cpu_seconds(pid)
            if used is not None:
                cpu += used
                self._peaks[pid] = max(self._peaks.get(pid, 0), _peak_kib(pid))
        if cpu or not self._cpu:
            self._times.append(time.time())
            self._cpu.append(max(cpu, self._cpu[-1] if self._cpu else 0.0))

    def used(self, since: float | None = None, until: float | None = None) -> float:
        """CPU-seconds between two wall times; from its start, to its last sample, where they are not given."""
        begin = 0.0 if since is None else self._at(since)
        return (self._cpu[-1] if until is None else self._at(until)) - begin

    def _at(self, when: float) -> float:
        times, cpu = self._times, self._cpu
        i = bisect_left(times, when)
        if i == 0:
            return cpu[0]
        if i == len(times):
            return cpu[-1]
        share = (when - times[i - 1]) / (times[i] - times[i - 1])
        return cpu[i - 1] + share * (cpu[i] - cpu[i - 1])


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _tree(int(child))
    except OSError:
        return  # it ended while we looked


def _cpu_seconds(pid: int) -> float | None:
    """User and system time, its own and that of children it has waited for; None of a process that is gone."""
    try:
        own = time.clock_gettime(_clock_of(pid))
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return own + sum(map(int, fields[13:15])) / TICKS


def _clock_of(pid: int) -> int:
    """The CPU-time clock of another process, as clock_getcpuclockid(3) of Linux numbers it, which Python doesn't offer."""
    return ~pid << 3 | 2


def _peak_kib(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass  # it ended while we looked
    return 0
