"""A process that was asked to stop, or has an error to say, ends within a bounded time, whatever its threads do."""

import signal
import subprocess
import sys
import time

from livelift.errors import StateError

PROGRAM = """
import logging, signal, sys, time
from livelift import logs
from livelift.ending import end_station_within, end_with
from livelift.errors import StateError
logs.set_up("it")
log = logging.getLogger("livelift.it")
grace, body = float(sys.argv[1]), sys.argv[2]
end_station_within("it", 3, grace)
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("up", flush=True)
exec(body)
"""

DEAF = "while True: time.sleep(0.05)"
HEEDS = "while not asked: time.sleep(0.01)\nsys.exit(7)"
STUCK_LOG = """
import threading
logging.getLogger().handlers[0].acquire()
import livelift.ending
livelift.ending.WORDS_SECONDS = 0.3
threading.Thread(target=end_with, args=(StateError('a', 'b'), log)).start()
time.sleep(60)
"""


def ended(body: str, *signals: signal.Signals, grace: float = 60.0) -> tuple[int, str, float]:
    """Exit code, standard error, and the seconds from the first signal to the end."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(grace), body], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        began = time.monotonic()
        for number in signals:
            process.send_signal(number)
            time.sleep(0.3)  # two of a kind at once are one
        _, said = process.communicate(timeout=20)
        return process.returncode, said, time.monotonic() - began


def test_a_station_that_heeds_the_signal_ends_as_it_likes() -> None:
    assert ended(HEEDS, signal.SIGTERM)[:2] == (7, "")


def test_a_station_that_ignores_the_signal_is_ended_in_time() -> None:
    code, said, took = ended(DEAF, signal.SIGTERM, grace=0.5)
    assert code == 3
    assert len(said.splitlines()) == 1
    assert "asked to stop, the it did not end by itself" in said
    assert 0.5 <= took < 5


def test_a_second_signal_ends_a_station_at_once() -> None:
    assert ended(DEAF, signal.SIGTERM, signal.SIGTERM)[0] == 3


def test_an_error_is_logged_and_ends_the_process_with_its_code() -> None:
    code, said, _ = ended("end_with(StateError('what', 'how'), log)")
    assert code == StateError.exit_code
    assert "what\\n  fix: how" in said


def test_a_stuck_log_does_not_keep_a_process_from_ending() -> None:
    code, _, took = ended(STUCK_LOG)
    assert code == StateError.exit_code
    assert took < 10
