"""Child processes that end with their parent: logs, stopping, and faults for tests (kill, freeze)."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from livelift.errors import ResourceError

# Runs in the new session, before the command takes the shell's place by `exec` (so the command has the session's pid).
# The reader that it leaves behind, in the same process group, waits on a pipe whose other end only our process holds.
# However we end, kill -9 included, the kernel closes that end, and the reader kills the group. Linux's PR_SET_PDEATHSIG
# would do the same for one process only, on Linux only, and fire already when the *thread* that forked ends.
_GUARDED = """
exec 3<&0
( trap '' TERM INT HUP; read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"""


LOG_BYTES = 16 << 20

PRIVATE = 0o077
"""The umask of what runs here: what it writes is its user's alone."""


def rotate(log: Path) -> bool:
    """Move what a log above `LOG_BYTES` holds to `<log>.1`, in place of what was there; was it that long?

    Whoever appends to it has it open and goes on: it is emptied, not replaced.
    """
    try:
        if log.stat().st_size <= LOG_BYTES:
            return False
    except FileNotFoundError:
        return False
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
    return True


class ChildProcess:
    """A command, started at once in a session of its own, so that the terminal's Ctrl-C does not reach it.

    It ends with us, whatever ends us; a child process of ours made by a bare `os.fork` would hold it alive as well.

    Parameters
    ----------
    name
        What messages call it.
    command
        Program and arguments; no shell reads them.
    log
        File that standard output and error are appended to; its folder is made.
    cwd
        Working directory; ours if not given.
    environment
        The whole environment; ours if not given.

    Raises
    ------
    ResourceError
        If there is no such program.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        program = shutil.which(command[0])
        if program is None:
            raise ResourceError(f"cannot start {name}: there is no program {command[0]}", "install it, or run `make`")
        log.parent.mkdir(parents=True, exist_ok=True)
        rotate(log)
        guard_end, self._our_end = os.pipe()
        try:
            with log.open("ab") as output:
                self._log_start = output.tell()
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", _GUARDED, name, program, *map(str, command[1:])],
                    stdin=guard_end,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=environment,
                    start_new_session=True,
                    umask=PRIVATE,
                )
        except BaseException:
            os.close(self._our_end)
            raise
        finally:
            os.close(guard_end)
        self._group_lives = True

    @property
    def pid(self) -> int:
        """Process id, and id of its process group and session."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code (−n: killed by signal n), or None while it runs. Once it has ended, so have its helpers."""
        code = self._process.poll()
        if code is not None:
            self._end_group()
        return code

    def wait(self, timeout: float | None = None) -> int | None:
        """`poll`, after at most `timeout` seconds; without one, when it has ended."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return self.poll()

    def stop(self, timeout: float = 10.0) -> int:
        """End it: ask all of its group by SIGTERM, after `timeout` seconds kill. Gives the exit code.

        A frozen one is woken, to hear the signal. Ended already: nothing happens.
        """
        try:
            if self.poll() is None:
                os.killpg(self.pid, signal.SIGTERM)
                os.killpg(self.pid, signal.SIGCONT)
                self.wait(timeout)
        finally:  # a Ctrl-C while we wait leaves nothing behind either
            code = self.kill()
        return code

    def kill(self) -> int:
        """End it and its group at once, by SIGKILL. Gives the exit code."""
        self._end_group()
        return self._process.wait()

    def freeze(self) -> None:
        """Halt it (SIGSTOP): it keeps its sockets and locks and answers nobody, as on a machine that hangs."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        os.kill(self.pid, signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """The last `lines` lines that this start wrote to the log."""
        with self.log.open("rb") as output:
            output.seek(self._log_start)
            text = output.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def rotate_log(self) -> None:
        """Keep its log short; to be called now and then."""
        if rotate(self.log):
            self._log_start = 0

    def _end_group(self) -> None:
        # Once only: as long as the reader of _GUARDED lives in the group, the kernel gives its id to nobody else.
        if self._group_lives:
            self._group_lives = False
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # all of it ended before: stopped within its first millisecond, the reader had no trap yet
            os.close(self._our_end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
