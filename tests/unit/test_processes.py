"""Child processes stop when they should, with their descendants, and at the latest with their parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from livelift.errors import ResourceError
from local.processes import ChildProcess
from tests.support.ends import has_ended

# Says so once it is up, then sleeps; the helper of its own that it starts is in its group.
SLEEPER = ["/bin/sh", "-c", "sleep 600 & echo helper $!; echo up; wait"]
DEAF = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"]  # fmt: skip

# A parent that starts SLEEPER, from a thread that ends at once, and waits; frozen with `freeze` as its second argument.
PARENT = """
import sys, threading, time
from pathlib import Path
from local.processes import ChildProcess
def start():
    global child
    child = ChildProcess("sleeper", ["/bin/sh", "-c", "sleep 600 & echo helper $!; echo up; wait"], Path(sys.argv[1]))
thread = threading.Thread(target=start); thread.start(); thread.join()
while "up" not in child.tail(): time.sleep(0.01)
if sys.argv[2] == "freeze": child.freeze()
print(child.pid, child.tail().split()[1], flush=True)
time.sleep(600)
"""


def is_up(child: ChildProcess) -> ChildProcess:
    while "up" not in child.tail():
        assert child.poll() is None, child.tail()
        time.sleep(0.01)
    return child


def helper_of(child: ChildProcess) -> int:
    return int(child.tail().split()[1])


@pytest.mark.parametrize("state", ["running", "freeze"])
def test_a_parent_after_kill_9_leaves_no_child_and_no_helper(tmp_path: Path, state: str) -> None:
    """The helper is the child's."""
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log"), state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(not has_ended(pid, within=0.2) for pid in pids)
        parent.kill()
    assert all(has_ended(pid) for pid in pids)


def test_stop_ends_the_child_and_its_helper_by_sigterm(tmp_path: Path) -> None:
    child = is_up(ChildProcess("sleeper", SLEEPER, tmp_path / "log"))
    assert child.stop() == -signal.SIGTERM
    assert has_ended(child.pid)
    assert has_ended(helper_of(child))


def test_stop_kills_what_does_not_heed_sigterm(tmp_path: Path) -> None:
    child = is_up(ChildProcess("deaf", DEAF, tmp_path / "log"))
    assert child.stop(timeout=0.2) == -signal.SIGKILL


def test_stop_wakes_a_frozen_child_to_end_in_order(tmp_path: Path) -> None:
    child = is_up(ChildProcess("sleeper", SLEEPER, tmp_path / "log"))
    child.freeze()
    assert child.stop(timeout=5) == -signal.SIGTERM


def test_stop_after_the_end_gives_the_exit_code_also_repeatedly(tmp_path: Path) -> None:
    child = ChildProcess("seven", ["/bin/sh", "-c", "exit 7"], tmp_path / "log")
    assert child.wait(5) == 7
    assert child.stop() == child.stop() == child.kill() == 7


def test_a_child_that_ends_by_itself_leaves_no_helper(tmp_path: Path) -> None:
    child = ChildProcess("hasty", ["/bin/sh", "-c", "sleep 600 & echo helper $!"], tmp_path / "log")
    assert child.wait(5) == 0
    assert has_ended(helper_of(child))


def test_kill_ends_it_at_once(tmp_path: Path) -> None:
    child = is_up(ChildProcess("deaf", DEAF, tmp_path / "log"))
    assert child.kill() == -signal.SIGKILL
    assert child.poll() == -signal.SIGKILL


def test_a_frozen_child_goes_on_when_thawed(tmp_path: Path) -> None:
    counter = "import time\nfor n in range(100_000): print(n, flush=True); time.sleep(0.01)"
    with ChildProcess("counter", [sys.executable, "-c", counter], tmp_path / "log") as child:
        while "0" not in child.tail():
            time.sleep(0.01)
        child.freeze()
        while psutil.Process(child.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        frozen = child.tail(1)
        time.sleep(0.2)
        assert child.tail(1) == frozen
        child.thaw()
        deadline = time.monotonic() + 5
        while child.tail(1) == frozen:
            assert time.monotonic() < deadline


def test_the_terminals_ctrl_c_does_not_reach_a_child(tmp_path: Path) -> None:
    with ChildProcess("sleeper", SLEEPER, tmp_path / "log") as child:
        assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    children: list[ChildProcess] = []
    thread = threading.Thread(target=lambda: children.append(ChildProcess("sleeper", SLEEPER, tmp_path / "log")))
    thread.start()
    thread.join()
    with children[0] as child:
        assert not has_ended(child.pid, within=0.3)


def test_a_with_block_left_by_ctrl_c_leaves_no_child(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ChildProcess("sleeper", SLEEPER, tmp_path / "log") as child:
        raise KeyboardInterrupt
    assert has_ended(child.pid)


def test_the_log_keeps_every_start_and_the_tail_is_of_this_one(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = ChildProcess(word, ["/bin/sh", "-c", f"echo {word} out; echo {word} err >&2"], tmp_path / "a" / "log")
        child.wait(5)
        assert child.tail() == f"{word} out\n{word} err"
        assert child.tail(1) == f"{word} err"
    assert "first out" in child.log.read_text()


def test_arguments_folder_and_environment_arrive_as_given(tmp_path: Path) -> None:
    program = "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['WORD'], sys.stdin.read() == '')"
    argument = 'a "b" $HOME *'
    child = ChildProcess(
        "teller", [sys.executable, "-c", program, argument], tmp_path / "log", cwd=tmp_path, environment={"WORD": "ü"}
    )
    assert child.wait(10) == 0
    assert child.tail() == f"{[argument]} {tmp_path} ü True"


def test_a_missing_program_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="no program /no/such/program"):
        ChildProcess("nothing", ["/no/such/program"], tmp_path / "log")


def test_a_child_stopped_while_it_starts_is_stopped(tmp_path: Path) -> None:
    for _ in range(50):
        child = ChildProcess("sleeper", ["/bin/sleep", "600"], tmp_path / "log")
        assert child.stop() == -signal.SIGTERM
        assert has_ended(child.pid)
