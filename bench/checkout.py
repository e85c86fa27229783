"""Exports a commit of this repository to a folder, and finds or makes a Python with the packages that it has locked."""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from bench.subject import Say
from livelift.errors import ResourceError, SettingsError

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "bench"
"""Environments of other locks, and what is measured now; git ignores it."""

LOCK = Path("requirements/all.lock")
NEEDED = ("bench/__main__.py", str(LOCK))
"""Without these a commit cannot be measured."""


@dataclass(frozen=True, slots=True)
class Build:
    """A checkout and the Python that runs it.

    name
        `today` or `base`.
    what
        Commit, and whether its files are those of the commit, for a person.
    """

    name: str
    what: str
    root: Path
    python: Path


def commit_of(name: str, root: Path = ROOT) -> str:
    """The full hash of the commit that `name` (hash, tag, branch, `HEAD~1`) stands for.

    Raises
    ------
    ResourceError
        If there is no git, or the checkout has no history.
    SettingsError
        If there is no such commit, or it is older than what is measured here.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    if top.returncode or Path(top.stdout.decode().strip()).resolve() != root.resolve():
        why = _first_line(top.stderr) if top.returncode else "it lies in another repository"
        raise ResourceError(
            f"{root} has no git history to take a base from: {why}", "measure in a clone of the repository"
        )
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not name or found.returncode:
        raise SettingsError(
            f"there is no commit '{name}' in {root}",
            "use a hash, tag or branch of `git log --all`; a shallow clone gets the older ones by `git fetch --unshallow`",
        )
    commit = found.stdout.decode().strip()
    for path in NEEDED:
        if _git(root, "cat-file", "-e", f"{commit}:{path}").returncode:
            raise SettingsError(f"the commit {commit[:7]} has no {path}: nothing to measure it with", "use a later one")
    return commit


def today(root: Path = ROOT) -> Build:
    """The files as they lie here, with the Python that runs this."""
    commit = commit_of("HEAD", root)
    changed = len(_git(root, "status", "--porcelain").stdout.splitlines())
    state = f"with uncommitted changes in {changed} file{'s' if changed > 1 else ''}" if changed else "as committed"
    return Build("today", f"{commit[:7]} {state}", root, Path(sys.executable))


def export(commit: str, folder: Path, say: Say, root: Path = ROOT, cache: Path = CACHE) -> Build:
    """The files of a commit in `folder`, which is new, and an environment for them.

    They come from git's objects, so that neither changes of the working tree nor its caches get into the base. They are
    compiled at once: the first start of a station would else be slower than that of one which ran before.

    Raises
    ------
    ResourceError
        If they cannot be exported, or the packages not be installed.
    """
    packed = _git(root, "archive", "--format=zip", "-0", commit)
    if packed.returncode:
        raise ResourceError(f"git cannot export {commit[:7]}: {_first_line(packed.stderr)}", "see `git fsck`")
    with zipfile.ZipFile(io.BytesIO(packed.stdout)) as files:
        files.extractall(folder)
    python = environment(folder / LOCK, say, root, cache)
    subprocess.run([python, "-m", "compileall", "-q", folder], check=False, capture_output=True)
    return Build("base", f"{commit[:7]} as committed", folder, python)


def environment(lock: Path, say: Say, root: Path = ROOT, cache: Path = CACHE) -> Path:
    """A Python with the packages of `lock`: the one that runs this if its own lock is the same, else one that is kept.

    Raises
    ------
    ResourceError
        If the packages cannot be installed.
    """
    content = lock.read_bytes()
    if content == (root / LOCK).read_bytes():
        return Path(sys.executable)
    key = hashlib.sha256(content + platform.python_version().encode()).hexdigest()[:12]
    folder = cache / f"env-{key}"
    python, complete = folder / "bin" / "python", folder / "installed"
    if not complete.exists():
        say(f"the base has locked other packages: making {folder}, once")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        commands: list[list[str | Path]] = [
            [sys.executable, "-m", "venv", folder],
            [python, ROOT / "requirements" / "install.py", lock],
        ]
        for command in commands:
            if subprocess.run(command, check=False).returncode:
                raise ResourceError(f"the packages of {lock} cannot be installed", "read what pip says above")
        complete.touch()
    return python


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in `root`, whatever repository a hook that we run under has in its environment."""
    program = shutil.which("git")
    if program is None:
        raise ResourceError("there is no program git, which takes the base from the history", "install git")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run([program, "-C", root, *arguments], check=False, capture_output=True, env=environment)


def _first_line(said: bytes) -> str:
    return said.decode("utf-8", "replace").strip().partition("\n")[0]
