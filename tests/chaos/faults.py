"""What each kind of fault does to the stack, when it begins and when it ends."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush

import redis

from tests.chaos.schedule import Fault
from tests.chaos.servers import copy_of_redis, put_back
from tests.chaos.stack import Stack

SLOW_BYTES_A_SECOND = 20_000.0
COPIES = "copies"

Say = Callable[[str], None]
Act = Callable[[Stack, Fault], None]


def _signal(number: signal.Signals) -> Act:
    def act(stack: Stack, fault: Fault) -> None:
        with suppress(ProcessLookupError):  # it has ended, and is not started again yet
            os.kill(stack.process(fault.target).pid, number)

    return act


def _thaw(stack: Stack, fault: Fault) -> None:
    _signal(signal.SIGCONT)(stack, fault)


def _stall(stack: Stack, fault: Fault) -> None:
    for link in stack.links(fault.target):
        link.stall()


def _slow(stack: Stack, fault: Fault) -> None:
    for link in stack.links(fault.target):
        link.slow(SLOW_BYTES_A_SECOND)


def _lose_answers(stack: Stack, fault: Fault) -> None:
    for link in stack.links(fault.target):
        link.lose_answers()


def _refuse(stack: Stack, fault: Fault) -> None:
    for link in stack.links(fault.target):
        link.refuse()


def _cut(stack: Stack, fault: Fault) -> None:
    for link in stack.links(fault.target):
        link.cut()


def _heal(stack: Stack, fault: Fault) -> None:
    for link in stack.links(fault.target):
        link.heal()


def _copy(stack: Stack, fault: Fault) -> None:
    copy_of_redis(stack.redis, stack.folder.root / COPIES / f"{fault.at}")


def _put_back(stack: Stack, fault: Fault) -> None:
    with stack.unkept():
        stack.redis.kill()
        put_back(stack.redis, stack.folder.root / COPIES / f"{fault.at}")


def _empty(stack: Stack, fault: Fault) -> None:
    with stack.unkept():
        try:
            stack.client.flushall()
        except redis.RedisError:  # it is frozen, or down: then without its word
            stack.redis.kill()
            for kept in stack.redis.folder.glob("appendonly*"):
                kept.unlink()


ACTS: dict[str, tuple[Act, Act | None]] = {
    "kill": (_signal(signal.SIGKILL), None),
    "terminate": (_signal(signal.SIGTERM), None),
    "freeze": (_signal(signal.SIGSTOP), _thaw),
    "stall": (_stall, _heal),
    "slow": (_slow, _heal),
    "lose answers": (_lose_answers, _heal),
    "refuse": (_refuse, _heal),
    "cut": (_cut, None),
    "put back": (_copy, _put_back),
    "empty": (_empty, None),
}
"""Kind → what begins it and what ends it. "put back" copies Redis at its beginning and puts the copy back at its end."""


@contextmanager
def _healed(stack: Stack, faults: tuple[Fault, ...]) -> Iterator[None]:
    """Whatever happens, nothing is left frozen: it would not hear the signal to end."""
    try:
        yield
    finally:
        for fault in faults:
            if fault.kind == "freeze":
                _thaw(stack, fault)


def inject(stack: Stack, faults: tuple[Fault, ...], say: Say, look: Callable[[], None]) -> None:
    """Do all faults at their times from now on, and end them; `look` is called between two, and may raise."""
    began = time.monotonic()
    due: list[tuple[float, int, str, Fault, Act]] = []
    for number, fault in enumerate(faults):
        heappush(due, (fault.at, number, str(fault), fault, ACTS[fault.kind][0]))
    with _healed(stack, faults):
        while due:
            at, number, words, fault, act = heappop(due)
            while (left := began + at - time.monotonic()) > 0:
                look()
                time.sleep(min(left, 0.1))
            say(words)
            act(stack, fault)
            end = ACTS[fault.kind][1]
            if act is not end and end is not None:
                heappush(due, (at + fault.seconds, number, f"end of: {fault.kind} {fault.target}", fault, end))
