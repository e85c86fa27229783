"""Each Dockerfile target's lock, installed alone, runs that target's code (without Docker)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.compose.files import ROOT, STATIONS, stages
from tests.compose.image import lay_out

IMPORT_ALL = """
import importlib, pkgutil, sys
station = sys.argv[1]
for folder in (station, "studies"):
    package = importlib.import_module(folder)
    for found in pkgutil.walk_packages(package.__path__, folder + "."):
        parts = found.name.split(".")
        elsewhere = folder == "studies" and ("simulation" in parts or ("generator" in parts and station != "producer"))
        if parts[-1] != "__main__" and not elsewhere:
            importlib.import_module(found.name)
"""
"""All but what a station never runs: a study's generator is the producer's, its simulation that of `livelift simulate` in a checkout."""


@pytest.mark.slow
@pytest.mark.parametrize("station", STATIONS)
def test_an_image_holds_what_its_station_needs_and_no_other(station: str, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=60)
    lock = ROOT / "requirements" / f"{station}.lock"
    pip = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--requirement",
    ]
    subprocess.run([*pip, lock], check=True, timeout=280)

    image = lay_out(station, tmp_path / "image")
    environment = {
        **stages()[station].environment,
        "PATH": "/usr/bin:/bin",
        "LIVELIFT_FOLDER": str(tmp_path / "volume"),
    }
    run = {"cwd": image, "env": environment, "capture_output": True, "text": True, "timeout": 60, "check": False}
    imported = subprocess.run([python, "-c", IMPORT_ALL, station], **run)
    assert imported.returncode == 0, imported.stderr

    # Its command comes as far as the first setting that is missing.
    started = subprocess.run([python, *stages()[station].command[1:]], **run)
    assert started.returncode == 2, started.stderr
    assert "LIVELIFT_RUN is not set" in started.stderr

    others = subprocess.run([python, "-c", "import local"], **run)
    assert "No module named 'local'" in others.stderr
