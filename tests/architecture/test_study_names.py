"""Everything that names a study lies in the study's folder: no other file of the program knows one."""

import re
import subprocess
from pathlib import Path

from livelift.settings import DEFAULTS, STUDY
from livelift.study_folders import study_names
from studies import DEFAULT

ROOT = Path(__file__).parents[2]

OF_A_STUDY = re.compile(r"\b(lastfm|last\.fm|plays|skips|artists?)\b", re.IGNORECASE)

MAY_NAME_ONE = ("studies/", "tests/", "bench/", "docs/", "findings/", "data/", "README.md", "CHANGELOG.md")


def naming(files: dict[str, str]) -> list[str]:
    """`path:line: text` of each line that names a study."""
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if OF_A_STUDY.search(line)
    ]


def program() -> dict[str, str]:
    """Path → text of every tracked file that may name no study."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    paths = [path for path in listed if path and not path.startswith(MAY_NAME_ONE) and (ROOT / path).is_file()]
    return {path: (ROOT / path).read_bytes().decode(errors="replace") for path in paths}


def test_no_file_outside_its_folder_names_a_study() -> None:
    files = program()
    assert len(files) > 200
    assert naming(files) == []


def test_a_name_in_words_is_seen_and_a_part_of_a_word_is_not() -> None:
    assert naming({"a.py": 'x = "LastFM"\ny = skip(1)\n# the Artist\ndisplays = smart_artistry'}) == [
        'a.py:1: x = "LastFM"',
        "a.py:3: # the Artist",
    ]


def test_the_default_study_is_one_of_the_program_s() -> None:
    assert DEFAULTS[STUDY] == DEFAULT
    assert DEFAULT in study_names({})
