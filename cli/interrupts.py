"""Handles Ctrl-C and SIGTERM: one line on standard error and the shell's exit code, whatever is interrupted.

Imports nothing that takes time: these handlers have to be there before everything else is imported.
"""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}

RAISE_AGAIN_SECONDS = 0.01


class Interruption:
    """Which signal this process was asked to end by, if any; and what its person should know then."""

    number: int | None = None
    hint: str = ""

    def note(self, number: int) -> None:
        """Remember the first signal: it decides the exit code."""
        if self.number is None:
            self.number = number

    def raise_if_noted(self) -> None:
        """Raise `KeyboardInterrupt` if a signal came: for a loop, as the library that it interrupted may have dropped it.

        Raises
        ------
        KeyboardInterrupt
            If a signal was noted, however long ago.
        """
        if self.number is not None:
            raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """As a shell gives it for a program that a signal ended."""
        return 128 + (self.number or signal.SIGINT)

    @property
    def line(self) -> str:
        """What is shown instead of a traceback."""
        name = SIGNALS[signal.Signals(self.number or signal.SIGINT)]
        return f"stopped by {name}{': ' if self.hint else ''}{self.hint}"


interruption = Interruption()
"""This process's."""


def end_at_once() -> None:
    """From now on a signal ends the process on the spot. For the time when nothing has to be cleaned up."""
    for number in SIGNALS:  # both explicitly: a shell starts a background job with SIGINT ignored
        signal.signal(number, _end)


def end_in_order() -> None:
    """From now on a signal raises `KeyboardInterrupt`, so that `with` blocks stop what they started."""
    sys.unraisablehook = _raise_again
    signal.signal(signal.SIGALRM, _raise)
    for number in SIGNALS:
        signal.signal(number, _raise)


def end_now(code: int | str | None) -> NoReturn:
    """End the process with what it has printed, as `sys.exit` does, but with no time in which a signal is still a crash."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # `livelift history | head`
        code = code or 1
    os._exit(code or 0)


def end_interrupted() -> NoReturn:
    """End the process on the spot, with its line and code."""
    os.write(2, f"{interruption.line}\n".encode())
    os._exit(interruption.exit_code)


def _end(number: int, _: FrameType | None) -> NoReturn:
    interruption.note(number)
    end_interrupted()


def _raise(number: int, _: FrameType | None) -> NoReturn:
    if number != signal.SIGALRM:
        interruption.note(number)
    raise KeyboardInterrupt


def _raise_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Python drops an exception raised in a callback of its own (of a weak reference, a finaliser): raise it a moment later."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, RAISE_AGAIN_SECONDS)
    else:
        sys.__unraisablehook__(unraisable)
