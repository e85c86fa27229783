"""What has to hold at the end of a run, whatever was done to it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from livelift.document import Document, HistoryEntry
from local.dead_letters import read_dead_letters
from local.equality import differences, history_differences
from local.verdict_reader import read_history, read_verdict
from tests.chaos.stack import Stack

SHOWN = 10
"""Differences that are told one by one."""


def wrong(stack: Stack, document: Document, history: list[HistoryEntry]) -> Iterator[str]:
    """Every place where what Redis holds is not the batch's `document` and `history`."""
    name, run = stack.names.study, stack.run.run
    live = read_verdict(stack.client, name, run=run)
    yield from _shown("the document", list(differences(live, document)))
    yield from _shown("the history", list(history_differences(read_history(stack.client, name, run), history)))
    if read_verdict(stack.client, name, preview=True) != live:
        yield "the study's public verdict is not the run's"
    strange = [letter for letter in read_dead_letters(stack.kafka.address, stack.names) if "offset" in letter]
    if strange:
        yield f"{len(strange)} events are dead letters, the first: {strange[0]}"


def _shown(what: str, found: list[str]) -> Iterator[str]:
    if found:
        yield f"{what} differs from the batch's in {len(found)} places: {'; '.join(sorted(found)[:SHOWN])}"


def strays(folder: Path, but: set[int], within: float = 5.0) -> list[str]:
    """Processes that work in or for `folder` and whose process group is none of `but`, after at most so many seconds."""
    deadline = time.monotonic() + within
    while (found := _of_folder(folder, but)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _of_folder(folder: Path, but: set[int]) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == psutil.Process().pid or _group(process.pid) in but:
                continue
            if process.status() == psutil.STATUS_ZOMBIE:
                continue  # it waits for whoever collects the orphans
            places = (process.cwd(), process.environ().get("LIVELIFT_FOLDER", ""))
            if any(Path(place).is_relative_to(folder) for place in places if place):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
