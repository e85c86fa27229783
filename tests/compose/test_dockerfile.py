"""The Dockerfile has a target for each station, with the code and the lock file it needs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compose.files import ROOT, STATIONS, services, stages
from tests.compose.test_images import IMPORT_ALL
from tests.support.imports import imports

each_station = pytest.mark.parametrize("name", STATIONS)

PINNED = re.compile(r"^([a-z][\w.-]*)==([\w.]+)( ; .+)? \\$", re.MULTILINE)


def test_every_station_that_is_built_is_a_target() -> None:
    built = {name: service["build"] for name, service in services().items() if "build" in service}
    assert built == {name: {"context": ".", "target": name} for name in STATIONS}
    assert set(built) <= set(stages())


def test_what_is_copied_is_there_and_not_ignored() -> None:
    sources = {source for stage in stages().values() for source, _ in stage.copies}
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {source for source in sources if not any(f"{path}/".startswith(f"{source}/") for path in kept)} == set()
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert {source.partition("/")[0] for source in sources} == allowed


def test_all_stages_have_the_same_python() -> None:
    images = {stage.image for stage in stages().values()}
    versions = {re.fullmatch(r"python:(3\.11\.\d+)-(slim-)?bookworm", image)[1] for image in images}  # type: ignore[index]
    assert len(versions) == 1
    assert {stages()[name].image for name in STATIONS} == {f"python:{versions.pop()}-slim-bookworm"}


@each_station
def test_a_target_runs_its_station_from_its_own_lock(name: str) -> None:
    stage = stages()[name]
    assert stage.command == ["python", "-m", name]
    assert stage.copies_from == [(f"{name}-packages", "/venv")]
    packages = stages()[f"{name}-packages"]
    assert packages.copies == [(f"requirements/{name}.lock", "/tmp/")]
    assert packages.runs == [f"/venv/bin/pip install --require-hashes --requirement /tmp/{name}.lock"]
    assert stage.environment["PATH"].startswith("/venv/bin:")


@each_station
def test_a_target_holds_every_folder_that_its_codeimports(name: str) -> None:
    folders = [Path(source) for source, _ in stages()[name].copies]
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    imported = {top for folder in folders for path in (ROOT / folder).rglob("*.py") for top in imports(path)}
    assert imported & ours <= {str(folder) for folder in folders}
    assert name in {str(folder) for folder in folders}


@each_station
def test_the_health_check_is_a_program_that_python_reads(name: str) -> None:
    program, option, code = stages()[name].healthcheck
    assert (program, option) == ("python", "-c")
    ast.parse(code)  # test_run.py runs it


@each_station
def test_a_lock_agrees_with_the_common_one(name: str) -> None:
    common, own = (_pins(ROOT / "requirements" / f"{lock}.lock") for lock in ("all", name))
    assert own
    assert own - common == set()
    assert len(own) < len(common) / 2


LOCKED = """
import importlib.metadata, re, sys
from importlib.machinery import PathFinder
from pathlib import Path

_, lock = sys.argv[1:]
locked = {re.sub("[-_.]+", "-", line.split("==")[0]).lower() for line in Path(lock).read_text().splitlines() if "==" in line}
ours = importlib.metadata.packages_distributions()
missing = {
    top for top, of in ours.items() if not {re.sub("[-_.]+", "-", one).lower() for one in of} & (locked | {"livelift"})
}

class LockedOnly(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in missing else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = LockedOnly
assert missing
"""


@each_station
def test_a_lock_has_every_package_that_its_station_imports(name: str) -> None:
    """All others of the checkout's environment are hidden; `test_images.py` installs a lock alone."""
    command = [sys.executable, "-c", LOCKED + IMPORT_ALL, name, f"requirements/{name}.lock"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-500:]


def _pins(lock: Path) -> set[tuple[str, str]]:
    text = lock.read_text()
    assert len(PINNED.findall(text)) == len(re.findall(r"^[^ #]", text, re.MULTILINE))  # no line is overlooked
    return {(name, version) for name, version, _ in PINNED.findall(text)}
