"""Our row of the table of engines is what the session operator does, and the findings can be run by anybody."""

import re
import subprocess
from pathlib import Path

import pytest

from livelift.event_time import MINUTE
from livelift.events import Progress, Start, encode_control
from livelift.output_log import ClosedSession
from livelift.sessions import session_measures
from livelift.study import load_study
from processor.effects import Effects
from processor.windows import new_partition
from tests.support.streams import FakeRecord, Listen, event_value, manifest

ROOT = Path(__file__).parents[2]
STUDY = load_study("lastfm")
BEGIN = STUDY.experiment.start_ms
FINDINGS = sorted((ROOT / "findings").iterdir())


class OneListener:
    """The operator, and one user's events in the order in which they arrive, in minutes."""

    def __init__(self, *minutes: float) -> None:
        self.partition = new_partition(STUDY, session_measures(STUDY))
        plays = [Listen(BEGIN + round(minute * MINUTE), "user") for minute in minutes]
        self._told, self._next = manifest([*plays, Listen(BEGIN + 1000 * MINUTE, "user")]), 0
        self.effects: list[Effects] = []
        self._mark(Start(BEGIN, 0, self._told))
        for row, play in enumerate(plays):
            self._mark(Progress(BEGIN, len(plays), self._told))
            self._take(play.time, b"user", event_value(row, "a"))

    def _take(self, time: int, key: bytes | None, value: bytes) -> None:
        self.effects.append(self.partition.apply([FakeRecord(self._next, time, key, value)]))
        self._next += 1

    def _mark(self, mark: Start | Progress) -> None:
        self._take(mark.time, None, encode_control(mark))

    def pass_time(self, minute: float) -> list[tuple[float, float]]:
        """Event time moves on; (first, last event) of all sessions closed so far, in minutes."""
        self._mark(Progress(BEGIN + round(minute * MINUTE), self.partition.row + 1, self._told))
        closed = [one for effects in self.effects for one in effects.outputs if isinstance(one, ClosedSession)]
        return [((one.start - BEGIN) / MINUTE, (one.end - BEGIN) / MINUTE) for one in closed]


def test_livelift_s_row_of_the_table_of_engines() -> None:
    assert OneListener(0, 30).pass_time(200) == [(0, 30)]
    assert len(OneListener(0, 30 + 1 / MINUTE).pass_time(200)) == 2
    late = OneListener(0, 20, 10)
    assert late.pass_time(200) == [(0, 20)]
    assert [letter.reason for effects in late.effects for letter in effects.dead_letters] == ["late"]
    assert OneListener(0, 50, 25).pass_time(200) == [(0, 0), (50, 50)]
    waits = OneListener(0)
    assert waits.pass_time(30) == []
    assert waits.pass_time(30 + 1 / MINUTE) == [(0, 0)]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda path: path.stem)
def test_a_finding_says_version_behaviour_and_what_was_seen(finding: Path) -> None:
    text = finding.read_text(encoding="utf-8")
    assert finding.suffix == ".sh" and finding.stat().st_mode & 0o111
    package, version = re.search(r"install --quiet --disable-pip-version-check (\S+)==(\S+)", text).groups()  # type: ignore[union-attr]
    header = text[: text.index("set -euo pipefail")]
    assert version in header and package in header.lower().replace(" ", "")
    assert re.search(r"Seen on \d{4}-\d\d-\d\d", header) and "Exit code: 0 as described" in header
    assert any(
        f"`findings/{finding.name}`" in page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")
    )


@pytest.mark.slow
@pytest.mark.parametrize("finding", FINDINGS, ids=lambda path: path.stem)
def test_a_finding_still_holds(finding: Path) -> None:
    """It installs its package into a folder of its own, and prints what its header says."""
    ran = subprocess.run([finding], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    shown = finding.read_text(encoding="utf-8")
    assert all(line in shown for line in ran.stdout.splitlines() if ":" in line)
