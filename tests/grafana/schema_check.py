"""Checks dashboard JSON against Grafana's own TypeScript types, which npm installs once into the user's cache."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.support.tools import tool

SCHEMA = Path(__file__).with_name("schema")
PINNED = ("package.json", "package-lock.json", ".npmrc")


def installed() -> Path:
    """The folder with the pinned packages; a new lock is a new folder, and one that broke off is none."""
    npm = tool("npm")
    key = hashlib.sha256(b"".join((SCHEMA / name).read_bytes() for name in PINNED)).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(cache) if cache else Path.home() / ".cache") / "livelift" / f"grafana-schema-{key}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as workplace:
            half = Path(workplace) / "half"
            half.mkdir()
            for name in PINNED:
                shutil.copy(SCHEMA / name, half / name)
            subprocess.run([npm, "ci", "--silent"], cwd=half, check=True, timeout=240)
            try:
                half.rename(folder)
            except OSError:
                assert folder.exists()  # another process was quicker
    return folder


def problems(dashboards: dict[str, dict[str, Any]], workplace: Path) -> list[str]:
    """What TypeScript has against the dashboards: `name.json: panel: message`."""
    folder = installed()
    for name, dashboard in dashboards.items():
        (workplace / f"{name}.json").write_text(json.dumps(dashboard))
    # Beside the packages, since modules are looked up from there; a file of its own for each process.
    script = folder / f"check-{os.getpid()}.mjs"
    shutil.copy(SCHEMA / "check.mjs", script)
    try:
        files = [workplace / f"{name}.json" for name in dashboards]
        done = subprocess.run(
            [tool("node"), script.name, *files], cwd=folder, capture_output=True, text=True, timeout=120
        )
    finally:
        script.unlink()
    assert done.returncode in (0, 1), done.stderr
    lines = done.stdout.splitlines()
    assert bool(lines) == bool(done.returncode), done.stderr
    return lines
