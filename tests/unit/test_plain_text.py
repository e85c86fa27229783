"""Names are shown as they are; markup, control and escape bytes do nothing to a terminal, a table or a log."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import rejects as rejects_module
from cli.rejects import rejects
from livelift.escaping import JOINERS, harmless, harmless_lines, json_line
from local import dead_letters

ODD = "Sigur Rós [/b] [red]x[/] \x1b[2J\x9b2J\r\x07\x7f\u202e\u2028\ud800 🇮🇸 👩‍🚀"
OBEYED = set("\x1b\x9b\r\x07\x7f\u202e\u2028\ud800")


@given(st.text())
def test_nothing_a_terminal_obeys_stays_and_names_are_unchanged(text: str) -> None:
    shown = harmless(text)
    assert all(one.isprintable() or one in JOINERS for one in shown)
    if text.isprintable():
        assert shown == text
    assert harmless_lines(text).count("\n") == text.count("\n")


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda some: st.lists(some) | st.dictionaries(st.text(), some))
)
def test_a_line_of_json_is_harmless_and_holds_the_same(value: Any) -> None:
    line = json_line(value)
    assert json.loads(line) == value
    assert all(one.isprintable() or one in JOINERS for one in line)


LETTERS = [
    {"v": 1, "reason": "out_of_range", "row": 3, "line": "u0\t2013-03-03T08:00:00Z\t\ta [/b]\t\tb"},
    {"v": 1, "reason": "date", "row": 4, "line": ODD},
    {"v": 1, "reason": "[/red]\x1b[2J", "row": -1, "line": "[bold]"},
]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> io.StringIO:
    """What `livelift rejects` prints for `LETTERS`."""
    out = io.StringIO()
    monkeypatch.setattr(dead_letters, "read_dead_letters", lambda *_: LETTERS)
    monkeypatch.setattr(rejects_module.answers, "_file", out)
    monkeypatch.setattr(rejects_module.answers, "_width", 160)
    monkeypatch.setenv("LIVELIFT_FOLDER", str(tmp_path))
    return out


def test_rejects_shows_names_that_look_like_markup_as_they_are(shown: io.StringIO) -> None:
    rejects(kafka="127.0.0.1:1", run="r")
    lines = shown.getvalue().splitlines()
    assert len(lines) == 1 + len(LETTERS)
    assert r"a [/b]\t\tb" in lines[1]
    assert "Sigur Rós [/b] [red]x[/] \\x1b[2J\\x9b2J\\r" in lines[2]
    assert "[bold]" in lines[3]
    assert OBEYED & set(shown.getvalue()) == set()


def test_rejects_of_several_files_shows_the_file(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = [LETTERS[0], {"v": 1, "reason": "date", "row": 4_711, "file": "log[2].csv", "file_line": 17, "line": "x"}]
    monkeypatch.setattr(dead_letters, "read_dead_letters", lambda *_: letters)
    rejects(kafka="127.0.0.1:1", run="r")
    lines = [line.split() for line in shown.getvalue().splitlines()]
    assert lines[0] == ["reason", "row", "file", "file_line", "line"]
    assert lines[2] == ["date", "4711", "log[2].csv", "17", "x"]


def test_rejects_as_json_is_one_harmless_line_a_letter(shown: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    rejects(kafka="127.0.0.1:1", run="r", json_=True)
    printed = capsys.readouterr().out
    assert [json.loads(line) for line in printed.splitlines()] == LETTERS
    assert OBEYED & set(printed) == set()


@pytest.mark.parametrize(
    "value",
    [None, b"", b"hello", b"[]", b"{}", b'{"reason":7,"row":1,"line":""}', b'{"x":' + b"[" * 100_000, b"\xff\x1b[2J"],
)
def test_what_strangers_write_to_the_dead_letters_is_listed_too(value: bytes | None) -> None:
    letter = dead_letters._letter(value)
    assert (letter["reason"], letter["row"]) == (dead_letters.UNKNOWN, -1)
    assert len(harmless(letter["line"], 100)) <= 500


def test_logs_are_harmless_for_a_file_and_a_person(tmp_path: Path) -> None:
    program = f"""
import logging, structlog
from pathlib import Path
from livelift import logs
logs.set_up("producer", Path({str(tmp_path / "log")!r}), tell=True)
odd = {ODD!r}
logging.getLogger("livelift.producer").critical("%s\\n  fix: %s", odd, odd)
structlog.get_logger("livelift.producer").warning("found " + odd, folder=odd)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60).stderr.decode()
    written = (tmp_path / "log").read_text(encoding="utf-8")
    assert [json.loads(line)["event"] for line in written.splitlines()] == [f"{ODD}\n  fix: {ODD}", f"found {ODD}"]
    for text in (said, written):
        assert OBEYED & set(text) == set()
        assert "Sigur Rós [/b] [red]x[/]" in text


def test_an_error_that_quotes_a_file_name_is_harmless(tmp_path: Path) -> None:
    livelift = Path(sys.executable).with_name("livelift")
    name = "a [red]\x1b[2J\n.tsv"
    said = subprocess.run(
        [livelift, "batch", "--data", name], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 3
    assert "a [red]\\x1b[2J" in said.stderr
    assert "\x1b" not in said.stderr
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "raw" / "userid-[red]\x1b[2J.tsv").write_text("u0\t2009-03-02T08:00:00Z\t\ta\t\tb\n")
    said = subprocess.run([livelift, "batch"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stderr
    assert "userid-[red]\\x1b[2J.tsv" in said.stderr
