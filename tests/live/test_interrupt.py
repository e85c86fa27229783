"""Ctrl-C at any moment leaves no process and no half-written cache; what was decided can still be read."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from livelift.names import RunNames
from local.servers import LocalServers
from producer.topics import create_topics
from tests.support.command_line import LIVELIFT, write_small_log


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generated") / "log.tsv"
    return write_small_log(path)


def processes_of(folder: Path) -> list[str]:
    """Processes that work in `folder` or name it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "pid"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(folder) in words or (process.info["cwd"] or "").startswith(str(folder)):
            found.append(words)
    return found


@pytest.mark.parametrize("seconds", [1.0, *(pytest.param(second, marks=pytest.mark.slow) for second in (4.0, 9.0))])
def test_ctrl_c_leaves_no_process_and_no_half_written_cache(seconds: float, data: Path, tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [LIVELIFT, "demo", "--data", str(data), "--speed", "500000x"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(seconds)
    assert demo.poll() is None
    demo.send_signal(signal.SIGINT)
    said, _ = demo.communicate(timeout=40)
    assert demo.returncode == 130
    assert said.splitlines()[-1].startswith("stopped by Ctrl-C")
    assert "Traceback" not in said
    assert processes_of(tmp_path) == []
    assert not list((tmp_path / ".livelift").rglob("*.building"))
    assert not (tmp_path / ".livelift" / "stack.json").exists()


DROPS_IT = """
import signal
import sys
import {module} as module

def drops_it(*_):  # as a callback of C code does that clears the error
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("dropped", flush=True)

module.{name} = drops_it
from cli.main import main
sys.argv = ["livelift", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "command"),
    [
        ("cli.live", "LiveTerminal.update", ["demo", "--data", "{data}", "--speed", "500000x"]),
        ("local.restarting", "ServerKeeper.look_after", ["up"]),
    ],
)
def test_a_library_that_drops_the_signal_cannot_prevent_the_end(
    module: str, name: str, command: list[str], data: Path, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DROPS_IT.format(module=module, name=name), *[w.format(data=data) for w in command]],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "dropped" in ended.stdout
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("stopped by Ctrl-C")
    assert processes_of(tmp_path) == []


def catches_sigterm(pid: int) -> bool:
    """Has the process a handler for SIGTERM of its own by now?"""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1)


def interrupted(folder: Path, number: signal.Signals, seconds: float, *command: str) -> tuple[int, str, str]:
    """The command's exit code and outputs, when it gets the signal `seconds` after it can handle one."""
    process = subprocess.Popen(
        [LIVELIFT, *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not catches_sigterm(process.pid):
        time.sleep(0.001)
    time.sleep(seconds)
    process.send_signal(number)
    out, said = process.communicate(timeout=40)
    return process.returncode, out, said


@pytest.mark.slow
def test_a_signal_is_one_line_from_the_first_import_to_the_end(data: Path, tmp_path: Path) -> None:
    """At any moment up to the end of DuckDB's work, Ctrl-C and SIGTERM give one line and their exit code."""
    command = ("batch", "--data", str(data), "--json")
    began = time.monotonic()
    whole = subprocess.run([LIVELIFT, *command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    took = time.monotonic() - began
    seen = 0
    for i in range(9):
        number, code, name = ((signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM"))[i % 2]
        ended, out, said = interrupted(tmp_path, number, took * i / 9, *command)
        if ended == 0:  # it was quicker this time
            assert said == ""
        else:
            seen += 1
            assert (ended, said) == (code, f"stopped by {name}\n")
        assert not (out or ended == 0) or json.loads(out)["sessions"] == json.loads(whole)["sessions"]
    assert seen >= 5


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("station", ["process", "stats"])
def test_a_station_in_the_foreground_ends_with_the_shells_code(
    station: str, number: signal.Signals, code: int, servers: LocalServers, tmp_path: Path
) -> None:
    names = RunNames("lastfm", f"interrupted-{station}-{code}")
    create_topics(servers.kafka.address, names, 1)
    command = [station, "--run", names.run, "--kafka", servers.kafka.address]
    if station == "stats":
        command += ["--redis", servers.redis.url]
    ended, _, said = interrupted(tmp_path, number, 5.0, *command)
    assert ended == code
    assert said.splitlines()[-1].startswith("stopped by")
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_second_demo_is_a_new_run_and_kill_9_leaves_no_process(data: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LIVELIFT, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
        )

    first = run("demo", "--data", str(data), "--exit", "--json", "--no-check").stdout
    demo = subprocess.Popen([LIVELIFT, "demo", "--data", str(data), "--speed", "500000x"], cwd=tmp_path)
    time.sleep(7)
    demo.kill()
    demo.wait()
    deadline = time.monotonic() + 10
    while processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(tmp_path) == []
    second = run("demo", "--data", str(data), "--exit", "--json", "--no-check").stdout

    def without_run(text: str) -> list[str]:
        return [line for line in text.splitlines() if '"run"' not in line]

    assert first.splitlines()[3] != second.splitlines()[3]  # the run's id
    assert len(without_run(first)) == len(without_run(second))
    assert run("verdict", "--json").stdout == second
    ticks = run("history", "--csv").stdout.splitlines()
    assert ticks[0].startswith("as_of,decision,")
    assert [line.split(",")[0] for line in ticks[1:3]] == ["2009-03-02T00:00:00Z", "2009-03-03T00:00:00Z"]
    assert '"2009-04-01T00:00:00Z"' in run("verdict", "--as-of", "2009-04-01", "--json").stdout
    assert '"middle"' in run("scenario", "--population", "1000", "--json").stdout
