"""Processes that a fault run leaves over are found by the folder that they work in or for."""

import os
import subprocess
from pathlib import Path

from tests.chaos.judging import strays


def test_a_process_that_works_in_or_for_the_folder_is_a_stray(tmp_path: Path) -> None:
    for where in ({"cwd": tmp_path}, {"env": {**os.environ, "LIVELIFT_FOLDER": str(tmp_path / ".livelift")}}):
        left = subprocess.Popen(["sleep", "60"], start_new_session=True, **where)  # type: ignore[call-overload]
        try:
            assert [line.split()[0] for line in strays(tmp_path, set(), within=0.2)] == [str(left.pid)]
            assert strays(tmp_path, {left.pid}, within=0.2) == []
            assert strays(tmp_path / "elsewhere", set(), within=0.2) == []
        finally:
            left.kill()
            left.wait()
    assert strays(tmp_path, set()) == []
